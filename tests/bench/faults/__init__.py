"""What becomes of hundreds of jobs under one fault after another: `python -m tests.bench.faults`, or `make faults`."""
