"""Decisions: no socket, no sleep, no patching."""
