"""The decoder, without processes."""
