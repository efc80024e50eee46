"""The whole path on one machine: an embedded store and broker, a real worker, real speech."""
