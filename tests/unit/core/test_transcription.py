"""The transcript document and the figures in it."""

from __future__ import annotations

from consumer.core.quality import assess
from tests.make import make_a_job, make_segment, make_transcript, make_word


def test_the_text_is_that_of_the_segments_and_the_words_are_theirs() -> None:
    word = make_word(" Two.", 1, 2)
    transcript = make_transcript(make_segment(" One."), make_segment(" Two.", words=[word]))

    assert transcript.text == "One. Two."
    assert transcript.words == [word]
    assert transcript.usage.seconds == transcript.duration == 61.4


def test_the_job_is_described_well_enough_to_write_every_other_file() -> None:
    job = make_a_job(metadata={"case": "1"}, correlation_id="c", output={"uri": "s3://out/p", "formats": ["srt"]})
    described = make_transcript(job=job).job

    assert (described.job_id, described.fingerprint, described.output_uri) == (
        job.job_id,
        job.fingerprint,
        "s3://out/p/",
    )
    assert described.formats == job.request.output.formats
    assert (described.metadata, described.correlation_id) == ({"case": "1"}, "c")


def test_quality_weighs_segments_by_their_length() -> None:
    long = make_segment(start=0, end=3, avg_logprob=-0.1, no_speech_prob=0.0, compression_ratio=1.0)
    short = make_segment(start=3, end=4, avg_logprob=-0.5, no_speech_prob=0.4, compression_ratio=2.0)
    quality = assess([long, short], 0.75)

    assert (quality.avg_logprob, quality.no_speech_prob) == (-0.2, 0.1)
    assert (quality.max_compression_ratio, quality.speech_s, quality.language_probability) == (2.0, 4.0, 0.75)


def test_silence_has_no_means() -> None:
    quality = assess([], 0.5)

    assert (quality.avg_logprob, quality.no_speech_prob, quality.max_compression_ratio) == (None, None, None)
    assert quality.speech_s == 0.0
