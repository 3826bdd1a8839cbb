"""Truncated, mutated and random files: never a foreign exception, never lost neighbours."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicequal.conversation import Conversation
from servicequal.errors import Rejected
from servicequal.readers import read

QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
RECORD = {
    "id": "a",
    "channel": "call",
    "turns": [{"speaker": "agent", "text": "héllo", "start": 1.5}, {"speaker": "customer", "text": "yo"}],
}
FILES = {
    "x.jsonl": "\n".join(json.dumps({**RECORD, "id": i}, ensure_ascii=False) for i in "abc"),
    "x.json": json.dumps([RECORD, RECORD], indent=1),
    "x.csv": 'conversation_id,turn,role,text,start\na,0,Agent,"hi, ""you""\nthere",0.5\n'
    "a,1,Customer,yo,2\nb,0,Agent,é,1\n",
    "x.txt": "[00:01] Agent: hi\n1. one: two\n\n[00:05] Customer: yo\n[00:09] Agent (Dana): bye\n",
    "x.vtt": "WEBVTT\n\n1\n00:01.000 --> 00:02.000\n<v Ann>hi</v>\n\n00:02.000 --> 00:03.000\nBo: yo\n",
    "x.srt": "1\n00:00:01,000 --> 00:00:02,000\nAgent: hi\n\n2\n00:00:02,000 --> 00:00:03,000\nBo: yo\n",
}


def collected(file):
    found = list(read(file, on_error="collect"))
    assert found
    assert all(isinstance(item, (Conversation, Rejected)) for item in found)
    for item in found:
        if isinstance(item, Conversation):
            Conversation.model_validate_json(item.model_dump_json())
        else:
            str(item).encode()
            assert "the reader failed" not in item.reason
    return found


@pytest.mark.parametrize("name", FILES)
@QUIET
@given(data=st.data())
def test_mutated_files(tmp_path, name, data):
    raw = bytearray(FILES[name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(raw) - 1)))
        kind = data.draw(st.sampled_from(["cut", "drop", "set", "add"]))
        if kind == "cut":
            del raw[at:]
        elif kind == "drop":
            del raw[at : at + data.draw(st.integers(1, 9))]
        elif kind == "set" and raw:
            raw[at] = data.draw(st.integers(0, 255))
        else:
            raw[at:at] = data.draw(
                st.binary(max_size=6) | st.sampled_from([b'"', b"\n", b",", b"{", b"[", b"NaN", b"\r"])
            )
    file = tmp_path / name
    file.write_bytes(bytes(raw))
    collected(file)


@pytest.mark.parametrize("suffix", [".json", ".csv", ".txt", ".vtt", ".srt", ".tsv", ".parquet", ".dat"])
@QUIET
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_random_files(tmp_path, suffix, raw):
    file = tmp_path / f"x{suffix}"
    file.write_bytes(raw)
    collected(file)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "turns",
                    "text",
                    "speaker",
                    "start",
                    "channel",
                    "metadata",
                    "role",
                    "transcript",
                    "end",
                    "kind",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@QUIET
@given(values=st.lists(JSON, min_size=1, max_size=3))
def test_json_of_any_shape(tmp_path, values):
    file = tmp_path / "x.jsonl"
    file.write_text("\n".join(json.dumps(value) for value in [RECORD, *values, RECORD]))
    found = collected(file)
    assert [item.id for item in (found[0], found[-1])] == ["a", "a"]


def test_a_broken_line_in_the_middle_of_many(tmp_path):
    file = tmp_path / "x.jsonl"
    lines = [json.dumps({**RECORD, "id": str(i)}) for i in range(300)]
    lines[150] = lines[150][:40]
    file.write_text("\n".join(lines))
    found = collected(file)
    assert sum(isinstance(item, Conversation) for item in found) == 299
