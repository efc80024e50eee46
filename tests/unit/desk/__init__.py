"""Unit tests of consumer.desk."""
