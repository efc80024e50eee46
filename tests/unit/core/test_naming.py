"""What may be the name of a model."""

from __future__ import annotations

import pytest

from consumer.core.naming import check_model_name


@pytest.mark.parametrize(
    "name",
    [
        "base",
        "large-v3",
        "tiny.en",
        "my_own",
        "owner/name.v1-ct2",
        "/m/x",
        "/m/my models/x",
        "~/m",
        "./a/b/c",
        "../m",
        ".",
    ],
)
def test_names_repositories_and_paths_pass_as_they_are(name: str) -> None:
    assert check_model_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a/b/c", "a/", "-x", ".hidden", "base\n", "a//b", "/m/x ", "ümlaut", "https://hub/a/b", "a\\b"],
)
def test_what_is_neither_is_refused_with_what_to_write(name: str) -> None:
    with pytest.raises(ValueError, match=r"is no model; write a name such as 'base', owner/name"):
        check_model_name(name)
