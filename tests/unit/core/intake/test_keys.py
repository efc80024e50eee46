"""Keys as notifications spell them come out as the store knows them."""

from __future__ import annotations

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.failures import PermanentError
from consumer.core.intake.keys import KeyEncoding, decode_key, raw_key

Keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(key=Keys, safe=st.sampled_from(["", "/", "/()*'!"]))
def test_a_form_encoded_key_comes_out_as_it_was_whatever_was_left_unescaped(key: str, safe: str) -> None:
    assert decode_key(quote_plus(key, safe=safe), KeyEncoding.FORM) == key


@given(key=Keys)
def test_a_raw_key_is_not_touched(key: str) -> None:
    assert decode_key(key, KeyEncoding.RAW) == key


@pytest.mark.parametrize("key", ["100%.wav", "100%", "%zz", "%"])
def test_a_percent_sign_that_begins_no_escape_stands_for_itself(key: str) -> None:
    assert decode_key(key, KeyEncoding.FORM) == key


@pytest.mark.parametrize("key", ["%FF.wav", "%C3.wav", "%ED%A0%80"])
def test_escapes_that_are_no_text_say_what_may_be_wrong(key: str) -> None:
    with pytest.raises(PermanentError, match="STENO_INTAKE__KEY_ENCODING=raw"):
        decode_key(key, KeyEncoding.FORM)


@given(key=Keys)
def test_a_raw_key_beside_is_taken_for_either_spelling(key: str) -> None:
    assert raw_key("media", quote_plus(key), f"media/{key}") == key
    assert raw_key("media", key, f"media/{key}") == key
