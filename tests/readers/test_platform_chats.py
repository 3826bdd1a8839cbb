"""vCon, LivePerson and Salesforce chats; all data are invented."""

from __future__ import annotations

import csv
import json

import pytest
import written_exports as made

from servicequal.errors import ReadError, Rejected
from servicequal.readers import read


def write(folder, value, name="x.json"):
    file = folder / name
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return file


def said(conversation):
    return [(t.speaker, t.speaker_id, t.start, t.text) for t in conversation.turns]


def test_vcon_messages(tmp_path):
    (found,) = read(write(tmp_path, made.VCON_TEXT, "x.vcon"))
    assert (found.id, found.channel, found.metadata["subject"]) == ("vcon-1", "email", "Lamp")
    assert said(found) == [
        ("customer", "Cy", 0.0, "My lamp broke."),
        ("agent", "Dana", 3600.0, "Sorry!"),
        ("system", None, 3600.0, "On Wed, 1 May 2024, 09:00, Cy <cy@home.test> wrote:\n\n  My lamp broke."),
        ("customer", "Cy", 7200.0, "Thanks"),
    ]
    assert [t.kind for t in found.turns] == ["message", "message", "quote", "message"]


def test_vcon_parties_without_roles_are_mapped_by_address(tmp_path):
    parties = [{"mailto": "cy@home.test", "name": "Cy"}, {"mailto": "dana@acme.test"}]
    file = write(tmp_path, {**made.VCON_TEXT, "parties": parties})
    (found,) = read(file)
    assert {t.speaker for t in found.turns if t.kind == "message"} == {"unknown"}
    (found,) = read(file, roles={"dana@acme.test": "agent", "Cy": "customer"})
    assert [t.speaker for t in found.turns if t.kind == "message"] == ["customer", "agent", "customer"]


WORDS = [
    {"word": "hello", "punctuated_word": "Hello.", "start": 1.0, "end": 1.5, "speaker": 0},
    {"word": "there", "punctuated_word": "There.", "start": 1.5, "end": 2.0, "speaker": 0},
    {"word": "hi", "punctuated_word": "Hi.", "start": 3.0, "end": 3.5, "speaker": 1},
]
SENTENCES = [
    {"parties": 0, "start": 0.5, "duration": 1.0, "text": "Hello."},
    {"parties": [1], "start": "2024-05-01T09:00:02", "duration": 0.5, "text": "Hi."},
]
PARAGRAPHS = {
    "paragraphs": [
        {"speaker": 0, "start": 1.0, "end": 2.0, "sentences": [{"text": "Hello."}, {"text": "There."}]},
        {"speaker": 1, "start": 3.0, "end": 3.5, "sentences": [{"text": "Hi."}]},
    ]
}
DEEPGRAM = {"results": {"channels": [{"alternatives": [{"transcript": "x", "words": WORDS}]}]}}
TWO = [("Hello. There.", 1.0), ("Hi.", 3.0)]


@pytest.mark.parametrize(
    ("body", "more", "expected"),
    [
        ([{"speaker": "Agent", "message": "Hello"}, {"speaker": "Cy", "message": "Hi"}], {}, None),
        ("**Agent(Dana)**: Hello\n\n**Cy**: Hi\n\n**Agent(Dana)**: Bye\n\n**Cy**: Bye", {}, None),
        (json.dumps([{"speaker": "Agent", "message": "Hello"}]), {"encoding": "json"}, [("Hello", None)]),
        ({"transcript": [{"speaker": "Agent", "text": "Hello"}]}, {"encoding": "json"}, [("Hello", None)]),
        (DEEPGRAM, {"encoding": "json"}, TWO),
        ({"results": {"channels": [{"alternatives": [{"paragraphs": PARAGRAPHS}]}]}}, {}, TWO),
        ({"words": WORDS}, {}, TWO),
        ({"paragraphs": PARAGRAPHS}, {}, TWO),
        ({"results": {"utterances": [{"speaker": 0, "start": 2.0, "transcript": "Hi"}]}}, {}, [("Hi", 2.0)]),
        ("They speak of a lamp, plainly.", {"encoding": "json"}, [("They speak of a lamp, plainly.", None)]),
        ({"text": "Only text", "segments": []}, {}, [("Only text", None)]),
    ],
)
def test_vcon_transcripts(tmp_path, body, more, expected):
    (found,) = read(write(tmp_path, made.vcon_call(body, **more)))
    assert found.channel == "call"
    assert found.metadata["started_at"] == "2024-05-01T09:00:00"
    if expected is None:
        assert [t.speaker for t in found.turns][:1] == ["agent"]
        assert [t.text for t in found.turns][:2] == ["Hello", "Hi"]
    else:
        assert [(t.text, t.start) for t in found.turns] == expected


def test_vcon_sentences_by_party(tmp_path):
    (found,) = read(write(tmp_path, made.vcon_call([SENTENCES[0]], "transcript-redacted")))
    assert said(found) == [("agent", "Dana", 0.5, "Hello.")]
    assert found.turns[0].end == 1.5


