"""The dead-letter desk: reads dead-letter topics, and replays, parks or drops what stands there, once."""
