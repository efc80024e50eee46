"""One module for each outside system; each translates its errors to `core.failures` at its edge."""
