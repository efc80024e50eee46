"""Settings: which values are taken and which refused."""

from __future__ import annotations

from pathlib import Path

import ctranslate2
import pytest
from pydantic import ValidationError

from consumer.settings import KafkaSettings, S3Settings, TopicSettings
from consumer.settings.engine import ComputeType
from tests.loading import Load, refusal


def test_defaults_need_no_environment(load: Load) -> None:
    settings = load()
    assert settings.kafka.bootstrap_servers == "localhost:9092"
    assert settings.engine.model == "base"


def test_variable_sets_its_field(load: Load) -> None:
    assert load(STENO_ENGINE__MODEL="tiny.en").engine.model == "tiny.en"


@pytest.mark.parametrize("servers", ["b", "b:9092", "10.0.0.1:1,b-2.c_3.d:65535, [::1]:9092", "[fe80::1]"])
def test_servers_are_taken_as_they_are(load: Load, servers: str) -> None:
    assert load(STENO_KAFKA__BOOTSTRAP_SERVERS=servers).kafka.bootstrap_servers == servers


@pytest.mark.parametrize(
    "servers",
    ["[::1", "b:99999999", "b:0", "b:65536", "b:", ":9092", "b:9092,", "::1", "[]", "[:::1]", "PLAIN://b:9092", "b:x"],
)
def test_what_is_no_server_is_refused_by_name(load: Load, servers: str) -> None:
    assert refusal(load, STENO_KAFKA__BOOTSTRAP_SERVERS=servers).startswith("STENO_KAFKA__BOOTSTRAP_SERVERS: ")


def test_words_of_the_log_may_be_capitals(load: Load) -> None:
    log = load(STENO_LOG__LEVEL="WARNING", STENO_LOG__FORMAT="Text").log
    assert (log.level, log.format) == ("warning", "text")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("STENO_LOG__LEVEL", "loud", "should be 'debug', 'info', 'warning' or 'error'"),
        ("STENO_HEALTH__PORT", "http", "write a whole number"),
        ("STENO_ENGINE__SLOTS", "2.5", "write a whole number"),
        ("STENO_SHUTDOWN__GRACE_S", "1m", "write a number"),
        ("STENO_MODELS__OFFLINE", "maybe", "write true or false"),
        ("STENO_HEALTH__PORT", "65536", "less than or equal to 65535"),
        ("STENO_ENGINE__DEVICE", "gpu", "write auto, cpu, cuda or cuda:N"),
        ("STENO_ENGINE__DEVICE", "cuda:", "write auto, cpu, cuda or cuda:N"),
        ("STENO_ENGINE__COMPUTE_TYPE", "int3", "should be 'auto', 'default', 'int8'"),
        ("STENO_ENGINE__CPU_THREADS", "257", "less than or equal to 256"),
        ("STENO_ENGINE__MODEL", "tiny en", "'tiny en' is no model"),
        ("STENO_MODELS__ALLOWED", "small,a/b/c", "'a/b/c' is no model"),
        ("STENO_MODELS__PRELOAD", "a/b/c", "a path that begins with '/', './' or '~'"),
        ("STENO_ENGINE__FAKE_SWITCHES", "slow=1 boom", "'boom' is no switch of the fake engine: slow, crash"),
        ("STENO_ENGINE__FAKE_SWITCHES", "slow=x", "'slow=x' is no switch"),
        ("STENO_MODELS__DIR", "~nobody-of-this-name/models", "write the whole path"),
        ("STENO_WORKER__DEPLOYMENT", "a b", "use letters, digits"),
        ("STENO_MEDIA__MAX_DURATION_S", "inf", "finite number"),
        ("STENO_MEDIA__DECODE_TIMEOUT_S", "nan", "finite number"),
        ("STENO_ENGINE__JOB_TIMEOUT_S", "1e300", "less than or equal to 2592000"),
        ("STENO_MEDIA__MAX_BYTES", str(2**64), "less than or equal to"),
        ("STENO_S3__RESULTS", "transcripts", "expected s3://bucket/key"),
        ("STENO_S3__ALLOWED_INPUTS", "s3://media/,https://example.com/", "expected s3://bucket/key"),
        ("STENO_SHUTDOWN__GRACE_S", "-1", "greater than or equal to 0"),
        ("STENO_KAFKA__SESSION_TIMEOUT_MS", "20", "greater than or equal to 1000"),
        ("STENO_KAFKA__MAX_POLL_INTERVAL_MS", "5m", "write a whole number"),
    ],
)
def test_bad_value_names_its_variable(load: Load, variable: str, value: str, words: str) -> None:
    message = refusal(load, **{variable: value})
    assert message.startswith(f"{variable}: ")
    assert words in message


