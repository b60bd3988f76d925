"""A report's files are there whole or not at all, and overwrite nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.reports.files import stem_of, write_together

STEM = "validation-20261125"


def test_the_parts_of_a_report_have_one_name_with_the_date(tmp_path: Path) -> None:
    parts = {".html": lambda file: file.write("page"), ".csv": lambda file: file.write("a\r\nb")}
    written = write_together(tmp_path / "reports", stem_of(datetime(2026, 11, 25, 3, 0, tzinfo=UTC)), parts)
    assert [path.name for path in written] == [f"{STEM}.html", f"{STEM}.csv"]
    assert [path.read_bytes() for path in written] == [b"page", b"a\r\nb"]
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {f"{STEM}.html", f"{STEM}.csv"}


def test_a_second_report_of_a_day_gets_a_number_even_where_one_part_of_the_first_is_left(tmp_path: Path) -> None:
    (tmp_path / f"{STEM}.csv").write_text("kept")
    parts = {".html": lambda file: file.write("page"), ".csv": lambda file: file.write("cells")}
    written = write_together(tmp_path, STEM, parts)
    assert [path.name for path in written] == [f"{STEM}-2.html", f"{STEM}-2.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{STEM}-2.csv", f"{STEM}-2.html", f"{STEM}.csv"]
    assert (tmp_path / f"{STEM}.csv").read_text() == "kept"


def test_where_one_part_fails_there_is_none(tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_together(tmp_path, STEM, {".html": lambda file: file.write("page"), ".csv": fail})
    assert list(tmp_path.iterdir()) == []
