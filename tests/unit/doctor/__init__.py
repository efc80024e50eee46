"""Unit tests of consumer.doctor."""
