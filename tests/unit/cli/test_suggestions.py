"""Values that a shell completes."""

from __future__ import annotations

import click
import pytest
from click.shell_completion import CompletionItem, ShellComplete

from consumer.cli import COMMANDS, SettingsLoader, steno
from consumer.core.failures import ExitCode, FatalError
from consumer.settings import EngineSettings, Settings
from contracts.requests import OutputFormat


def no_settings() -> Settings:
    raise FatalError(ExitCode.BAD_SETTINGS, "STENO_LOG__LEVL is not a setting")


def own_model() -> Settings:
    return Settings(engine=EngineSettings(model="our/model"))


def suggested(*words: str, load_settings: SettingsLoader = no_settings) -> list[CompletionItem[str]]:
    """What click suggests for the last word after the others."""
    asking = ShellComplete(steno, {"obj": load_settings}, "steno", "_STENO_COMPLETE")
    return asking.get_completions(list(words[:-1]), words[-1])


def values(*words: str, load_settings: SettingsLoader = no_settings) -> list[str]:
    return [item.value for item in suggested(*words, load_settings=load_settings)]


def test_every_command_completes_with_its_summary() -> None:
    assert {item.value: item.help for item in suggested("")} == {
        name: entry.summary for name, entry in COMMANDS.items()
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("tra",), ["transcribe"]),
        (("--de",), ["--debug"]),
        (("topics", "ch"), ["check"]),
        (("submit", "--language", "ja"), ["ja"]),
        (("submit", "--formats", "json,"), ["json,srt", "json,vtt", "json,txt", "json,tsv"]),
        (("submit", "--formats", "json,s"), ["json,srt"]),
        (("transcribe", "--format", ""), [each.value for each in OutputFormat]),
        (("transcribe", "--formats", "tx"), ["txt"]),
        (("transcribe", "--mode", "b"), ["batched"]),
        (("models", "pull", "tiny"), ["tiny.en", "tiny"]),
        (("demo", "--model", "tiny.e"), ["tiny.en"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
    ],
)
def test_words_complete_whatever_the_settings_are(words: tuple[str, ...], expected: list[str]) -> None:
    assert values(*words) == expected


def test_models_of_the_settings_come_first() -> None:
    assert values("transcribe", "--model", "", load_settings=own_model)[0] == "our/model"


@pytest.mark.parametrize("command", ["transcribe", "submit"])
def test_inputs_complete_as_files(command: str) -> None:
    assert [(item.value, item.type) for item in suggested(command, "talk")] == [("talk", "file")]


def test_every_flag_of_every_command_completes() -> None:
    for name in COMMANDS:
        command = steno.get_command(click.Context(steno), name)
        assert command is not None
        flags = {flag for param in command.params if isinstance(param, click.Option) for flag in param.opts}
        assert flags <= set(values(name, "-"))
