"""The desk's decisions."""
