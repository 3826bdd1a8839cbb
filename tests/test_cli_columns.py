"""``--columns`` at the command, and what ``inspect`` prints with it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import servicequal as sq
from servicequal.cli import app

TABLE = "case_ref,utt_txt,who\n7,Where is my parcel?,customer\n7,I have sent a new one.,agent\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize("given", [["--columns", "text=utt_txt", "--columns", "id=case_ref"],
                                   ["--columns", "text=utt_txt,id=case_ref"]])  # fmt: skip
def test_convert_and_inspect_take_columns(table, tmp_path, given):
    out = tmp_path / "out.jsonl"
    done = CliRunner().invoke(app, ["convert", str(table), "-o", str(out), *given])
    assert done.exit_code == 0, done.output
    (found,) = sq.read(out)
    assert (found.id, [t.speaker for t in found.turns]) == ("7", ["customer", "agent"])
    shown = CliRunner().invoke(app, ["inspect", str(table), *given])
    assert f"servicequal score {table} --columns text=utt_txt --columns id=case_ref" in shown.output
    assert shown.exit_code == 0


def test_what_is_no_pair_is_named(table):
    done = CliRunner().invoke(app, ["inspect", str(table), "--columns", "utt_txt"])
    assert done.exit_code == 2
    assert "FIELD=COLUMN" in done.output


def test_a_field_is_left_out_with_nothing_after_the_sign(table):
    done = CliRunner().invoke(
        app, ["inspect", str(table), "--columns", "text=utt_txt,id=case_ref", "--columns", "speaker="]
    )
    assert "unknown 2" in done.output, done.output
    assert "--columns speaker=COLUMN" in done.output
