"""Pure decisions: no I/O, clock, randomness, threads or logging; now and jitter are arguments."""
