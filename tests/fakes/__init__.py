"""Stand-ins for the ports, held to the same conformance suites as the adapters."""
