"""Proxies that know a protocol and fail it on purpose: between a worker and its broker or store."""
