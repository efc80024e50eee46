"""What `/metrics` tells, in the formats of Prometheus and OpenMetrics."""

from consumer.adapters.metrics.catalogue import METRICS, Metric, Type
from consumer.adapters.metrics.meter import Metrics

__all__ = ["METRICS", "Metric", "Metrics", "Type"]
