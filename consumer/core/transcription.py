"""From what the engine heard to the transcript document."""

from __future__ import annotations

from consumer.core.jobs import Job as WorkJob
from consumer.core.quality import assess
from consumer.core.speech import EngineResult, FetchedObject, MediaInfo
from contracts.requests import Options
from contracts.transcript import Job, Provenance, Source, Timing, Transcript, Usage


def build_transcript(
    job: Job, source: Source, result: EngineResult, *, duration_s: float, timing: Timing
) -> Transcript:
    """Puts a transcript together; a pure function of its arguments."""
    segments = list(result.segments)
    return Transcript(
        task=str(result.options.get("task", Options().task)),
        language=result.language,
        duration=duration_s,
        text="".join(segment.text for segment in segments).strip(),
        segments=segments,
        words=[word for segment in segments for word in segment.words],
        usage=Usage(seconds=duration_s),
        job=job,
        input=source,
        quality=assess(segments, result.language_probability),
        provenance=Provenance.model_validate(
            {
                "model": result.model,
                "engine": result.engine,
                "device": result.device,
                "compute_type": result.compute_type,
                "mode": result.mode,
                "options": result.options,
                "versions": result.versions,
            }
        ),
        timing=timing,
    )


def describe_job(job: WorkJob, worker: str) -> Job:
    """The transcript's account of the request it answers."""
    return Job(
        job_id=job.job_id,
        fingerprint=job.fingerprint,
        output_uri=job.output_uri,
        formats=job.request.output.formats,
        attempt=job.attempt,
        worker=worker,
        tenant=job.tenant,
        correlation_id=job.request.correlation_id,
        metadata=job.request.metadata,
    )


def describe_source(uri: str, fetched: FetchedObject, media: MediaInfo) -> Source:
    """The transcript's account of the media."""
    return Source(
        uri=uri,
        version_id=fetched.version_id,
        etag=fetched.etag,
        sha256=fetched.sha256,
        bytes=fetched.size_bytes,
        container=media.container,
        codec=media.codec,
        sample_rate_hz=media.sample_rate_hz,
        channels=media.channels,
        declared_duration_s=media.declared_duration_s,
        damaged_packets=media.damaged_packets,
        lost_s=media.lost_s,
    )
