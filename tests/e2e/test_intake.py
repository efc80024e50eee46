"""What comes in through the broker: bytes that are no request, every codec, and notifications of odd keys."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from typing import Any
from urllib.parse import quote_plus

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import RecordMetadata
from botocore.exceptions import ClientError
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event

from contracts.errors import ErrorCode
from contracts.events import Event, Kind
from tests import speech
from tests.bench import keys
from tests.e2e.fleet import Deployment, data_of
from tests.waiting import until

FAKE = {"STENO_ENGINE__KIND": "fake"}
TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CODECS = ("gzip", "lz4", "snappy", "zstd", None)
MIB = 1024 * 1024


def request(**fields: Any) -> bytes:
    return json.dumps({"input": {"uri": "s3://media/a.mp3"}, **fields}).encode()


BAD: dict[str, tuple[bytes | None, ErrorCode]] = {
    "not JSON": (b"not json", ErrorCode.REQUEST_INVALID),
    "empty": (b"", ErrorCode.REQUEST_INVALID),
    "a tombstone": (None, ErrorCode.REQUEST_INVALID),
    "an array": (b"[]", ErrorCode.REQUEST_INVALID),
    "null": (b"null", ErrorCode.REQUEST_INVALID),
    "a string": (b'"text"', ErrorCode.REQUEST_INVALID),
    "a number": (b"17", ErrorCode.REQUEST_INVALID),
    "job_id a number": (request(job_id=7), ErrorCode.REQUEST_INVALID),
    "job_id of 10 kB": (request(job_id="x" * 10_240), ErrorCode.REQUEST_INVALID),
    "job_id with slashes": (request(job_id="a/b"), ErrorCode.REQUEST_INVALID),
    "job_id that climbs": (request(job_id=".."), ErrorCode.REQUEST_INVALID),
    "no input": (b'{"job_id": "no-input"}', ErrorCode.REQUEST_INVALID),
    "another version": (request(schema_version=2), ErrorCode.REQUEST_UNSUPPORTED_VERSION),
    "100,000 brackets": (b"[" * 100_000, ErrorCode.REQUEST_INVALID),
    "100,000 objects": (b'{"a":' * 100_000, ErrorCode.REQUEST_INVALID),
    "1 MiB": (b"x" * MIB, ErrorCode.REQUEST_INVALID),
    "1 MiB of names": (json.dumps(dict.fromkeys(map(str, range(105_000)), 0)).encode(), ErrorCode.REQUEST_INVALID),
    "no UTF-8": (b'{"input": {"uri": "s3://media/\xff.mp3"}}', ErrorCode.REQUEST_INVALID),
    "a lone surrogate": (b'{"input": {"uri": "s3://media/\\ud800.mp3"}}', ErrorCode.REQUEST_INVALID),
    "NaN": (b'{"input": {"uri": "s3://media/a.mp3", "size_bytes": NaN}}', ErrorCode.REQUEST_INVALID),
    "a name twice": (b'{"input": {"uri": "s3://media/a"}, "input": {"uri": "s3://b/c"}}', ErrorCode.REQUEST_INVALID),
    "5,000 digits": (b'{"input": {"uri": "s3://m/a", "size_bytes": ' + b"9" * 5000 + b"}}", ErrorCode.REQUEST_INVALID),
    "30 digits": (request(input={"uri": "s3://media/a", "size_bytes": 10**30}), ErrorCode.INPUT_TOO_LARGE),
    "an unknown option": (request(options={"beam_sise": 3}), ErrorCode.REQUEST_INVALID),
    "an event without data": (
        b'{"specversion": "1.0", "id": "1", "source": "/x", "type": "x"}',
        ErrorCode.REQUEST_INVALID,
    ),
    "a notification of nonsense": (b'{"Records": [{"eventName": "ObjectCreated:Put"}]}', ErrorCode.REQUEST_INVALID),
}

ODD_KEYS = (
    "a b.wav",
    "a+b.wav",
    "a%20b.wav",
    "100%.wav",
    "%2F.wav",
    "音声/Ünïcode 🎙.wav",
    "e\u0301 and \u00e9.wav",
    "what?.wav",
    "number#1&x=y;z.wav",
    "quotes'\"<>|\\.wav",
    " leading and trailing ",
    "tab\tand\nnewline.wav",
)
"""Fit to be names of files as well, so that every store takes them."""
ODDER_KEYS = (
    "trailing/slash/",
    "k" * 1024,
    "é" * 512,
    "/leading/slash.wav",
    "empty//segment.wav",
    "climbs/../up.wav",
    "./dot.wav",
)


class Publisher:
    """A plain producer that compresses as it is told."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    async def send(self, *values: bytes | None, codec: str | None = None) -> list[RecordMetadata]:
        """Publishes to partition 0, one record after the other; where each one stands."""
        async with AIOKafkaProducer(
            bootstrap_servers=self._deployment.bootstrap, max_request_size=4 * MIB, compression_type=codec
        ) as producer:
            sent = [
                await producer.send(
                    self._deployment.requests, value, key=b"k", partition=0, headers=[("traceparent", TRACEPARENT)]
                )
                for value in values
            ]
            return list(await asyncio.gather(*sent))


