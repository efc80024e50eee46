"""Deliveries from Kafka and records to it, with aiokafka."""
