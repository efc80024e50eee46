"""What is written of the settings: the README's table and `.env.example`."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.settings import Settings
from tests import settings_reference
from tests.loading import Load


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