def assert_set_aside(letter: ConsumerRecord[bytes, bytes], name: str, *, origin: str) -> None:
    """The letter of these bad bytes: as they came, and why, whence and in which trace."""
    headers = dict(letter.headers)
    value, code = BAD[name]
    assert (letter.value, headers["x-steno-error-code"].decode()) == (value, code)
    assert struct.unpack("!i", headers["kafka_dlt-original-partition"]) == (0,)
    assert headers["kafka_dlt-original-topic"].decode() == origin
    assert headers["traceparent"] == TRACEPARENT


def assert_cloud_event(record: ConsumerRecord[bytes, bytes], ids: set[str]) -> None:
    """An event to their library as well, and the same one."""
    theirs = from_kafka_event(KafkaMessage(dict(record.headers), record.key, record.value))
    assert theirs.get_id() in ids
    assert theirs.get_data() == json.loads(record.value)


async def test_bytes_that_are_no_request_are_set_aside_and_the_jobs_behind_them_complete(
    deployment: Deployment,
) -> None:
    worker = await deployment.start_worker(**FAKE)
    uri = await deployment.upload(speech.SHORT.path)
    goods = [request(job_id=f"good-{number}", input={"uri": uri}) for number in range(len(BAD))]
    pairs = zip([value for value, _ in BAD.values()], goods, strict=True)
    sent = await Publisher(deployment).send(*[value for pair in pairs for value in pair], codec="gzip")
    bad_at = {metadata.offset: name for metadata, name in zip(sent[::2], BAD, strict=True)}

    outcomes = await deployment.outcomes(2 * len(BAD))
    letters = await deployment.read(deployment.dead_letters, len(BAD))

    completed = {data_of(event).job_id for event in outcomes if data_of(event).outcome is Kind.COMPLETED}
    assert completed == {f"good-{number}" for number in range(len(BAD))}
    assert len(letters) == len(BAD)
    for letter in letters:
        (offset,) = struct.unpack("!q", dict(letter.headers)["kafka_dlt-original-offset"])
        assert_set_aside(letter, bad_at[offset], origin=deployment.requests)
    failed = {event.id: event for event in outcomes if data_of(event).outcome is Kind.FAILED}
    assert {event.traceparent for event in failed.values()} == {TRACEPARENT.decode()}
    # The only one of them that is a request is named after its job.
    nameless = {f"{deployment.requests}/0/{offset}/failed" for offset, name in bad_at.items() if name != "30 digits"}
    assert nameless < failed.keys()
    assert len(failed) == len(BAD)
    assert worker.events("unexpected_error") == []
    await until(lambda: _is_committed(deployment, len(sent)), "the commit")
    for record in await deployment.read(deployment.results, len(outcomes)):
        assert_cloud_event(record, {event.id for event in outcomes})


