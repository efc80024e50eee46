"""Figures by which a reader can judge a transcript."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.transcript import Quality, Segment


def assess(segments: Sequence[Segment], language_probability: float) -> Quality:
    """Sums up the segments; means are weighted by the segments' length."""
    weights = [max(segment.end - segment.start, 0.0) for segment in segments]
    return Quality(
        language_probability=language_probability,
        avg_logprob=_mean([segment.avg_logprob for segment in segments], weights),
        no_speech_prob=_mean([segment.no_speech_prob for segment in segments], weights),
        max_compression_ratio=max((segment.compression_ratio for segment in segments), default=None),
        speech_s=round(sum(weights), 3),
    )


def _mean(values: Sequence[float], weights: Sequence[float]) -> float | None:
    total = sum(weights)
    if not total:
        return None
    return round(sum(value * weight for value, weight in zip(values, weights, strict=True)) / total, 6)
