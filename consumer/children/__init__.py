"""How child processes are started, talked to and ended; the same for decoder and engine."""
