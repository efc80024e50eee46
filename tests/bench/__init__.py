"""Measurements; each module runs by itself and prints a table. None of them asserts a time."""
