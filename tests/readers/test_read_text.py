"""Plain-text transcripts: every line pattern, and what must not begin a turn."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicequal.readers import Roles, read
from servicequal.readers.plain_text import parse_transcript


def turns(text, **own):
    found = parse_transcript(text, Roles.of(own or None))
    return [(str(said.label), said.text) for said in found.turns]


def starts(text):
    return [None if said.start is None else said.start.seconds for said in parse_transcript(text, Roles()).turns]


def test_colons_inside_speech_do_not_begin_a_turn():
    text = "AGENT: hi\nCUSTOMER: The error says: refused\nat 10:30 AM\n503: gone\nAGENT: ok"
    assert turns(text) == [
        ("AGENT", "hi"),
        ("CUSTOMER", "The error says: refused\nat 10:30 AM\n503: gone"),
        ("AGENT", "ok"),
    ]


def test_numbered_lists_and_blank_lines_stay_inside_a_turn():
    text = "Agent: Try this:\n1. Restart: wait\n2. Plug in\n\n3. Ring us\nCaller: ok"
    assert turns(text) == [
        ("Agent", "Try this:\n1. Restart: wait\n2. Plug in\n\n3. Ring us"),
        ("Caller", "ok"),
    ]


def test_the_same_label_twice_is_two_turns():
    assert turns("Agent: one\nAgent: two\nCustomer: three") == [
        ("Agent", "one"),
        ("Agent", "two"),
        ("Customer", "three"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[00:00:05] Agent: a\n[00:01:09] Customer: b", [5, 69]),
        ("[06:59:755] Customer: a\n[07:01:002] Agent: b", [419.755, 421.002]),
        ("Agent (00:01): a\nCustomer (00:04): b", [1, 4]),
        ("Agent [0:09]: a\nCustomer 00:12: b", [9, 12]),
        ("00:05 - Agent: a\n00:09 - Customer: b", [5, 9]),
        ("0:05 - 0:09 Agent: a\n0:10 --> 0:12 Customer: b", [5, 10]),
        ("00:05 | Agent | a\n00:07 | Customer | b", [5, 7]),
        ("[0:01]\nAgent: a\n[0:02]\nCustomer: b", [1, 2]),
        ("16:55:50,AGENT,Ann,a\n16:55:58,CUSTOMER,Bob,b", [60950, 60958]),
        ("Dana Reyes  0:05\na\n\nMark Webb  0:12\nb\n\nDana Reyes  0:20\nc", [5, 12, 20]),
    ],
)
def test_times_before_and_after_the_label(text, expected):
    assert starts(text) == expected
    assert [words for _, words in turns(text)] == ["a", "b", "c"][: len(expected)]


def test_dates_become_seconds_from_the_start(tmp_path):
    file = tmp_path / "c.txt"
    file.write_text("[2025-12-18 16:55:50] <Agent> hi\n[2025-12-18 16:55:59] <Customer> yo\n")
    (found,) = read(file)
    assert [turn.start for turn in found.turns] == [0.0, 9.0]
    assert found.metadata["started_at"] == "2025-12-18T16:55:50"
    assert [turn.speaker for turn in found.turns] == ["agent", "customer"]


def test_markdown_labels_and_header(tmp_path):
    file = tmp_path / "call7.txt"
    file.write_text("**Call Transcript**\nDate: today\n\n**Agent:** Hi\n\n**Customer**: yo\n")
    (found,) = read(file)
    assert found.id == "call7"
    assert [(turn.speaker, turn.text) for turn in found.turns] == [("agent", "Hi"), ("customer", "yo")]
    assert found.metadata["header"] == "**Call Transcript**\nDate: today"


def test_header_lines_that_name_the_sides():
    found = parse_transcript("Agent: Dana Reyes\nCustomer: Mark\n\nDana: Hi\nMark: yo\nDana: bye", Roles())
    assert [(said.label, said.role) for said in found.turns] == [
        ("Dana", "agent"),
        ("Mark", "customer"),
        ("Dana", "agent"),
    ]


def test_wrapping_quotes_go_and_quotes_inside_stay():
    text = 'Agent: "Hello"\nCustomer: I said "no"\nAgent: "yes" and "no"'
    assert turns(text) == [("Agent", "Hello"), ("Customer", 'I said "no"'), ("Agent", '"yes" and "no"')]
    assert turns('"""\nAgent: hi\nCustomer: yo\n"""') == [("Agent", "hi"), ("Customer", "yo")]


def test_names_count_when_seen_twice_or_when_every_line_is_labelled():
    assert turns("Royalle G: a\nAgent: b\nand c: d\nRoyalle G: e") == [
        ("Royalle G", "a"),
        ("Agent", "b\nand c: d"),
        ("Royalle G", "e"),
    ]
    assert [label for label, _ in turns("Alice: hi\nBob: yo\nAlice: bye")] == ["Alice", "Bob", "Alice"]


def test_lists_inside_a_turn_are_no_speakers():
    text = "Agent: The bill\nSubtotal: 5\nContact: a@b.c\n- Customer: John\nCustomer: ok\n"
    text += "Agent: so\nSubtotal: 5\nCustomer: yes"
    assert [label for label, _ in turns(text)] == ["Agent", "Customer", "Agent", "Customer"]


def test_labels_inside_one_line():
    text = "Agent: Hello. Customer: The error says: no. Agent: OK. Customer: bye"
    assert turns(text) == [
        ("Agent", "Hello."),
        ("Customer", "The error says: no."),
        ("Agent", "OK."),
        ("Customer", "bye"),
    ]


def test_without_labels_nobody_is_guessed(tmp_path):
    file = tmp_path / "x.txt"
    file.write_text("Hello, how can I help? I want my parcel. Sure.")
    (found,) = read(file)
    assert [turn.speaker for turn in found.turns] == ["unknown"]
    assert "no speaker labels" in found.metadata["warnings"][0]


def test_a_mapped_label_needs_no_second_time(tmp_path):
    file = tmp_path / "x.txt"
    file.write_text("Zoë Ní: hi\nyo: what\nBram: bye")
    (found,) = read(file, roles={"Zoë Ní": "agent", "bram": "customer"})
    assert [(turn.speaker, turn.text) for turn in found.turns] == [
        ("agent", "hi\nyo: what"),
        ("customer", "bye"),
    ]
    assert found.turns[0].speaker_id == "Zoë Ní"


WORDS = st.text(alphabet="abcdefgh ,.!?'é", min_size=1, max_size=40).map(str.strip).filter(bool)


@given(st.lists(st.tuples(st.sampled_from(["Agent", "Customer"]), WORDS), min_size=2, max_size=12))
def test_what_is_written_is_read(said):
    quoted = [words for _, words in said if words[0] in "'" and words[-1] in "'"]
    found = turns("\n".join(f"{label}: {words}" for label, words in said))
    assert quoted or found == said


@pytest.mark.parametrize(
    "text",
    [
        "Agent:" * 100_000,
        "[" * 300_000,
        "A: " * 100_000,
        "<a" * 200_000,
        "Agent: x\n" * 40_000,
        "00:" * 100_000,
        '"' * 300_000,
        "- * _ " * 60_000,
        "\n" * 300_000,
        "((((:" * 60_000,
    ],
)
def test_hostile_text_is_read_in_linear_time(text):
    begun = time.process_time()
    parse_transcript(text, Roles())
    assert time.process_time() - begun < 6


@given(st.text(alphabet="Agent:Customer[]()<>*-0123456789 \n\"'#|.,", max_size=300))
def test_any_text_is_read_without_an_exception(text):
    found = parse_transcript(text, Roles())
    assert all(isinstance(said.text, str) for said in found.turns)
