"""The version of the distribution, which holds the contracts and the service."""

__version__ = "0.1.0"
