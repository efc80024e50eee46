"""Settings: what is read, what is refused and how the refusal reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import ctranslate2
import pytest
from pydantic import ValidationError

from consumer.core.failures import ExitCode, FatalError
from consumer.environment import as_environment, load_settings, unknown_variables, variables
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings
from consumer.settings.engine import ComputeType
from tests import settings_reference

Load = Callable[..., Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Loads settings from these variables alone, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name, _, _ in variables():
        monkeypatch.delenv(name, raising=False)

    def load_with(**environment: str) -> Settings:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return load_with


def refusal(load: Load, **environment: str) -> str:
    with pytest.raises(FatalError) as caught:
        load(**environment)
    assert caught.value.exit_code is ExitCode.BAD_SETTINGS
    return caught.value.message


def test_defaults_need_no_environment(load: Load) -> None:
    settings = load()
    assert settings.kafka.bootstrap_servers == "localhost:9092"
    assert settings.engine.model == "base"


def test_variable_sets_its_field(load: Load) -> None:
    assert load(STENO_ENGINE__MODEL="tiny.en").engine.model == "tiny.en"


def test_environment_wins_over_the_file(load: Load) -> None:
    Path(".env").write_text("STENO_ENGINE__MODEL=tiny.en\nSTENO_ENGINE__DEVICE=cpu\n", "utf-8")
    engine = load(STENO_ENGINE__MODEL="base").engine
    assert (engine.model, engine.device) == ("base", "cpu")


def test_empty_variable_is_an_unset_one(load: Load) -> None:
    assert load(STENO_S3__STATE="", STENO_HEALTH__PORT="") == load()


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


def test_unknown_variable_stops_the_start_and_names_the_nearest(load: Load) -> None:
    message = refusal(load, STENO_KAFKA__BOOTSTRAP_SERVER="a:9092")
    assert message == ("STENO_KAFKA__BOOTSTRAP_SERVER is not a setting; did you mean STENO_KAFKA__BOOTSTRAP_SERVERS?")


def test_unknown_variable_in_the_file_stops_the_start(load: Load) -> None:
    Path(".env").write_text("STENO_LOG__LEVL=debug\n", "utf-8")
    assert "STENO_LOG__LEVL is not a setting; did you mean STENO_LOG__LEVEL?" in refusal(load)


def test_value_for_a_whole_group_is_refused(load: Load) -> None:
    assert refusal(load, STENO_LOG="debug").startswith("STENO_LOG is not a setting; did you mean STENO_LOG__")


def test_names_that_kubernetes_injects_are_not_ours() -> None:
    injected = ["STENO_PORT", "STENO_SERVICE_HOST", "STENO_PORT_8080_TCP_ADDR", "STENO_WORKER_PORT", "OTHER__NAME"]
    assert list(unknown_variables(injected)) == []


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


def test_every_fault_is_named_at_once(load: Load) -> None:
    lines = refusal(load, STENO_LOG__LEVEL="loud", STENO_HEALTH__PORT="http", STENO_LOG__LEVL="x").splitlines()
    assert {line.partition(" ")[0].strip(":") for line in lines} == {
        "STENO_LOG__LEVEL",
        "STENO_HEALTH__PORT",
        "STENO_LOG__LEVL",
    }


def test_file_that_is_no_text_is_refused(load: Load) -> None:
    Path(".env").write_bytes(b"STENO_LOG__LEVEL=\xff\n")
    assert refusal(load) == "the file .env cannot be read: it is not UTF-8; save it in this encoding"


def test_folder_in_the_place_of_the_file_is_refused(load: Load) -> None:
    Path(".env").mkdir()
    assert refusal(load).startswith(".env is no file that can be read; ")


def test_link_to_nowhere_in_the_place_of_the_file_is_refused(load: Load) -> None:
    Path(".env").symlink_to("gone.env")
    assert "a link to gone.env, which is not there" in refusal(load)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_file_that_we_may_not_read_is_refused(load: Load) -> None:
    Path(".env").touch(mode=0)
    assert refusal(load).startswith("the file .env cannot be read (Permission denied); ")


def test_mark_of_a_windows_editor_is_no_part_of_a_name(load: Load) -> None:
    Path(".env").write_bytes(b"\xef\xbb\xbfSTENO_ENGINE__MODEL=tiny.en\r\nSTENO_LOG__LEVEL=debug\r\n")
    settings = load()
    assert (settings.engine.model, settings.log.level) == ("tiny.en", "debug")


@pytest.mark.parametrize("line", ["STENO_ENGINE__MODEL: tiny.en", "STENO_LOG__LEVEL='debug", "a b=c", "A=x\0y"])
def test_line_that_sets_nothing_is_refused_by_its_number(load: Load, line: str) -> None:
    Path(".env").write_text(f"# a comment\n\n{line}\n", "utf-8")
    assert refusal(load) == "line 3 of .env is not NAME=value; correct it, or put '#' before it"


def test_two_values_of_one_name_in_the_file_are_refused(load: Load) -> None:
    Path(".env").write_text("STENO_LOG__LEVEL=debug\nA=1\nA=2\nsteno_log__level=info\n", "utf-8")
    assert refusal(load) == "STENO_LOG__LEVEL has two values in .env (lines 1 and 4); keep one of them"


def test_one_value_may_stand_twice_in_the_file(load: Load) -> None:
    Path(".env").write_text("STENO_LOG__LEVEL=debug\nSTENO_LOG__LEVEL=debug\n", "utf-8")
    assert load().log.level == "debug"


def test_two_spellings_with_two_values_are_refused(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("steno_log__level", "info")
    message = refusal(load, STENO_LOG__LEVEL="debug")
    assert message == "STENO_LOG__LEVEL and steno_log__level are one variable and have two values; unset one of them"


def test_lower_case_is_read_and_checked_like_upper_case(load: Load) -> None:
    Path(".env").write_text("steno_log__level=debug\n", "utf-8")
    assert load().log.level == "debug"
    Path(".env").write_text("steno_log__levl=debug\n", "utf-8")
    assert refusal(load).startswith("STENO_LOG__LEVL is not a setting; ")


def test_credentials_in_a_value_are_not_repeated(load: Load) -> None:
    message = refusal(load, STENO_KAFKA__BOOTSTRAP_SERVERS="PLAIN://me:s3cret@b:9092")
    assert "PLAIN://**********@b:9092" in message
    assert "s3cret" not in message


def test_bytes_that_are_no_text_are_refused_by_name(load: Load) -> None:
    message = refusal(load, STENO_KAFKA__GROUP_ID="\udcff", STENO_MODELS__DIR="/\udcff")
    assert [line.partition(":")[0] for line in message.splitlines()] == ["STENO_KAFKA__GROUP_ID", "STENO_MODELS__DIR"]


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


def test_settings_pass_through_a_child_s_environment(load: Load) -> None:
    environment = as_environment({"engine.model": "tiny.en", "health.port": 0, "models.dir": Path("/models")})
    settings = load(**environment)
    assert (settings.engine.model, settings.health.port, settings.models.dir) == ("tiny.en", 0, Path("/models"))


def test_every_setting_is_explained() -> None:
    assert [name for name, _, meaning in variables() if not meaning] == []


def test_env_example_is_a_file_that_changes_nothing(load: Load) -> None:
    Path(".env").write_text(settings_reference.render_env(), "utf-8")
    assert load().model_dump(exclude={"worker"}) == Settings().model_dump(exclude={"worker"})
    assert all(not line or line.startswith("#") for line in Path(".env").read_text("utf-8").splitlines())


def test_table_replaces_what_stands_between_its_markers() -> None:
    readme = f"# a\n{settings_reference.BEGIN}\nyesterday\n{settings_reference.END}\nb\n"
    written = settings_reference.with_table(readme)
    assert "yesterday" not in written
    assert written.startswith("# a\n")
    assert written.endswith("\nb\n")
    assert settings_reference.with_table(written) == written


def test_readme_without_a_place_for_the_table_is_told() -> None:
    with pytest.raises(settings_reference.NoPlaceError, match="settings:begin"):
        settings_reference.with_table("# a\n")


def test_missing_env_example_is_stale(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"{settings_reference.BEGIN}\n{settings_reference.END}\n", "utf-8")
    assert [path.name for path, _ in settings_reference.stale(tmp_path)] == ["README.md", ".env.example"]
