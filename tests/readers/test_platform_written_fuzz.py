"""Broken exports of tickets, chats, corpora and e-mail: no foreign exception, no lost neighbour."""

from __future__ import annotations

import json
import random
from copy import deepcopy

import pytest
import written_exports as made

from servicequal.conversation import Conversation
from servicequal.errors import Rejected
from servicequal.readers import read

CASES = [(name, i) for name, all_ in made.JSON_EXPORTS.items() for i in range(len(all_))]
STRANGE = [None, "", "x", 0, -1, 10**400, 1e308, float("nan"), True, [], {}, [None], [[]], {"a": 1}]
STRANGE += ["\ud83d", "9" * 400, "<p", "( 1s ) x:", {"id": {}}]
WHOLE = {"id": "whole", "turns": [{"speaker": "agent", "text": "hi"}]}


def collected(file, **options):
    found = list(read(file, on_error="collect", **options))
    for item in found:
        assert isinstance(item, (Conversation, Rejected))
        if isinstance(item, Conversation):
            Conversation.model_validate_json(item.model_dump_json())
        else:
            str(item).encode()
            assert "the reader failed" not in item.reason
    return found


def places(value):
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(inner):
        yield value, key
        yield from places(item)


def damaged(record, chance):
    broken = deepcopy(record)
    for _ in range(chance.randint(1, 3)):
        spots = list(places(broken))
        if not spots:
            break
        holder, key = chance.choice(spots)
        if chance.random() < 0.4:
            del holder[key]
        else:
            holder[key] = deepcopy(chance.choice(STRANGE))
    return broken


@pytest.mark.parametrize(("name", "number"), CASES)
def test_damaged_records(tmp_path, name, number):
    chance = random.Random(f"{name}{number}")
    whole = made.JSON_EXPORTS[name][number]
    file = tmp_path / "x.json"
    for _ in range(60):
        file.write_text(json.dumps(damaged(whole, chance)))
        collected(file, format=name)
        assert collected(file)


@pytest.mark.parametrize(("name", "number"), [case for case in CASES if case[0] not in ("zendesk_tickets", "convokit")])
def test_damaged_between_two_whole_ones(tmp_path, name, number):
    chance = random.Random(f"between {name}{number}")
    whole = made.JSON_EXPORTS[name][number]
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps(whole))
    alone = [turn.text for item in collected(file) for turn in item.turns]
    for _ in range(40):
        broken = damaged(whole, chance)
        file.write_text("\n".join(json.dumps(value) for value in (whole, broken, whole)))
        found = [turn.text for item in collected(file) if isinstance(item, Conversation) for turn in item.turns]
        assert found[: len(alone)] == alone == found[-len(alone) :]


def test_damaged_records_of_mixed_conversations_cost_only_their_own(tmp_path):
    chance = random.Random(3)
    for name, rows, key in (
        ("zendesk_tickets", [{**c, "ticket_id": i} for i, c in enumerate(made.COMMENTS)], "ticket_id"),
        (
            "convokit",
            [{**u, "conversation_id": f"c{i}"} for i, u in enumerate(made.CONVOKIT)],
            "conversation_id",
        ),
    ):
        file = tmp_path / "x.jsonl"
        for _ in range(60):
            at = chance.randrange(len(rows))
            broken = damaged(rows[at], chance)
            file.write_text("\n".join(json.dumps(broken if i == at else row) for i, row in enumerate(rows)))
            found = {c.id for c in collected(file, format=name) if isinstance(c, Conversation)}
            others = {str(row[key]) for i, row in enumerate(rows) if i != at}
            assert others <= found


@pytest.mark.parametrize("name", made.TEXT_EXPORTS)
def test_damaged_text(tmp_path, name):
    chance = random.Random(name)
    file_name, text = made.TEXT_EXPORTS[name]
    file = tmp_path / file_name
    for _ in range(150):
        raw = bytearray(text.encode())
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(max(1, len(raw)))
            kind = chance.choice(("cut", "drop", "set", "add"))
            if kind == "cut":
                del raw[at:]
            elif kind == "drop":
                del raw[at : at + chance.randint(1, 9)]
            elif kind == "set" and raw:
                raw[at] = chance.randrange(256)
            else:
                raw[at:at] = chance.choice((b'"', b"\n", b",", b"<", b"\r", b"\0", b"\xff", b"From ", b": "))
        file.write_bytes(bytes(raw))
        collected(file)
        collected(file, format=name)


@pytest.mark.parametrize("name", made.TEXT_EXPORTS)
def test_cut_off_anywhere(tmp_path, name):
    file_name, text = made.TEXT_EXPORTS[name]
    file = tmp_path / file_name
    for at in range(0, len(text), 7):
        file.write_text(text[:at])
        collected(file, format=name)


@pytest.mark.parametrize(
    "body",
    [
        "On " * 100_000,
        "On 1 " + "a" * 200_000 + " wrote",
        ("On 1 May 2024 x\n" * 20_000),
        "From: x\n" * 50_000,
        "> " * 100_000,
        "<blockquote" * 50_000,
        '<div class="' * 50_000,
        "( 1s ) " * 50_000,
        "( 1h 1h 1h" * 30_000,
        "<p align=" * 50_000,
    ],
)
def test_nothing_hangs(tmp_path, body):
    file = tmp_path / "x.eml"
    file.write_text(made.mail("a@b.test", "09:00:00", body, "1@b", Content_Type="text/html"))
    collected(file)
    file.write_text(made.mail("a@b.test", "09:00:00", body, "1@b"))
    collected(file)
    page = tmp_path / "x.html"
    page.write_text(made.BODY + body)
    collected(page)
