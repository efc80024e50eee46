"""The whole path, with real workers, a real broker and a real store."""