@pytest.mark.parametrize(
    ("below", "above"),
    [
        (("STENO_MEDIA__MAX_DURATION_S", "5"), ("STENO_MEDIA__MIN_DURATION_S", "6")),
        (("STENO_MEDIA__MAX_SAMPLE_RATE_HZ", "8000"), ("STENO_MEDIA__MIN_SAMPLE_RATE_HZ", "16000")),
        (("STENO_ENGINE__MAX_RSS_BYTES", "500000000"), ("STENO_ENGINE__RECYCLE_RSS_BYTES", "500000000")),
    ],
)
def test_values_that_cannot_both_stand_are_named_both(
    load: Load, below: tuple[str, str], above: tuple[str, str]
) -> None:
    message = refusal(load, **dict([below, above]))
    assert message.startswith(f"{above[0]} ({above[1]}) ")
    assert f"{below[0]} ({below[1]})" in message
    assert "\n" not in message


def test_trouble_for_an_engine_that_makes_none_is_refused(load: Load) -> None:
    assert "with STENO_ENGINE__KIND=faster-whisper" in refusal(load, STENO_ENGINE__FAKE_SWITCHES="slow=1")
    assert load(STENO_ENGINE__FAKE_SWITCHES="slow=1", STENO_ENGINE__KIND="fake").engine.fake_switches == "slow=1"


def test_results_lie_where_results_may_be_written(load: Load) -> None:
    message = refusal(load, STENO_S3__RESULTS="s3://out/steno/", STENO_S3__ALLOWED_OUTPUTS="s3://other/,s3://out/s/")
    assert message.startswith("STENO_S3__RESULTS (s3://out/steno/) lies outside of STENO_S3__ALLOWED_OUTPUTS")
    assert load(STENO_S3__RESULTS="s3://out/steno/", STENO_S3__ALLOWED_OUTPUTS="s3://other/,s3://out/").s3.results


def test_models_that_may_not_be_fetched_cannot_be_fetched_anew(load: Load) -> None:
    message = refusal(load, STENO_MODELS__PRELOAD_FORCE="true", STENO_MODELS__OFFLINE="true")
    assert message == "STENO_MODELS__PRELOAD_FORCE fetches, which STENO_MODELS__OFFLINE forbids; unset one of them"


def test_each_contradiction_of_a_group_has_its_line(load: Load) -> None:
    message = refusal(
        load, STENO_MEDIA__MAX_DURATION_S="5", STENO_MEDIA__MIN_DURATION_S="6", STENO_MEDIA__MAX_SAMPLE_RATE_HZ="1000"
    )
    assert len(message.splitlines()) == 2


def test_home_is_expanded_as_no_shell_does_for_a_file(load: Load) -> None:
    Path(".env").write_text("STENO_MODELS__DIR=~/models\nSTENO_SCRATCH__DIR='~'\n", "utf-8")
    settings = load()
    assert (settings.models.dir, settings.scratch.dir) == (Path.home() / "models", Path.home())


def test_every_compute_type_of_the_engine_may_be_set() -> None:
    assert ctranslate2.get_supported_compute_types("cpu") <= set(ComputeType)


def test_settings_are_frozen(load: Load) -> None:
    settings = load()
    with pytest.raises(ValidationError):
        settings.kafka = KafkaSettings()  # type: ignore[misc]  # what is tested
    with pytest.raises(ValidationError):
        settings.kafka.group_id = "other"  # type: ignore[misc]  # what is tested


