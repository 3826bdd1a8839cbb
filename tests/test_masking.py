from __future__ import annotations

import pickle
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import servicequal as sq
from servicequal.masking import Masker, PersonalData, luhn, mask, personal_data, placeholder
from support import talk


def kinds(text: str) -> list[tuple[str, str]]:
    return [(p.kind, text[p.start : p.end]) for p in personal_data(text)]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("mail jo.smith+x@example.co.uk, please", "e-mail", "jo.smith+x@example.co.uk"),
        ("<jürgen.o'brien@büro.example>.", "e-mail", "jürgen.o'brien@büro.example"),
        ("it's john dot smith at gmail dot com", "e-mail", "john dot smith at gmail dot com"),
        ("call 07700 900123 today", "phone", "07700 900123"),
        ("on +44 (0)20 7946 0000.", "phone", "+44 (0)20 7946 0000"),
        ("0044 20 7946 0000", "phone", "0044 20 7946 0000"),
        ("(415) 555-0123", "phone", "(415) 555-0123"),
        ("415-555-0123", "phone", "415-555-0123"),
        ("06 12 34 56 78", "phone", "06 12 34 56 78"),
        ("you can reach my mobile, 4155550123", "phone", "4155550123"),
        ("oh seven seven double oh nine zero zero one two three", "phone", None),
        ("4111 1111 1111 1111 exp 12/27", "card", "4111 1111 1111 1111"),
        ("3782-822463-10005", "card", "3782-822463-10005"),
        ("three seven eight two eight two two four six three one triple zero five", "card", None),
        ("３７８２ ８２２４６３ １０００５", "card", "３７８２ ８２２４６３ １０００５"),
        ("pay DE89 3704 0044 0532 0130 00 now", "iban", "DE89 3704 0044 0532 0130 00"),
        ("gb82west12345698765432", "iban", "gb82west12345698765432"),
    ],
)
def test_personal_data_is_found_as_what_it_is(text, kind, words):
    assert kinds(text) == [(kind, words or text)]


@pytest.mark.parametrize(
    "text",
    [
        "order 4471220391",
        "your order number is 07700900123",
        "ref: 415-555-0123",
        "#0123456789",
        "AB-0123456789 or x0123456789 or 0123456789x",
        "4111 1111 1111 1112",  # fails Luhn
        "0000 0000 0000 0000",
        "DE89370400440532013001",  # fails mod 97
        "ZZ89370400440532013000",  # no such country
        "2026-11-22 10:15, 01/02/2026, 12.50, £1,234,567.89, 192.168.100.200",
        "2@1.50 each, see you @ 10",
        "one or two of three, at once",
    ],
)
def test_what_is_no_personal_data_stays(text):
    assert mask(text) == text


def test_two_numbers_side_by_side_are_two():
    assert [k for k, _ in kinds("07700 900123 07700 900456, 4111111111111111 5500000000000004")] == [
        "phone", "phone", "card", "card",
    ]  # fmt: skip


def test_the_placeholder_has_the_length_asked_for():
    for length in range(40):
        assert len(placeholder("e-mail", length)) == length
    assert mask("Write to jo@example.org.") == "Write to [e-mail······]."


def test_spans_point_to_the_same_words_after_masking():
    said = talk("c: I'm jo@example.org and my parcel never came.", "a: That's not our department, call 07700 900123.")
    masked = Masker("patterns").conversation(said)
    cue = next(m for m in sq.Scorer(model=False).score(said).cues if m.cue == "disowning")
    assert masked.text_at(cue.span) == cue.text
    assert masked.turns[1].text == "That's not our department, call [phone·····]."
    assert said.turns[1].text.endswith("900123.")


FRAGMENTS = (
    "jo@x.com|07700 900123|+44 20 7946 0000|4111111111111111|4111 1111 1111 1111|(415) 555-0123|GB82WEST12345698765432|"
    "DE89 3704 0044 0532 0130 00|phone|order|[phone··]|oh one two|at x dot com|+|(|@|-|.| |0|one|４|order 12|"
    "mobile 4155550123|/|_|·|\n|double"
).split("|")
PIECES = st.one_of(
    st.sampled_from(FRAGMENTS),
    st.text(alphabet="0123456789 .-+()@/abDE", max_size=12),
    st.text(max_size=5),
)
HOSTILE = st.lists(PIECES, max_size=14).map("".join)


@given(HOSTILE)
def test_masking_keeps_the_length_and_masking_twice_changes_nothing(text):
    once = mask(text)
    assert len(once) == len(text)
    assert mask(once) == once


@given(HOSTILE)
def test_what_is_found_is_in_order_apart_and_inside(text):
    at = 0
    for item in personal_data(text):
        assert at <= item.start < item.end <= len(text)
        at = item.end


@given(st.integers(10**12, 10**19 - 1).map(str).filter(lambda digits: not luhn(digits)))
def test_a_long_number_that_fails_luhn_is_no_card(digits):
    assert mask(f"It is {digits}.") == f"It is {digits}."


@given(st.from_regex(r"[A-Z]{2,4}-?[1-9][0-9]{4,9}", fullmatch=True), st.sampled_from(["order ", "ref. ", "It is "]))
def test_an_order_number_stays(number, before):
    assert mask(before + number) == before + number


def test_hostile_text_takes_no_longer_than_it_is_long():
    def took(text: str) -> float:
        began = time.process_time()
        mask(text)
        return time.process_time() - began

    for piece in ("1 ", "9" * 50, "a@", "a.", "(+", "0123-", "one ", "GB82 ", " at a dot", "+1", "0 ", "\u0664"):
        assert took(piece * (12_000 // len(piece))) < 3, piece
    assert luhn("4111111111111111")


def test_a_masker_is_picklable_and_names_what_it_looks_for():
    masker = pickle.loads(pickle.dumps(Masker("patterns")))
    assert masker.looks_for == ("e-mail", "phone", "card", "iban")
    assert masker.mask("jo@x.com") == "[e-mail]"
    with pytest.raises(sq.ServicequalError, match="use auto, patterns or presidio"):
        Masker("magic")  # type: ignore[arg-type]


def test_without_presidio_the_patterns_serve_and_asking_for_it_says_which_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    assert Masker("auto").looks_for == ("e-mail", "phone", "card", "iban")
    with pytest.raises(sq.MissingExtraError, match=r"servicequal\[mask\]"):
        Masker("presidio")


def test_presidio_without_a_pipeline_adds_ids_and_addresses_and_asks_no_network(monkeypatch):
    pytest.importorskip("presidio_analyzer")
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("masking went to the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    masker = Masker("presidio")
    text = "From 10.11.12.13, NINO AB123456C, jo@x.com"
    assert [p.kind for p in masker.spans(text)] == ["ip", "id", "e-mail"]
    assert len(masker.mask(text)) == len(text)
    assert masker.mask("x" * 60_000 + " 10.11.12.13").endswith("x [ip·······]")


def test_names_are_found_with_a_spacy_pipeline_that_is_there(tmp_path):
    pytest.importorskip("presidio_analyzer")
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Priya"}])
    nlp.to_disk(tmp_path / "names")
    masker = Masker("presidio", model=tmp_path / "names")
    assert masker.spans("I'm Priya.") == (PersonalData(4, 9, "name"),)
    assert masker.mask("I'm Priya.") == "I'm [nam]."
    with pytest.raises(sq.ServicequalError, match="no spaCy pipeline"):
        Masker("presidio", model="no_such_pipeline")
