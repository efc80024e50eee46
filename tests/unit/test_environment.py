"""From variables and the file `.env` to settings: which names count, and what a refusal says."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.environment import as_environment, unknown_variables, variables
from tests.loading import Load, refusal


def test_environment_wins_over_the_file(load: Load) -> None:
    Path(".env").write_text("STENO_ENGINE__MODEL=tiny.en\nSTENO_ENGINE__DEVICE=cpu\n", "utf-8")
    engine = load(STENO_ENGINE__MODEL="base").engine
    assert (engine.model, engine.device) == ("base", "cpu")


def test_empty_variable_is_an_unset_one(load: Load) -> None:
    assert load(STENO_S3__STATE="", STENO_HEALTH__PORT="") == load()


def test_unknown_variable_stops_the_start_and_names_the_nearest(load: Load) -> None:
    message = refusal(load, STENO_KAFKA__BOOTSTRAP_SERVER="a:9092")
    assert message == ("STENO_KAFKA__BOOTSTRAP_SERVER is not a setting; did you mean STENO_KAFKA__BOOTSTRAP_SERVERS?")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("STENO_SLOT__X", "STENO_ENGINE__SLOTS"),
        ("STENO_BOOTSTRAP__SERVERS", "STENO_KAFKA__BOOTSTRAP_SERVERS"),
        ("STENO_LOGGING__LEVEL", "STENO_LOG__LEVEL"),
        ("STENO_KAFKA__PASSWORD", "STENO_KAFKA__SASL_PASSWORD"),
        ("STENO_ENGINE__", "STENO_ENGINE__KIND"),
    ],
)
def test_the_nearest_name_shares_words_whichever_group_it_is_of(name: str, nearest: str) -> None:
    assert list(unknown_variables([name])) == [f"{name} is not a setting; did you mean {nearest}?"]


def test_unknown_variable_in_the_file_stops_the_start(load: Load) -> None:
    Path(".env").write_text("STENO_LOG__LEVL=debug\n", "utf-8")
    assert "STENO_LOG__LEVL is not a setting; did you mean STENO_LOG__LEVEL?" in refusal(load)


def test_value_for_a_whole_group_is_refused(load: Load) -> None:
    assert refusal(load, STENO_LOG="debug").startswith("STENO_LOG is not a setting; did you mean STENO_LOG__")


def test_names_that_kubernetes_injects_are_not_ours() -> None:
    injected = ["STENO_PORT", "STENO_SERVICE_HOST", "STENO_PORT_8080_TCP_ADDR", "STENO_WORKER_PORT", "OTHER__NAME"]
    assert list(unknown_variables(injected)) == []


def test_every_fault_is_named_at_once(load: Load) -> None:
    lines = refusal(load, STENO_LOG__LEVEL="loud", STENO_HEALTH__PORT="http", STENO_LOG__LEVL="x").splitlines()
    assert {line.partition(" ")[0].strip(":") for line in lines} == {
        "STENO_LOG__LEVEL",
        "STENO_HEALTH__PORT",
        "STENO_LOG__LEVL",
    }


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


def test_settings_pass_through_a_child_s_environment(load: Load) -> None:
    environment = as_environment({"engine.model": "tiny.en", "health.port": 0, "models.dir": Path("/models")})
    settings = load(**environment)
    assert (settings.engine.model, settings.health.port, settings.models.dir) == ("tiny.en", 0, Path("/models"))


def test_every_setting_is_explained() -> None:
    assert [name for name, _, meaning in variables() if not meaning] == []
