"""JSON: our own form without loss, other layouts, and broken lines that cost nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from servicequal.conversation import Conversation, Turn
from servicequal.errors import ReadError, Rejected
from servicequal.readers import read, to_jsonl

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAME = TEXT.filter(lambda name: bool(name))
SECONDS = st.none() | st.floats(-1e12, 1e12)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
TURNS = st.builds(
    Turn,
    speaker=st.sampled_from(["agent", "customer", "bot", "system", "unknown"]),
    text=TEXT,
    start=SECONDS,
    end=SECONDS,
    speaker_id=st.none() | TEXT,
    kind=st.sampled_from(["message", "note", "notice", "survey", "quote"]),
    confidence=st.none() | st.floats(0, 1),
)
CONVERSATIONS = st.builds(
    Conversation,
    id=NAME,
    channel=st.sampled_from([None, "call", "chat", "email", "social"]),
    turns=st.lists(TURNS, min_size=1, max_size=4).map(tuple),
    metadata=st.dictionaries(TEXT, SCALARS | st.lists(SCALARS, max_size=2), max_size=3),
)
GOOD = {"id": "a", "channel": "chat", "turns": [{"speaker": "agent", "text": "hi", "start": 0.5}]}


@settings(max_examples=60, deadline=None)
@given(st.lists(CONVERSATIONS, min_size=1, max_size=3))
def test_own_form_comes_back_as_it_went(tmp_path_factory, conversations):
    file = tmp_path_factory.mktemp("own") / "x.jsonl"
    assert to_jsonl(conversations, file) == len(conversations)
    assert list(read(file)) == conversations


def write(tmp_path, *lines, name="x.jsonl"):
    file = tmp_path / name
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return file


def test_marked_layout_keeps_scalars_and_leaves_marks(tmp_path):
    record = {
        **GOOD,
        "source": "made",
        "cues": {"0": ["apology"]},
        "meta": {"domain": "energy"},
        "grades": {"x": 1},
    }
    (found,) = read(write(tmp_path, record))
    assert (found.id, found.channel) == ("a", "chat")
    assert found.turns[0] == Turn(speaker="agent", text="hi", start=0.5)
    assert found.metadata["source"] == "made"
    assert found.metadata["domain"] == "energy"
    assert "cues" not in found.metadata
    assert "grades" not in found.metadata


def test_a_broken_line_is_rejected_in_place(tmp_path):
    file = write(tmp_path, GOOD, '{"id": "b", "turns": [{"spea', {**GOOD, "id": "c"})
    first, broken, last = read(file, on_error="collect")
    assert (first.id, last.id) == ("a", "c")
    assert isinstance(broken, Rejected)
    assert (broken.line, broken.source) == (2, str(file))
    assert "cut off" in broken.hint
    with pytest.raises(ReadError, match="line 2"):
        list(read(file))


def test_a_truncated_array_gives_what_is_whole(tmp_path):
    text = json.dumps([GOOD, {**GOOD, "id": "b"}, {**GOOD, "id": "c"}], indent=1)
    found = list(read(write(tmp_path, text[:-60], name="x.json"), on_error="collect"))
    assert [item.id for item in found[:-1]] == ["a", "b"]
    assert isinstance(found[-1], Rejected)
    assert found[-1].line > 10


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"id": "a", "turns": []}, "no turns"),
        ({"id": None, "turns": GOOD["turns"]}, "no id"),
        ({"id": "a", "turns": [{"speaker": "agent", "text": None}]}, "text is missing"),
        ({"id": "a", "turns": [{"speaker": "agent", "text": float("nan")}]}, "text is missing"),
        ({"id": "a", "turns": [{"speaker": "agent", "text": ["x"]}]}, "no text but a list"),
        ({"id": "a", "turns": [{"speaker": "agent", "text": "x", "start": float("inf")}]}, "no time"),
        ({"id": "a", "turns": [{"speaker": "agent", "text": "x", "start": float("nan")}]}, "no time"),
        ({"id": "a", "turns": [{"speaker": "agent", "text": "x", "start": "soon"}]}, "no time"),
        ({"id": "a", "turns": [{"speaker": "agent", "text": "x", "confidence": 7}]}, "confidence"),
        ({"id": "a", "turns": [{"speaker": "agent", "text": "x" * 1_000_000}]}, "1,000,000 characters"),
        ({"id": "a", "turns": [{"speaker": "agent"}]}, "has no text"),
        ({"id": "a", "turns": "x"}, "no turns"),
        ({"id": "a"}, "no turns"),
        ("7", "no turns|neither|no text"),
        ('"x"', "no turns|neither|no text"),
    ],
)
def test_bad_records_name_line_and_reason_and_cost_nothing_else(tmp_path, record, reason):
    file = write(tmp_path, GOOD, record, {**GOOD, "id": "c"})
    first, bad, last = read(file, on_error="collect")
    assert (first.id, last.id) == ("a", "c")
    assert isinstance(bad, Rejected)
    assert bad.line == 2
    with pytest.raises(ReadError, match=reason):
        raise ReadError(bad)


def test_one_object_per_turn(tmp_path):
    rows = [{"conversation_id": c, "role": r, "text": f"{c}{r}"} for r in ("agent", "customer") for c in "ab"]
    found = {c.id: [(t.speaker, t.text) for t in c.turns] for c in read(write(tmp_path, *rows))}
    assert found == {
        "a": [("agent", "aagent"), ("customer", "acustomer")],
        "b": [("agent", "bagent"), ("customer", "bcustomer")],
    }


@pytest.mark.parametrize(
    "value",
    [
        [{"speaker": "agent", "text": "hi"}, {"speaker": "customer", "text": "yo"}],
        {"id": "x", "messages": [["agent", "hi"], ["customer", "yo"]]},
        {"ConversationId": "x", "Content": "**Agent:** hi\n\n**Customer:** yo"},
        {
            "id": "x",
            "utterances": [
                {"author": {"role": "agent"}, "content": "hi"},
                {"author": {"role": "user"}, "content": "yo"},
            ],
        },
        {
            "id": "x",
            "transcript": json.dumps([{"role": "agent", "text": "hi"}, {"role": "customer", "text": "yo"}]),
        },
    ],
)
def test_layouts_of_one_document(tmp_path, value):
    (found,) = read(write(tmp_path, json.dumps(value, indent=1), name="x.json"))
    assert found.id == "x"
    assert [(turn.speaker, turn.text) for turn in found.turns] == [("agent", "hi"), ("customer", "yo")]


def test_an_unknown_shape_says_what_it_saw(tmp_path):
    with pytest.raises(ReadError, match="no turns among its keys foo"):
        list(read(write(tmp_path, '{"foo": 1}', name="x.json")))


def test_half_an_emoji_is_marked_and_bytes_are_refused(tmp_path):
    (found,) = read(write(tmp_path, '{"id": "a", "turns": [{"speaker": "agent", "text": "oh \\ud83d"}]}'))
    assert found.turns[0].text == "oh \N{REPLACEMENT CHARACTER}"
    assert found.metadata["warnings"]
    file = tmp_path / "y.jsonl"
    good = json.dumps({**GOOD, "turns": [{"speaker": "agent", "text": "naïve"}]}, ensure_ascii=False).encode()
    file.write_bytes(good + b"\n" + good.replace("ï".encode(), b"\xef") + b"\n" + good)
    one, two, three = read(file, on_error="collect")
    assert one == three
    assert one.turns[0].text == "naïve"
    assert isinstance(two, Rejected)
    assert "UTF-8" in two.reason


def test_user_roles_win_over_the_own_form(tmp_path):
    file = tmp_path / "x.jsonl"
    to_jsonl([Conversation(id="a", turns=(Turn(speaker="unknown", text="hi", speaker_id="Fin"),))], file)
    (found,) = read(file, roles={"Fin": "bot"})
    assert found.turns[0].speaker == "bot"


def test_deep_nesting_and_huge_numbers_are_rejections(tmp_path):
    file = write(tmp_path, GOOD, "[" * 200_000, '{"id": ' + "9" * 5000 + ', "turns": []}', {**GOOD, "id": "c"})
    found = list(read(file, on_error="collect"))
    assert [item.id for item in found if isinstance(item, Conversation)] == ["a", "c"]
    assert sum(isinstance(item, Rejected) for item in found) == 2


def test_conversations_wrapped_in_an_object(tmp_path):
    bad = {"id": "b", "turns": [{"speaker": "agent"}]}
    file = write(tmp_path, json.dumps({"conversations": [GOOD, bad, {**GOOD, "id": "c"}]}), name="x.json")
    first, rejected, last = read(file, on_error="collect")
    assert (first.id, last.id) == ("a", "c")
    assert isinstance(rejected, Rejected)


@pytest.mark.parametrize("read_one", [Turn.model_validate, lambda turn: Turn.model_validate_json(json.dumps(turn))])
def test_a_turn_forgives_case_and_outer_space_of_closed_words_and_nothing_else(read_one):
    turn = read_one({"speaker": " AGENT\x1c", "text": "é \U0001f600", "kind": "Note"})
    assert (turn.speaker, turn.text, turn.kind) == ("agent", "é \U0001f600", "note")
    roles = "Input should be 'agent', 'customer', 'bot', 'system' or 'unknown'"
    for broken, said in (
        ({"speaker": "king", "text": "Hi."}, [("speaker", roles)]),
        ({"speaker": 3, "text": 3}, [("speaker", roles), ("text", "Input should be a valid string")]),
        ({"text": None}, [("speaker", "Field required"), ("text", "Input should be a valid string")]),
    ):
        with pytest.raises(ValidationError) as caught:
            read_one(broken)
        assert [(error["loc"][0], error["msg"]) for error in caught.value.errors()] == said


def test_half_a_character_in_memory_is_made_whole():
    assert Turn(speaker="agent", text="é\ud800b\udc00").text == "é\ufffdb\ufffd"
    assert Turn(speaker="agent", text="a\ud800").text == "a\ufffd"