async def test_an_object_of_any_key_goes_from_its_notification_to_its_result(deployment: Deployment) -> None:
    await deployment.start_worker(**FAKE)
    uploaded = await _upload_odd(deployment)
    notifications = [_notification(deployment, key) for key in uploaded]
    for number, codec in enumerate(CODECS):
        await Publisher(deployment).send(*notifications[number :: len(CODECS)], codec=codec)

    events = {event.subject: event for event in await deployment.outcomes(len(uploaded))}

    assert events.keys() == {f"s3://{deployment.prefix}/{key}" for key in uploaded}
    assert {key: _end_of(events[f"s3://{deployment.prefix}/{key}"]) for key in uploaded} == dict.fromkeys(
        uploaded, "completed"
    )
    async with deployment.objects() as client:
        for event in events.values():
            key = str(event.dataref).removeprefix(f"s3://{deployment.prefix}/")
            stored = await client.get_object(Bucket=deployment.prefix, Key=key)
            assert json.loads(await stored["Body"].read())["outcome"]["input"] == event.subject


async def test_many_records_in_one_notification_each_end_for_themselves(deployment: Deployment) -> None:
    worker = await deployment.start_worker(**FAKE)
    uri = await deployment.upload(speech.SHORT.path)
    key = uri.removeprefix(f"s3://{deployment.prefix}/")
    entry = json.loads(_notification(deployment, key))["Records"][0]
    removed = {**entry, "eventName": "ObjectRemoved:Delete"}
    own = json.loads(_notification(deployment, "results/x/transcript.json"))["Records"][0]
    gone = json.loads(_notification(deployment, "gone.wav"))["Records"][0]
    await Publisher(deployment).send(
        json.dumps({"Records": [gone, removed, own, entry, {"eventName": "ObjectCreated:Put"}]}).encode()
    )

    events = await deployment.outcomes(3)
    letters = await deployment.read(deployment.dead_letters, 2)

    assert sorted(map(_end_of, events)) == ["INPUT_NOT_FOUND", "REQUEST_INVALID", "completed"]
    kept = [json.loads(letter.value or b"") for letter in letters]
    assert {"Records": [{"eventName": "ObjectCreated:Put"}]} in kept
    assert f"s3://{deployment.prefix}/gone.wav" in [letter["input"]["uri"] for letter in kept if "input" in letter]
    await until(lambda: _is_committed(deployment, 1), "the commit")
    _, document = await deployment.health(worker, "/readyz")
    assert document["ignored"] == {"other_event": 1, "own_object": 1}


def _notification(deployment: Deployment, key: str) -> bytes:
    """As AWS sends it."""
    s3 = {"bucket": {"name": deployment.prefix}, "object": {"key": quote_plus(key, safe="/")}}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]}).encode()


async def _upload_odd(deployment: Deployment) -> list[str]:
    """The keys that the store takes: some keep objects as files, and not every key is a file's name."""
    body = await asyncio.to_thread(speech.SHORT.path.read_bytes)
    taken = []
    async with deployment.objects() as client:
        for key in (*ODD_KEYS, *ODDER_KEYS):
            with contextlib.suppress(ClientError):
                await client.put_object(Bucket=deployment.prefix, Key=key, Body=body)
                taken.append(key)
    assert set(ODD_KEYS) <= set(taken)
    return taken


async def _is_committed(deployment: Deployment, offset: int) -> bool:
    return (await deployment.committed()).get(0) == offset


def _end_of(event: Event) -> str:
    error = data_of(event).error
    return error.code if error else data_of(event).outcome.value


async def test_no_job_is_lost_whatever_its_key_and_whoever_tells_of_it(deployment: Deployment) -> None:
    await deployment.start_worker(**FAKE)
    tally = await keys.run(deployment, keys.draw_keys(40, seed=1), within_s=120)

    assert tally.jobs > 20
    assert (tally.completed, tally.failed, tally.lost, tally.repeated_outcomes) == (tally.jobs, {}, 0, 0)
