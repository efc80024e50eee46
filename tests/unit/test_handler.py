"""The order of effects: what is written when, and what a second attempt costs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from consumer.core.admission import AdmissionRules
from consumer.core.failures import OutageError, PermanentError, TransientError
from consumer.core.jobs import Job
from consumer.core.resultset import derive_result_set
from consumer.handler import Handled, Handler, HandlerConfig, Run
from consumer.scratch import Scratch, ScratchConfig
from consumer.stopwatch import Stopwatch
from contracts.errors import ErrorCode
from contracts.events import Kind, Stage
from contracts.transcript import Transcript
from tests.fakes.engine import FakeDecoder, FakeEngine
from tests.fakes.store import FakeStore
from tests.make import NOW, OUTPUT, make_a_job, make_transcript

PLACE = f"{OUTPUT}call-4711/"
SET = [
    f"{PLACE}{name}"
    for name in ("manifest.json", *(f"transcript.{ext}" for ext in ("json", "srt", "tsv", "txt", "vtt")))
]


@dataclass
class Bench:
    """A handler with fakes around it."""

    scratch_dir: Path
    store: FakeStore = field(default_factory=FakeStore)
    decoder: FakeDecoder = field(default_factory=FakeDecoder)
    engine: FakeEngine = field(default_factory=FakeEngine)
    notices: list[tuple[Kind, dict[str, object]]] = field(default_factory=list)

    async def run(self, job: Job | None = None) -> Handled:
        rules = AdmissionRules((), (OUTPUT,), f"{OUTPUT}.steno/", max_bytes=1000)
        config = HandlerConfig(worker="gpu-3", rules=rules)
        scratch = Scratch(ScratchConfig(self.scratch_dir))
        handler = Handler(self.store, self.decoder, self.engine, scratch, config=config, now=lambda: NOW)
        run = Run(job or make_a_job(), self.hear, Stopwatch())
        handler.check(run.job)
        return await handler.run(run, await handler.look(run.job))

    def hear(self, kind: Kind, **notice: object) -> None:
        self.notices.append((kind, notice))

    @property
    def written(self) -> list[str]:
        return sorted(uri for uri in self.store.objects if uri.startswith(OUTPUT))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.store.put("s3://media/calls/4711.mp3", b"hello")
    return bench


async def test_a_job_ends_with_a_whole_result_set(bench: Bench) -> None:
    handled = await bench.run()

    assert bench.written == SET
    assert (handled.outcome.outcome, handled.is_repeat) == (Kind.COMPLETED, False)
    assert handled.outcome.manifest == f"{PLACE}manifest.json"
    assert bench.store.objects[f"{PLACE}transcript.txt"] == b"hello #1\n"


async def test_the_transcript_is_written_first_and_the_manifest_last(bench: Bench) -> None:
    await bench.run()

    written = [uri for method, uri in bench.store.calls if method in ("create", "write")]
    assert (written[0], written[-1]) == (f"{PLACE}transcript.json", f"{PLACE}manifest.json")


async def test_progress_is_told_from_the_start_on(bench: Bench) -> None:
    await bench.run()

    assert bench.notices == [(Kind.STARTED, {}), (Kind.PROGRESS, {"done_s": 5 / 16_000, "audio_s": 5 / 16_000})]


async def test_a_job_whose_model_has_to_be_loaded_says_so(bench: Bench) -> None:
    await bench.run(make_a_job(options={"model": "tiny.en"}))

    loading = {"audio_s": 5 / 16_000, "stage": Stage.LOADING_MODEL}
    assert bench.notices[1] == (Kind.PROGRESS, loading)


async def test_channels_that_are_kept_apart_are_told_in_the_transcript(bench: Bench) -> None:
    bench.store.put("s3://media/calls/4711.mp3", b"hello\nthere")

    await bench.run(make_a_job(options={"channels": "separate"}))

    transcript = Transcript.model_validate_json(bench.store.objects[f"{PLACE}transcript.json"])
    assert [(segment.channel, segment.text) for segment in transcript.segments] == [(0, " hello #1"), (1, " there #2")]


async def test_a_finished_job_repeats_its_outcome_and_costs_nothing(bench: Bench) -> None:
    first = await bench.run()
    again = await bench.run()

    assert again.outcome == first.outcome
    assert again.is_repeat
    assert len(bench.engine.heard) == 1


async def test_a_transcript_that_is_there_is_completed_without_a_second_transcription(bench: Bench) -> None:
    body = make_transcript().model_dump_json().encode()
    bench.store.put(f"{PLACE}transcript.json", body)

    handled = await bench.run()

    assert handled.is_repeat
    assert handled.outcome == derive_result_set(body).outcome
    assert bench.written == SET
    assert bench.engine.heard == []


async def test_who_comes_second_goes_on_from_the_winners_transcript(bench: Bench) -> None:
    winner = make_transcript().model_dump_json().encode()
    bench.engine.gate.clear()
    frozen = asyncio.create_task(bench.run())
    await bench.engine.entered.wait()
    bench.store.put(f"{PLACE}transcript.json", winner)
    bench.engine.gate.set()

    handled = await frozen

    assert bench.store.versions[f"{PLACE}transcript.json"] == [winner]
    assert bench.store.objects[f"{PLACE}manifest.json"] == derive_result_set(winner).manifest.body
    assert handled.outcome == derive_result_set(winner).outcome


async def test_a_winner_of_another_request_is_a_conflict(bench: Bench) -> None:
    other = make_transcript(job=make_a_job(options={"language": "de"})).model_dump_json().encode()
    bench.engine.gate.clear()
    frozen = asyncio.create_task(bench.run())
    await bench.engine.entered.wait()
    bench.store.put(f"{PLACE}transcript.json", other)
    bench.engine.gate.set()

    with pytest.raises(PermanentError, match="another request"):
        await frozen
    assert bench.written == [f"{PLACE}transcript.json"]


async def test_a_manifest_that_appears_meanwhile_is_left_as_it_is(bench: Bench) -> None:
    bench.engine.gate.clear()
    frozen = asyncio.create_task(bench.run())
    await bench.engine.entered.wait()
    bench.store.put(f"{PLACE}manifest.json", b"first")
    bench.engine.gate.set()
    await frozen

    assert bench.store.versions[f"{PLACE}manifest.json"] == [b"first"]


async def test_a_failed_write_ends_the_attempt_and_the_next_one_completes_the_set(bench: Bench) -> None:
    bench.store.fail_next("write", OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away"))
    with pytest.raises(OutageError):
        await bench.run()
    assert f"{PLACE}manifest.json" not in bench.written

    assert (await bench.run()).is_repeat
    assert bench.written == SET
    assert len(bench.engine.heard) == 1


async def test_the_same_id_with_another_request_is_a_conflict_and_changes_nothing(bench: Bench) -> None:
    await bench.run()
    before = dict(bench.store.objects)

    with pytest.raises(PermanentError) as caught:
        await bench.run(make_a_job(options={"language": "de"}))

    assert caught.value.code is ErrorCode.JOB_ID_CONFLICT
    assert bench.store.objects == before


async def test_a_missing_input_is_tried_again_later(bench: Bench) -> None:
    with pytest.raises(TransientError) as caught:
        await bench.run(make_a_job(input={"uri": "s3://media/absent.mp3"}))

    assert caught.value.code is ErrorCode.INPUT_NOT_FOUND
    assert bench.written == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"output": {"uri": "s3://elsewhere/"}}, ErrorCode.OUTPUT_FORBIDDEN),
        ({"input": {"uri": f"{OUTPUT}.steno/call-1/lease"}}, ErrorCode.INPUT_FORBIDDEN),
    ],
)
async def test_a_request_that_points_elsewhere_is_refused_before_any_call(
    bench: Bench, fields: dict[str, Any], code: ErrorCode
) -> None:
    with pytest.raises(PermanentError) as caught:
        await bench.run(make_a_job(**fields))

    assert caught.value.code is code
    assert bench.store.calls == []
    assert bench.notices == []


async def test_nothing_is_written_of_a_job_that_fails(bench: Bench) -> None:
    bench.decoder.error = PermanentError(ErrorCode.MEDIA_NO_AUDIO, "no audio")

    with pytest.raises(PermanentError):
        await bench.run()

    assert bench.written == []


async def test_a_job_that_failed_runs_when_it_is_sent_again(bench: Bench) -> None:
    bench.engine.errors = [TransientError(ErrorCode.ENGINE_CRASHED, "crash")]
    with pytest.raises(TransientError):
        await bench.run()

    assert (await bench.run()).outcome.outcome is Kind.COMPLETED


async def test_no_scratch_space_is_an_outage_that_names_the_setting(bench: Bench) -> None:
    bench.scratch_dir /= "absent"

    with pytest.raises(OutageError, match="STENO_SCRATCH__DIR") as caught:
        await bench.run()

    assert caught.value.code is ErrorCode.SCRATCH_FULL


async def test_the_scratch_folder_is_empty_while_and_after_a_job_ran(bench: Bench) -> None:
    await bench.run()

    assert list(bench.scratch_dir.iterdir()) == []
