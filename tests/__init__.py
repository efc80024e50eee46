"""Tests of steno."""
