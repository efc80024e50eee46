"""The settings in force, as anybody may see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from consumer.cli.effective import Effective, effective, notices, of_libraries, shown
from consumer.environment import variables
from consumer.settings import ModelSettings, S3Settings, Settings, TopicSettings

SETTINGS = Settings(
    models=ModelSettings(allowed=("small", "turbo")),
    topics=TopicSettings(requests="team.requests"),
    s3=S3Settings(results="s3://out/"),
)
ORIGINS = {"STENO_TOPICS__REQUESTS": "environment", "STENO_S3__RESULTS": ".env", "STENO_MODELS__ALLOWED": ".env"}


@pytest.fixture(scope="module")
def found() -> dict[str, Effective]:
    return {each.variable: each for each in effective(SETTINGS, ORIGINS)}


def test_every_setting_is_there_with_its_value(found: dict[str, Effective]) -> None:
    assert list(found) == [variable for variable, _, _ in variables()]
    assert found["STENO_MODELS__ALLOWED"].value == ["small", "turbo"]
    assert found["STENO_MODELS__DIR"].value == str(SETTINGS.models.dir)


@pytest.mark.parametrize(
    ("variable", "value", "origin"),
    [
        ("STENO_TOPICS__REQUESTS", "team.requests", "environment"),
        ("STENO_TOPICS__DLT", "team.requests-dlt", "derived"),
        ("STENO_S3__RESULTS", "s3://out/", ".env"),
        ("STENO_S3__STATE", "s3://out/.steno/", "derived"),
        ("STENO_S3__ALLOWED_OUTPUTS", ["s3://out/"], "derived"),
        ("STENO_S3__ALLOWED_INPUTS", [], "default"),
        ("STENO_ENGINE__MODEL", "base", "default"),
    ],
)
def test_a_value_says_where_it_comes_from(
    found: dict[str, Effective], variable: str, value: object, origin: str
) -> None:
    assert (found[variable].value, found[variable].origin) == (value, origin)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (SecretStr("hush"), "**********"),
        (SecretStr(""), ""),
        (Path("/a"), "/a"),
        ("https://me:hush/@:x@host/path?x=@y", "https://**********@y"),
        ("https://me:hush@host/path", "https://**********@host/path"),
        ("https://token@host/path", "https://**********@host/path"),
        ("https://host:9000/a@b", "https://host:9000/a@b"),
        (("https://me:hush@host", "plain@host"), ["https://**********@host", "plain@host"]),
        (7, 7),
        (None, None),
    ],
)
def test_values_are_shown_without_their_secrets(value: object, text: object) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("AWS_SECRET_ACCESS_KEY", "hush", "**********"),
        ("AWS_ACCESS_KEY_ID", "AKIA1", "**********"),
        ("AWS_SESSION_TOKEN", "hush", "**********"),
        ("HF_TOKEN", "hush", "**********"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hush", "**********"),
        ("AWS_ENDPOINT_URL_S3", "http://me:hush@store:9000", "http://**********@store:9000"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/token", "/run/token"),
        ("AWS_REGION", "eu-1", "eu-1"),
    ],
)
def test_what_libraries_read_is_shown_without_secrets(name: str, value: str, text: str) -> None:
    assert [each.value for each in of_libraries({name: value})] == [text]


def test_only_what_libraries_read_is_shown() -> None:
    assert list(of_libraries({"PATH": "/bin", "AWS_REGION": "", "STENO_LOG__LEVEL": "debug"})) == []


def test_a_name_that_lacks_an_underscore_is_noticed() -> None:
    told = list(notices({"STENO_LOG_LEVEL": "debug", "STENO_PORT": "tcp://1"}, {"STENO_S3_RESULTS": "s3://out/"}))
    assert told == [
        "STENO_LOG_LEVEL is not read; did you mean STENO_LOG__LEVEL?",
        "STENO_S3_RESULTS is not read; did you mean STENO_S3__RESULTS?",
    ]


def test_a_library_s_variable_in_the_file_is_noticed() -> None:
    in_file = {"AWS_REGION": "eu-1", "AWS_PROFILE": "me", "OTHER": "x"}
    assert [each.partition(" ")[0] for each in notices({"AWS_PROFILE": "me"}, in_file)] == ["AWS_REGION"]
