"""Google CCAI, Genesys Cloud, Twilio and Gong."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
import voice_exports as made

from servicequal.errors import ReadError, Rejected
from servicequal.readers import read


@pytest.fixture
def one(tmp_path):
    def read_one(record, name="x.json", **options):
        file = tmp_path / name
        file.write_text(json.dumps(record))
        (found,) = read(file, **options)
        return found

    return read_one


def spoke(found):
    return [(t.speaker, t.speaker_id, t.text, t.start) for t in found.turns]


def test_ccai_entries_take_their_id_from_the_file(one):
    found = one(made.ENTRIES, "talk-1.json")
    assert (found.id, found.metadata["started_at"]) == ("talk-1", "2024-05-01T09:00:00+00:00")
    assert spoke(found) == [
        ("bot", "9", "Menu", 0.0),
        ("customer", "1", "Hi", 1.0),
        ("agent", "2", "Hello", 2.5),
    ]


def test_ccai_entries_a_line_each_have_ids_of_their_own(tmp_path):
    file = tmp_path / "talks.jsonl"
    file.write_text("\n".join(json.dumps(made.ENTRIES) for _ in range(3)))
    assert [found.id for found in read(file)] == ["talks-1", "talks-2", "talks-3"]


def test_insights_by_words_and_channels(one):
    found = one(made.INSIGHTS)
    assert (found.id, found.channel) == ("conv-9", "call")
    assert found.metadata["started_at"] == "2024-05-01T09:00:00+00:00"
    assert spoke(found) == [("agent", "ann", "Hello there", 0.0), ("customer", "2", "Hi", 1.5)]
    assert [(turn.end, turn.confidence) for turn in found.turns] == [(1.1, None), (2.0, 0.9)]


def test_insights_in_snake_case_with_numbered_roles(one):
    found = one(made.INSIGHTS_SNAKE)
    assert (found.id, found.channel) == ("conv-10", "chat")
    assert spoke(found) == [
        ("bot", "bot", "Welcome", 0.0),
        ("customer", "u", "Hi", 1.0),
        ("agent", "ann", "Hello", 2.0),
    ]


def test_insights_listed_without_transcripts_say_so(tmp_path):
    file = tmp_path / "x.json"
    short = {"name": "projects/p/locations/l/conversations/conv-0", "medium": "CHAT"}
    file.write_text(json.dumps({"conversations": [short, made.INSIGHTS]}))
    rejected, found = read(file, on_error="collect")
    assert isinstance(rejected, Rejected)
    assert (rejected.conversation_id, found.id) == ("conv-0", "conv-9")
    assert "view=FULL" in rejected.hint


def test_ccai_platform_chat(one):
    found = one(made.PLATFORM)
    assert (found.id, found.channel) == ("77", "chat")
    assert [(t.speaker, t.speaker_id, t.kind, t.text) for t in found.turns] == [
        ("customer", None, "message", "Hi"),
        ("bot", "5", "message", "**Menu**"),
        ("system", None, "notice", "chatAssigned"),
        ("agent", "6", "message", "Hello, Kim here"),
        ("customer", None, "notice", "photo"),
    ]


def test_genesys_internal_is_whoever_was_there(one):
    found = one(made.GENESYS)
    assert (found.id, found.channel) == ("conv-18", "call")
    assert spoke(found) == [
        ("bot", None, "Press 1.", 0.0),
        ("customer", "cust", "One.", 3.0),
        ("agent", "ann", "Ann here.", 10.0),
        ("agent", "kim", "Kim here.", 30.0),
    ]
    assert found.turns[0].end == 0.9


def test_genesys_internal_of_nobody_stays_unknown(one):
    record = deepcopy(made.GENESYS)
    del record["participants"]
    assert [turn.speaker for turn in one(record).turns] == ["unknown", "customer", "unknown", "unknown"]
    only = [{"participantPurpose": "internal", "userId": "ann", "startTimeMs": 0, "endTimeMs": 9}]
    record["participants"] = only
    assert [turn.speaker_id for turn in one(record).turns] == ["ann", None, "ann", "ann"]


def test_twilio_roles_from_the_parent_or_the_map(one):
    found = one(made.TWILIO, roles={"1": "agent", "Channel 2": "customer"})
    assert found.id == "GT0123456789abcdef0123456789abcdef"
    assert spoke(found) == [("agent", "1", "Acme", 0.5), ("customer", "2", "Hi", 2.5)]
    people = [{"channel_participant": n, "role": role} for n, role in ((1, "Agent"), (2, "Customer"))]
    parent = {**made.TWILIO, "channel": {"participants": people}}
    assert [turn.speaker for turn in one(parent).turns] == ["agent", "customer"]
    silent = {"sentences": [{"media_channel": 1, "transcript": "x", "start_time": None}]}
    assert spoke(one(silent)) == [("unknown", "1", "x", None)]


def test_gong_knows_sides_only_with_the_parties(tmp_path):
    file = tmp_path / "x.json"
    file.write_text(json.dumps(made.GONG))
    known, unknown = read(file)
    assert (known.id, known.metadata["started_at"]) == ("701", "2024-05-01T16:00:00+00:00")
    assert spoke(known) == [("agent", "51", "Hi. Ann here.", 0.1), ("customer", "52", "Hello.", 1.7)]
    assert {turn.speaker for turn in unknown.turns} == {"unknown"}
    mapped = list(read(file, roles={"Ann": "customer", "52": "agent"}))
    assert [turn.speaker for turn in mapped[0].turns] == ["customer", "agent"]
    assert [turn.speaker for turn in mapped[1].turns] == ["unknown", "agent"]


def test_a_broken_call_costs_no_other(tmp_path):
    file = tmp_path / "x.json"
    record = deepcopy(made.GONG)
    record["callTranscripts"][0]["transcript"][0]["sentences"][0]["text"] = None
    file.write_text(json.dumps(record))
    rejected, found = read(file, on_error="collect")
    assert isinstance(rejected, Rejected)
    assert found.id == "702"
    with pytest.raises(ReadError, match="conversation 1"):
        list(read(file))