def test_topics_derive_from_requests() -> None:
    topics = TopicSettings(requests="team.requests")
    assert (topics.results, topics.progress, topics.dlt) == ("team.results", "team.progress", "team.requests-dlt")


def test_topics_derive_from_a_name_of_another_form() -> None:
    topics = TopicSettings(requests="calls")
    assert (topics.results, topics.progress, topics.dlt) == ("calls.results", "calls.progress", "calls-dlt")


@pytest.mark.parametrize("name", ["dlt", "results", "progress"])
def test_two_topics_of_one_name_are_refused(load: Load, name: str) -> None:
    words = refusal(load, STENO_TOPICS__REQUESTS="loop", **{f"STENO_TOPICS__{name.upper()}": "loop"})
    assert words.startswith(f"STENO_TOPICS__REQUESTS and STENO_TOPICS__{name.upper()} name one topic, 'loop'")


def test_a_name_that_no_topic_can_have_is_refused(load: Load) -> None:
    message = refusal(load, STENO_TOPICS__RESULTS="results of today", STENO_TOPICS__DLT="..")
    assert [line.partition(" is no topic name")[0] for line in message.splitlines()] == [
        "STENO_TOPICS__RESULTS: 'results of today'", "STENO_TOPICS__DLT: '..'",
    ]  # fmt: skip


def test_retry_topics_are_named_after_requests_and_delays(load: Load) -> None:
    settings = load(STENO_TOPICS__REQUESTS="team.requests", STENO_RETRY__DELAYS_MS="500, 60000")
    assert settings.ladder.topics == {"team.requests-retry-500": 500, "team.requests-retry-60000": 60_000}
    assert list(load().ladder.topics.values()) == [500, 60_000]


def test_retries_can_be_switched_off(load: Load) -> None:
    settings = load(STENO_RETRY__DELAYS_MS="None")
    assert (settings.retry.delays_ms, settings.ladder.topics) == ((), {})


@pytest.mark.parametrize("text", ["0", "-1", "soon", "86400001", "1.5", "1,,x", ",".join(["1"] * 21)])
def test_a_delay_that_makes_no_sense_is_refused(load: Load, text: str) -> None:
    assert "STENO_RETRY__DELAYS_MS" in refusal(load, STENO_RETRY__DELAYS_MS=text)


def test_no_topic_may_have_the_name_of_a_retry_topic(load: Load) -> None:
    words = refusal(load, STENO_TOPICS__REQUESTS="calls", STENO_TOPICS__DLT="calls-retry-5")
    assert words == "STENO_TOPICS__DLT: 'calls-retry-5' is the name of a retry topic; choose another one"


def test_names_of_retry_topics_have_room(load: Load) -> None:
    assert load(STENO_TOPICS__REQUESTS="r" * 234, STENO_TOPICS__DLT="d").ladder.requests == "r" * 234
    assert refusal(load, STENO_TOPICS__REQUESTS="r" * 235).startswith("STENO_TOPICS__REQUESTS: 234 letters at most")


def test_named_topic_is_kept() -> None:
    assert TopicSettings(requests="team.requests", dlt="graveyard").dlt == "graveyard"


def test_state_and_outputs_follow_the_results() -> None:
    s3 = S3Settings(results="s3://out/steno")
    assert s3.state_prefix == "s3://out/steno/.steno/"
    assert s3.allowed_outputs == ("s3://out/steno/",)


def test_bare_bucket_is_a_prefix() -> None:
    assert S3Settings(results="s3://out").results == "s3://out/"


def test_prefixes_are_read_with_commas(load: Load) -> None:
    s3 = load(STENO_S3__ALLOWED_INPUTS="s3://media/calls, s3://archive").s3
    assert s3.allowed_inputs == ("s3://media/calls/", "s3://archive/")
    assert s3.buckets == ("transcripts", "media", "archive")
