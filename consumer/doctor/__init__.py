"""Whether a worker or a client could do its work here: checks that look and change nothing."""
