"""Zendesk (comments, audits, events, chats, tables) and Intercom; all data are invented."""

from __future__ import annotations

import json

import pytest
import written_exports as made

from servicequal.errors import ReadError, Rejected
from servicequal.readers import inspect, read


def write(folder, value, name="x.json"):
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    lines = value if isinstance(value, list) and name.endswith(".jsonl") else None
    text = "\n".join(map(json.dumps, lines)) if lines else value if isinstance(value, str) else json.dumps(value)
    file.write_text(text, encoding="utf-8")
    return file


def shown(conversation):
    return [(t.speaker, t.kind, t.speaker_id, t.start, t.text) for t in conversation.turns]


@pytest.mark.parametrize("name", made.JSON_EXPORTS)
def test_each_format_knows_its_own(tmp_path, name):
    for value in made.JSON_EXPORTS[name]:
        report = inspect(write(tmp_path, value))
        assert report.formats == (name,), value
        assert not report.rejected


def test_ticket_comments_with_users(tmp_path):
    (found,) = read(write(tmp_path, made.ZENDESK_COMMENTS, "123.json"))
    assert (found.id, found.channel) == ("123", "email")
    assert found.metadata["started_at"] == "2024-05-01T09:00:00+00:00"
    assert shown(found) == [
        ("customer", "message", "500", 0.0, "My lamp & shade broke."),
        ("agent", "note", "900", 300.0, "He is a VIP, be quick."),
        ("agent", "message", "901", 1800.0, "Sorry, I send a new one."),
        ("system", "quote", None, 1800.0, "--\nDana\nMy lamp broke."),
        ("system", "notice", "-1", 1801.0, "Your ticket was updated."),
    ]


def test_comments_alone_have_no_roles_until_somebody_says(tmp_path):
    file = write(tmp_path, {"comments": made.COMMENTS, "next_page": "https://z/api/v2/tickets/55/comments.json?page=2"})
    (found,) = read(file)
    assert found.id == "55"
    assert {turn.speaker for turn in found.turns} == {"unknown", "system"}
    assert any("further pages" in warning for warning in found.metadata["warnings"])
    (found,) = read(file, roles={"500": "customer", "901": "agent"})
    assert [t.speaker for t in found.turns if t.kind == "message"] == ["customer", "agent"]
    (found,) = read(file, infer_roles=True)
    assert found.turns[0].speaker == "customer"
    reason = "the first to write is taken for the requester"
    assert found.metadata["roles_inferred"] == {"500": {"role": "customer", "reason": reason}}
    (found,) = read(file, infer_roles=True, roles={"500": "agent"})
    assert "500" not in found.metadata["roles_inferred"], "the caller's map overrules an inference"


def test_audits_are_grouped_by_ticket_and_tell_requester_and_assignee(tmp_path):
    first, second = read(write(tmp_path, made.ZENDESK_AUDITS))
    assert (first.id, second.id) == ("7", "8")
    assert [(t.speaker, t.text) for t in first.turns] == [
        ("customer", "It broke."),
        ("agent", "A new one is on its way."),
    ]
    assert [t.speaker for t in second.turns] == ["unknown"]


def test_tickets_and_events_of_incremental_exports(tmp_path):
    bad = {"id": 9, "requester_id": 1, "comments": "none"}
    tickets = {**made.ZENDESK_TICKETS, "tickets": [bad, *made.ZENDESK_TICKETS["tickets"]]}
    wrong, first, second = read(write(tmp_path, tickets), on_error="collect")
    assert isinstance(wrong, Rejected)
    assert (first.id, second.id, first.metadata["subject"]) == ("7", "8", "Lamp")
    assert [t.speaker for t in first.turns if t.kind == "message"] == ["customer", "agent"]
    (found,) = read(write(tmp_path, made.ZENDESK_EVENTS))
    assert shown(found) == [("customer", "message", "500", 0.0, "Hi there")]
    with pytest.raises(ReadError, match="no comments"):
        list(read(write(tmp_path, {"comments": []}), format="zendesk_tickets"))


def test_comments_a_line_and_as_airbyte_records(tmp_path):
    rows = [{**c, "ticket_id": 5} for c in made.COMMENTS[:1]] + [{**c, "ticket_id": 6} for c in made.COMMENTS[2:3]]
    assert [c.id for c in read(write(tmp_path, rows, "x.jsonl"))] == ["5", "6"]
    wrapped = [{"stream": "ticket_comments", "data": row} for row in rows]
    wrapped = [{"stream": "users", "data": user} for user in made.USERS] + wrapped
    first, second = read(write(tmp_path, wrapped, "y.jsonl"))
    assert (first.turns[0].speaker, second.turns[0].speaker) == ("customer", "agent")


def test_zendesk_chat(tmp_path):
    (found,) = read(write(tmp_path, made.ZENDESK_CHAT))
    assert (found.id, found.channel, found.metadata["events_left_out"]) == ("2405.1.Ab", "chat", 3)
    assert shown(found) == [
        ("bot", "message", "Welcome Bot", 0.0, "Hello, a person will come."),
        ("customer", "message", "Visitor 1", 1.0, "My lamp broke"),
        ("agent", "message", "Dana", 4.0, "Sorry to hear that"),
        ("agent", "message", "Lee", 8.0, "I take over"),
        ("customer", "survey", "Visitor 1", 11.0, "Fast!"),
    ]
    two = write(tmp_path, {"chats": [made.ZENDESK_CHAT, {"type": "chat", "history": 7}, made.ZENDESK_OFFLINE]})
    first, wrong, last = read(two, on_error="collect")
    assert (first.id, last.id, last.turns[0].speaker) == ("2405.1.Ab", "off1", "customer")
    assert "history is no list" in wrong.reason


