"""The parent's side of child processes, without any."""
