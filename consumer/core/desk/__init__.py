"""The dead-letter desk's decisions: what a dead letter says, which ones are meant, and what is sent in their place."""
