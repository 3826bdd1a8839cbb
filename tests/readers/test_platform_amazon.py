"""Amazon Connect, Transcribe, post-call analytics and Bedrock audio."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
import voice_exports as made

from servicequal.errors import ReadError, Rejected
from servicequal.readers import read


def turns(found):
    return [(t.speaker, t.text, t.start, t.end) for t in found.turns]


@pytest.fixture
def one(tmp_path):
    def read_one(record, name="x.json", **options):
        file = tmp_path / name
        file.write_text(json.dumps(record))
        (found,) = read(file, **options)
        return found

    return read_one


def test_contact_lens_voice_joins_participants_and_keeps_overlap(one):
    found = one(made.CONTACT_LENS_VOICE)
    assert (found.id, found.channel, found.metadata["output"]) == ("contact-1", "call", "Raw")
    assert turns(found) == [
        ("agent", "Acme support, how can I help?", 0.5, 2.5),
        ("customer", "My [PII] is broken.", 2.4, 4.0),
        ("customer", "Hello?", 4.1, 4.6),
    ]
    assert [turn.speaker_id for turn in found.turns] == [made.AGENT, None, made.CALLER]


def test_contact_lens_chat_keeps_notices_apart(one):
    found = one(made.CONTACT_LENS_CHAT)
    assert (found.channel, found.metadata["started_at"]) == ("chat", "2024-05-01T09:00:00+00:00")
    assert [(t.speaker, t.kind, t.text, t.start) for t in found.turns] == [
        ("system", "notice", "participant.joined", 0.0),
        ("system", "notice", "You are in the queue.", 1.0),
        ("bot", "notice", "Which?\nBill", 2.0),
        ("agent", "message", "Hi, this is [PII].", 3.5),
        ("customer", "message", "Where is it?", 5.0),
        ("customer", "notice", "bill.pdf", 6.0),
        ("system", "notice", "chat.ended", 7.0),
    ]


def test_plain_connect_chat_is_sorted_and_names_can_be_mapped(one):
    found = one(made.CONNECT_CHAT, roles={"Ann": "bot"})
    assert found.id == "contact-3"
    assert [(t.speaker, t.text, t.start) for t in found.turns] == [
        ("bot", "Welcome", 0.0),
        ("customer", "Hello", 1.0),
    ]


def test_real_time_segments_without_partial_utterances(one):
    name = f"{made.AGENT}_analysis_2024-05-01T09_00_00Z.json"
    found = one(made.REAL_TIME, name)
    assert found.id == made.AGENT
    assert turns(found) == [("agent", "Good morning.", 0.0, 1.0), ("customer", "Morning.", 1.2, 2.0)]
    chat = one(made.REAL_TIME_CHAT)
    assert [(t.speaker, t.kind, t.start) for t in chat.turns] == [
        ("system", "notice", 0.0),
        ("agent", "message", 2.0),
    ]


def test_events_of_a_stream_are_gathered_by_contact(tmp_path):
    def event(contact, kind, *segments):
        return {"Channel": "VOICE", "ContactId": contact, "EventType": kind, "Segments": [*segments]}

    first, _, _, second = made.REAL_TIME["Segments"]
    said = made.REAL_TIME["Segments"][1]
    lines = [
        *(event("a", "STARTED"), event("b", "SEGMENTS", said), event("a", "SEGMENTS", first, second)),
        *("{broken", event("a", "SEGMENTS", said), event("a", "COMPLETED")),
    ]
    file = tmp_path / "stream.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    broken, a, b = read(file, on_error="collect")
    assert isinstance(broken, Rejected)
    assert (broken.line, a.id, b.id) == (4, "a", "b")
    assert [turn.text for turn in a.turns] == ["Good morning.", "Morning."]


def test_call_analytics_has_roles_and_confidence(one):
    found = one(made.CALL_ANALYTICS)
    assert (found.id, found.metadata["format"]) == ("call-4.wav", "call_analytics")
    assert turns(found) == [("agent", "Hello [PII].", 0.0, 0.9), ("customer", "Hi.", 0.8, 1.5)]
    assert [turn.confidence for turn in found.turns] == [0.9, None]


def test_transcribe_segments_with_words_become_turns(one):
    found = one(made.TRANSCRIBE, roles={"spk_0": "agent"})
    assert turns(found) == [("agent", "Good day.", 0.5, 1.5), ("unknown", "Hi, it broke.", 2.0, 3.5)]
    assert found.turns[1].speaker_id == "spk_1"


def test_transcribe_channels_end_turns_at_answers_and_pauses(one):
    found = one(made.TRANSCRIBE_CHANNELS)
    assert [(t.speaker_id, t.text, t.start) for t in found.turns] == [
        ("ch_0", "Yes?", 0.0),
        ("ch_1", "Help me", 0.8),
        ("ch_0", "Sure", 2.0),
        ("ch_0", "so", 6.0),
    ]


def test_transcribe_audio_segments_and_unlabelled_words(one):
    found = one(made.TRANSCRIBE_SEGMENTS)
    assert [(t.speaker_id, t.text, t.confidence) for t in found.turns] == [
        ("spk_0", "Good", 0.8),
        ("spk_1", "Bad", 0.8),
    ]
    bare = deepcopy(made.TRANSCRIBE)
    del bare["results"]["speaker_labels"]
    found = one(bare)
    assert turns(found) == [("unknown", "Good day. Hi, it broke.", 0.5, 3.5)]
    assert "tell speakers apart" in found.metadata["warnings"][0]


def test_pca_names_its_speakers(one):
    found = one(made.PCA)
    assert (found.id, found.metadata["started_at"]) == ("job-8.mp3", "2024-05-01T09:00:00.500000")
    assert [(t.speaker, t.speaker_id, t.text, t.start) for t in found.turns] == [
        ("agent", "spk_1", "Acme, hello.", 1.0),
        ("customer", "spk_0", "Hi.", 2.5),
    ]


def test_bedrock_audio(one):
    assert turns(one(made.BEDROCK, roles={"spk_0": "agent"})) == [("agent", "Hello", 0.1, 0.9)]


@pytest.mark.parametrize(
    ("record", "key"),
    [(made.CONTACT_LENS_VOICE, "JobStatus"), (made.CALL_ANALYTICS, "JobStatus"), (made.TRANSCRIBE, "status")],
)
def test_an_unfinished_job_says_so(one, record, key):
    with pytest.raises(ReadError, match="FAILED, not COMPLETED"):
        one({**record, key: "FAILED"})
