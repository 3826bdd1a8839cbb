"""Broken exports of every speech and call format: no foreign exception, no lost neighbour."""

from __future__ import annotations

import json
import random
from copy import deepcopy

import pytest
import voice_exports as made

from servicequal.conversation import Conversation
from servicequal.errors import Rejected
from servicequal.readers import read

CASES = [(name, i) for name, all_ in made.EXPORTS.items() for i in range(len(all_))]
STRANGE = [
    None,
    "",
    "x",
    0,
    -1,
    10**400,
    1e308,
    float("nan"),
    True,
    [],
    {},
    [None],
    [[]],
    {"a": 1},
    "\ud83d",
    "9" * 400,
]


def collected(file, **options):
    found = list(read(file, on_error="collect", **options))
    assert found
    for item in found:
        assert isinstance(item, (Conversation, Rejected))
        if isinstance(item, Conversation):
            Conversation.model_validate_json(item.model_dump_json())
        else:
            str(item).encode()
            assert "the reader failed" not in item.reason
    return found


def places(value):
    """Every container in a record with every key or index in it."""
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
def test_damaged_between_two_whole_ones(tmp_path, name, number):
    chance = random.Random(f"{name}{number}")
    whole = made.EXPORTS[name][number]
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps(whole))
    alone = [turn.text for item in collected(file) for turn in item.turns]
    for _ in range(50):
        broken = damaged(whole, chance)
        file.write_text("\n".join(json.dumps(value) for value in (whole, broken, whole)))
        found = [t.text for item in collected(file) if isinstance(item, Conversation) for t in item.turns]
        assert found[: len(alone)] == alone
        assert found[-len(alone) :] == alone
        file.write_text(json.dumps(broken))
        collected(file)
        collected(file, format=name)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_truncated(tmp_path, name, number):
    text = json.dumps([made.EXPORTS[name][number]] * 2)
    file = tmp_path / "x.json"
    for cut in range(1, len(text), max(1, len(text) // 40)):
        file.write_text(text[:cut])
        found = collected(file)
        if cut > len(text) // 2 + 1:
            assert isinstance(found[0], Conversation)
            assert isinstance(found[-1], Rejected)


@pytest.mark.parametrize("name", made.EXPORTS)
@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [[]], {"Transcript": 1}, {"results": []}])
def test_anything_under_a_format_that_was_named(tmp_path, name, value):
    file = tmp_path / "x.json"
    file.write_text(json.dumps(value))
    found = list(read(file, format=name, on_error="collect"))
    assert all(isinstance(item, Rejected) and "the reader failed" not in item.reason for item in found)
