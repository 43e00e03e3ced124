"""An exported file is whole or absent, and nothing of anybody's is overwritten unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.files import FileExists, FileIsFolder, FolderMissing, NotWritten, whole_file


def test_what_was_written_is_there_afterwards_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with whole_file(path, force=False) as draft:
        draft.write_text("new", encoding="utf-8")
        draft.with_suffix(".csv-journal").write_text("side file", encoding="utf-8")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a.csv", force=False) as draft:
        draft.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), whole_file(path, force=True) as draft:
        draft.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old"


def test_an_existing_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(FileExists, match="--force"), whole_file(path, force=False):
        pass
    assert path.read_text(encoding="utf-8") == "old"
    with whole_file(path, force=True) as draft:
        draft.write_text("new", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "new"


def test_a_file_that_appeared_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(FileExists), whole_file(path, force=False) as draft:
        draft.write_text("new", encoding="utf-8")
        path.write_text("another's", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "another's"


def test_a_folder_is_never_overwritten(tmp_path: Path) -> None:
    with pytest.raises(FileIsFolder), whole_file(tmp_path, force=True):
        pass
    assert tmp_path.is_dir()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(FolderMissing, match="nowhere"),
        whole_file(tmp_path / "nowhere" / "a.csv", force=True),
    ):
        pass


def test_the_system_s_refusal_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="No such file"), whole_file(tmp_path / "a.csv", force=False):
        pass  # nothing was written, so nothing can be put in place
    with pytest.raises(NotWritten, match="too long"), whole_file(tmp_path / ("a" * 250), force=False):
        pass
