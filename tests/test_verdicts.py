"""Verdicts of a reviewer: read whole or refused with a reason, and turned into marks."""

from __future__ import annotations

import json

import pytest

from servicequal.errors import ReadError
from servicequal.verdicts import SCHEMA, Verdicts, digest_of, read_verdicts
from support import talk

RUN = {"fingerprint": {"version": "0.1.0", "rules": "abc", "rubric": "default", "model": None}, "conversations": 3}


def cue(name="disowning", turn=1, start=0, end=4, **more):
    return {"cue": name, "turn": turn, "start": start, "end": end, "text": "word", **more}


def write(tmp_path, *verdicts, **more):
    path = tmp_path / "v.json"
    path.write_text(json.dumps({"schema": SCHEMA, "run": RUN, "verdicts": verdicts, **more}), "utf-8")
    return path


def one(**more):
    return {"position": 0, "conversation_id": "a", "reviewer": "Ada", **more}


def test_agreed_missed_and_corrected_cues_become_marks(tmp_path):
    path = write(
        tmp_path,
        one(
            complete=True,
            cues=[
                cue(agree=True),
                cue("apology", 3, agree=False, instead="none"),
                cue("blaming", 5, status="excused", agree=True),
                cue("bouncing", 5, status="excused", agree=False, instead="plain"),
                cue("dismissive", 7, status="softened", agree=True),
            ],
            missed=[cue("empathy", 1, 5, 9)],
            grades={"overall": 3, "recovery": None},
        ),
    )
    verdict = read_verdicts(path).verdicts[0]
    assert verdict.marks() == {1: ("disowning", "empathy"), 5: ("bouncing",)}
    assert verdict.evidence()[1] == {"disowning": ("word",), "empathy": ("word",)}
    assert verdict.grades == {"overall": 3.0, "recovery": None}


def test_a_disagreement_without_a_better_status_is_read_from_the_status(tmp_path):
    cues = [cue(status=s, agree=False) for s in ("plain", "excused", "softened")]
    verdict = read_verdicts(write(tmp_path, one(cues=cues))).verdicts[0]
    assert [c.counts for c in verdict.cues] == [False, True, None]


def test_a_file_comes_back_as_it_was_written(tmp_path):
    path = write(tmp_path, one(findings=[{"code": "EXP101", "turn": 2, "outcome": "missed", "agree": False}]))
    read = read_verdicts(path)
    again = tmp_path / "again.json"
    again.write_text(read.model_dump_json(by_alias=True), "utf-8")
    assert read_verdicts(again) == read
    assert isinstance(read, Verdicts)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": "servicequal-verdicts/2"}', "schema"),
        (json.dumps({"schema": SCHEMA, "run": RUN, "verdicts": [one(grades={"overall": 5})]}), "verdicts.0.grades"),
        (json.dumps({"schema": SCHEMA, "run": RUN, "verdicts": [one(grades={"charm": 1})]}), "charm"),
        (json.dumps({"schema": SCHEMA, "run": RUN, "verdicts": [one(missed=[cue(start=9)])]}), "end 4 is before"),
        (json.dumps({"schema": SCHEMA, "run": RUN, "verdicts": [one(), one()]}), "two verdicts of 'Ada'"),
        (json.dumps({"schema": SCHEMA, "run": RUN, "verdicts": [one(surprise=1)]}), "surprise"),
    ],
)
def test_what_is_wrong_and_where_is_said(tmp_path, text, says):
    path = tmp_path / "v.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ReadError, match=says) as caught:
        read_verdicts(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ReadError, match="cannot be read"):
        read_verdicts(tmp_path / "none.json")


def test_the_digest_tells_conversations_apart():
    a, b = talk("c: Hello", "a: Hi"), talk("a: Hello", "c: Hi")
    assert digest_of(a) == digest_of(talk("c: Hello", "a: Hi", name="other"))
    assert digest_of(a) != digest_of(b)
    assert len(digest_of(a)) == 12