def test_a_silent_chat_and_an_agent_named_like_the_visitor(tmp_path):
    silent = {**made.ZENDESK_CHAT, "history": made.ZENDESK_CHAT["history"][:1]}
    with pytest.raises(ReadError, match="nobody says anything"):
        list(read(write(tmp_path, silent)))
    (found,) = read(write(tmp_path, {**made.ZENDESK_CHAT, "agent_names": ["Visitor 1"]}))
    assert [t.speaker for t in found.turns][:2] == ["bot", "customer"]


def test_comment_table_joined_with_users_beside(tmp_path):
    comments = write(tmp_path, made.COMMENT_TABLE, "ticket_comment.csv")
    alone = {c.id: c for c in read(comments)}
    assert {t.speaker for t in alone["70"].turns if t.kind == "message"} == {"unknown"}
    assert any("no user table" in warning for warning in alone["70"].metadata["warnings"])
    users = write(tmp_path, made.USER_TABLE, "user.csv")
    for path in (tmp_path, [comments, users], comments):
        found = {c.id: c for c in read(path)}
        assert shown(found["70"]) == [
            ("customer", "message", "500", 0.0, "It broke"),
            ("agent", "note", "901", 1200.0, "VIP!"),
            ("agent", "message", "901", 1800.0, "Sorry"),
            ("system", "quote", None, 1800.0, "> It broke"),
        ]
        assert found["71"].turns[0].speaker == "unknown"


def test_a_user_table_alone_is_refused(tmp_path):
    with pytest.raises(ReadError, match="nothing that was said"):
        list(read(write(tmp_path, made.USER_TABLE, "user.csv")))


def test_chat_events(tmp_path):
    write(tmp_path, made.EVENT_TABLE, "ticket_chat_event.csv")
    write(tmp_path, made.CHAT_TABLE, "ticket_chat.csv")
    write(tmp_path, made.USER_TABLE, "user.csv")
    found = {c.id: c for c in read(tmp_path)}
    assert [(t.speaker, t.kind, t.text) for t in found["c1"].turns] == [
        ("customer", "message", "It broke"),
        ("bot", "message", "Hello"),
        ("system", "notice", "chat join"),
        ("agent", "message", "Sorry"),
    ]
    assert [t.speaker for t in found["c2"].turns] == ["bot", "system", "customer"]


def test_intercom(tmp_path):
    (found,) = read(write(tmp_path, made.INTERCOM))
    assert (found.id, found.channel, found.metadata["rating"]) == ("77", "chat", 5)
    assert shown(found) == [
        ("customer", "message", "user-Cy", 0.0, "My lamp broke"),
        ("bot", "message", "bot-Fin", 5.0, "Hi, I am a bot."),
        ("system", "notice", None, 6.0, "conversation attribute updated by admin"),
        ("agent", "message", "admin-Dana", 60.0, "Sorry, Cy.\n5 < 6"),
        ("agent", "note", "admin-Dana", 70.0, "He pays late"),
        ("agent", "message", "admin-Lee", 80.0, "Lee takes over"),
        ("customer", "message", "user-Cy", 90.0, "Thanks"),
        ("customer", "survey", None, 200.0, "Great"),
    ]


def test_intercom_lists_and_airbyte_records_give_the_same(tmp_path):
    (single,) = read(write(tmp_path, made.INTERCOM))
    first, second = read(write(tmp_path, made.INTERCOM_LIST))
    assert (first.id, second.id) == ("77", "78")
    assert first.turns == second.turns == single.turns
    (joined,) = read(write(tmp_path, [*made.AIRBYTE[1:], made.AIRBYTE[0]], "x.jsonl"))
    assert (joined.id, joined.turns) == ("77", single.turns)
    mixed = [{"stream": "teams", "data": {"id": 1}, "emitted_at": 1}, *made.AIRBYTE]
    assert [c.turns for c in read(write(tmp_path, mixed, "z.jsonl"))] == [single.turns]
    (orphan,) = read(write(tmp_path, made.AIRBYTE[1:], "y.jsonl"))
    assert orphan.turns == tuple(t.model_copy(update={"start": t.start - 5.0}) for t in single.turns[1:-1])
    assert any("first message is missing" in warning for warning in orphan.metadata["warnings"])


def test_intercom_operator_automation_and_missing_parts(tmp_path):
    operator = made.part("p1", "comment", "Hi", 1, name="Operator")
    automated = {**made.INTERCOM["source"], "delivered_as": "automated", "author": {"type": "admin", "id": 1}}
    parts = {"conversation_parts": [operator], "total_count": 600}
    (found,) = read(write(tmp_path, {**made.INTERCOM, "source": automated, "conversation_parts": parts}))
    assert [t.speaker for t in found.turns if t.kind == "message"] == ["bot", "bot"]
    assert any("1 of 600 parts" in warning for warning in found.metadata["warnings"])
