"""The engine's decisions."""
