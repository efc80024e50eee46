"""Which weights there are, where they come from, whether they are whole."""
