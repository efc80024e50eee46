"""The flags generated from the contract."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner, Result

from consumer.cli.options import flag_of, request_options, split_commas, split_pair, split_pairs, validated
from contracts import Input, Mode, Options, VadParameters


def invoke(*arguments: str) -> tuple[Result, list[Options]]:
    seen: list[Options] = []

    @click.command()
    @request_options
    def command(options: Options) -> None:
        seen.append(options)

    return CliRunner().invoke(command, arguments), seen


def test_without_flags_the_contract_gives_every_default() -> None:
    assert invoke()[1] == [Options()]


def test_every_option_of_the_contract_is_a_flag_with_its_meaning() -> None:
    help_text = " ".join(invoke("--help")[0].output.split())
    for name, field in Options.model_fields.items():
        assert flag_of(name) in help_text
        assert (field.description or "?").replace("`", "'") in help_text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--language", "de"], Options(language="de")),
        (["--mode", "batched"], Options(mode=Mode.BATCHED)),
        (["--word-timestamps"], Options(word_timestamps=True)),
        (["--no-vad"], Options(vad=False)),
        (["--temperature", "0,0.2"], Options(temperature=(0.0, 0.2))),
        (["--temperature", "0"], Options(temperature=(0.0,))),
        (["--beam-size", "1"], Options(beam_size=1)),
        (["--initial-prompt", "a, b"], Options(initial_prompt="a, b")),
        (
            ["--vad", "--vad-parameters", "threshold=0.3, speech_pad_ms=100"],
            Options(vad=True, vad_parameters=VadParameters(threshold=0.3, speech_pad_ms=100)),
        ),
        (
            ["--vad", "--vad-parameters", '{"threshold": 0.3}'],
            Options(vad=True, vad_parameters=VadParameters(threshold=0.3)),
        ),
    ],
)
def test_flags_become_options(arguments: list[str], expected: Options) -> None:
    assert invoke(*arguments)[1] == [expected]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--temperature", "0,2"], "--temperature: input should be less than or equal to 1."),
        (["--temperature", "warm"], "--temperature: input should be a valid number"),
        (["--language", "xx"], "--language: unknown language 'xx'"),
        (["--beam-size", "0"], "--beam-size: input should be greater than or equal to 1."),
        (["--beam-size", "many"], "'--beam-size': 'many' is not a valid integer"),
        (["--mode", "fast"], "'--mode': 'fast' is not one of"),
        (["--vad", "--vad-parameters", "treshold=1"], "--vad-parameters: treshold: no such name."),
        (["--vad", "--vad-parameters", "threshold"], "'--vad-parameters': 'threshold' is not name=value."),
        (["--vad", "--vad-parameters", "{"], "'--vad-parameters': neither JSON nor name=value pairs"),
        (["--vad-parameters", "threshold=1"], "'vad_parameters' without 'vad'"),
        (["--mode", "batched", "--no-vad"], "batched mode needs its voice activity detector"),
    ],
)
def test_a_bad_value_is_misuse_and_names_its_flag(arguments: list[str], complaint: str) -> None:
    result, seen = invoke(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert not seen


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(click.UsageError) as caught:
        validated(Options, {"language": "xx", "beam_size": 99})
    assert len(caught.value.message.splitlines()) == 2


def test_other_contracts_are_validated_the_same_way() -> None:
    assert validated(Input, {"uri": "s3://media/a.wav", "etag": None}) == Input(uri="s3://media/a.wav")


def test_lists_lose_the_space_around_their_items() -> None:
    assert split_commas("json, srt") == ("json", "srt")


def test_a_pair_keeps_the_equals_signs_of_its_value() -> None:
    assert split_pair("query=a=b") == ("query", "a=b")
    assert split_pairs("a=1,b=") == {"a": "1", "b": ""}


def test_a_pair_needs_a_name() -> None:
    with pytest.raises(click.BadParameter):
        split_pair("=b")