def test_vcon_clear_and_structured_come_first(tmp_path):
    call = made.vcon_call("**Agent**: Hello\n**Customer**: Hi", "diarized")
    call["analysis"].append(
        {"type": "transcript-redacted", "dialog": 0, "body": [{"speaker": "Agent", "message": "[NAME]"}]}
    )
    (found,) = read(write(tmp_path, call))
    assert [t.text for t in found.turns] == ["[NAME]"]
    call["analysis"].append({"type": "transcript", "dialog": 0, "body": [{"speaker": "Agent", "message": "Hello"}]})
    (found,) = read(write(tmp_path, call))
    assert [t.text for t in found.turns] == ["Hello"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"payload": "e30", "signatures": [{"protected": "x", "signature": "y"}]}, r"signed \(JWS\)"),
        ({"ciphertext": "x", "recipients": [], "iv": "y", "tag": "z"}, r"encrypted \(JWE\)"),
        ({**made.vcon_call([]), "analysis": []}, "holds no words"),
    ],
)
def test_vcons_that_cannot_be_read(tmp_path, value, reason):
    with pytest.raises(ReadError, match=reason):
        list(read(write(tmp_path, value)))


def test_vcon_transfer_and_incomplete_are_notices(tmp_path):
    value = made.vcon_call([{"speaker": "Agent", "message": "Hello"}])
    value["dialog"] += [
        {"type": "transfer", "start": "2024-05-01T09:05:00"},
        {"type": "incomplete", "disposition": "busy"},
    ]
    (found,) = read(write(tmp_path, value))
    assert [(t.speaker, t.kind, t.text) for t in found.turns][1:] == [
        ("system", "notice", "transfer"),
        ("system", "notice", "incomplete busy"),
    ]


def test_liveperson(tmp_path):
    (found,) = read(write(tmp_path, made.LIVEPERSON))
    assert (found.id, found.channel) == ("lp-1", "chat")
    assert [(t.speaker, t.kind, t.speaker_id, t.start, t.text) for t in found.turns] == [
        ("customer", "message", "c1", 0.0, "My lamp broke"),
        ("bot", "message", "b1", 1.5, "Pick one\nLamps"),
        ("agent", "message", "a1", 30.0, "Sorry about the lamp"),
        ("bot", "survey", "b1", 40.0, "Rate us"),
    ]


def test_liveperson_without_participants_calls_nobody_an_agent(tmp_path):
    record = dict(made.LIVEPERSON["conversationHistoryRecords"][0])
    del record["agentParticipants"]
    file = write(tmp_path, {"conversationHistoryRecords": [record, {"info": {}}, "x", record]})
    first, no_messages, no_object, last = read(file, on_error="collect")
    assert isinstance(no_messages, Rejected)
    assert "messageRecords" in no_messages.reason
    assert isinstance(no_object, Rejected)
    assert first.turns == last.turns
    assert "agent" not in {turn.speaker for turn in first.turns}
    assert any("agentParticipants" in warning for warning in first.metadata["warnings"])
    found = next(c for c in read(file, roles={"Agent": "agent"}, on_error="collect"))
    assert found.turns[2].speaker == "agent"


EXPECTED = [
    ("agent", "Dana R", 5.0, "Hi, I'm Dana."),
    ("customer", "Cy Stone", 73.0, "It broke\nand it smells"),
    ("system", None, 73.0, "Agent Lee"),
    ("agent", "Lee", 3723.0, "Note: I take over"),
]


def test_salesforce_body(tmp_path):
    (found,) = read(write(tmp_path, made.BODY.replace("<br>", "<br>\n"), "x.html"))
    assert said(found) == EXPECTED
    assert found.metadata["started_at"] == "2024-05-01T09:00:00+00:00"
    assert (found.metadata["origin"], found.channel) == ("Lamps", "chat")


def test_salesforce_table_and_records(tmp_path):
    with (tmp_path / "x.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["Id", "ChatKey", "Status", "Body"])
        rows.writerow(["1", "k", "Completed", made.BODY])
        rows.writerow(["2", "k", "Missed", ""])
        rows.writerow(["3", "k", "Completed", made.BODY])
    first, empty, last = read(tmp_path / "x.csv", on_error="collect")
    assert said(first) == said(last) == EXPECTED
    assert (first.id, last.id, first.metadata["Status"]) == ("1", "3", "Completed")
    assert ("Body is empty" in empty.reason, empty.line, empty.conversation_id) == (True, 3, "2")
    (found,) = read(write(tmp_path, {"totalSize": 1, "records": [made.SALESFORCE]}))
    assert (found.id, said(found)) == ("5701", EXPECTED)


@pytest.mark.parametrize(
    ("header", "names", "roles"),
    [
        ("Agent (UserFirstName)", ("Dana F", "Visitor"), ["agent", "customer"]),
        ("Agent (UserFirstName)", ("Dana F", "Cy"), ["unknown", "unknown"]),
        ("Agent Dana", ("Dana Fox", "Cy"), ["agent", "customer"]),
        ("Agent Dana", ("Chatbot", "Dana"), ["bot", "agent"]),
    ],
)
def test_salesforce_names(tmp_path, header, names, roles):
    one, other = names
    body = (
        '<p align="center">Chat inici\u00f3: mi\u00e9rcoles, mayo 01, 2024, 09:00:00 (-0500)</p>'
        f'<p align="center">{header}</p>( 10s ) {one}: Hi<br>( 1m 1s ) {other}: yo<br>'
    )
    (found,) = read(write(tmp_path, body, "x.html"))
    assert [turn.speaker for turn in found.turns] == roles
    assert "2024" in found.metadata["started_at"]
