"""From a file of unknown origin to samples, in a process without rights."""
