"""Families of words decide whether a pattern is tried at all: never where it would have found something."""

from __future__ import annotations

import re

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

import servicequal as sq
from servicequal import families
from servicequal.normal import align
from servicequal.rules import View, common_sense, flexibility, problem_solving

WORDS = sorted({word for words in families.WORDS.values() for word in words})
GLUE = ["", "😀", "é", "@x.org", "#1", "'s", "s", "1", "123", "<", "$5", "\u200b", "ß", "_", "-", "."]
PIECE = st.one_of(
    st.sampled_from(WORDS), st.sampled_from(["12345", "1a2b3", "12", "a@b.c", "you", "i", "the", "it", "so"])
)
SAID = st.lists(st.tuples(PIECE, st.sampled_from(GLUE), st.sampled_from([" ", " ", "", ". ", "? "])), max_size=12).map(
    lambda parts: "".join(a + b + c for a, b, c in parts)
)
TEXTS = st.one_of(SAID, st.text())


def matching(source: str):
    """Texts that hold what a pattern looks for, whatever stands around it."""
    found = st.from_regex(re.compile(source, re.ASCII), fullmatch=True)
    return st.tuples(SAID, found, st.sampled_from(GLUE), SAID).map(
        lambda parts: f"{parts[0]} {parts[1]}{parts[2]} {parts[3]}"
    )


@given(TEXTS)
@example("postcode😀")
@example("")
def test_the_flags_of_a_turn_are_the_families_of_its_words(text):
    form = align(text)
    expected = 0
    for word in form.words:
        expected |= families.of(word)
    assert form.flags == expected


@given(TEXTS)
def test_figures_and_addresses_are_told_by_characters(text):
    form = align(text)
    figures = any(sum(c in "0123456789" for c in word) >= 3 for word in form.words)
    assert bool(form.flags & families.FIGURES) == figures
    assert bool(form.flags & families.ADDRESS) == ("@" in form.text)


def test_a_long_word_has_families_too():
    assert families.of("order" + "é" * 100_000) == families.ORDER
    assert families.of("1" * 100_000) == families.FIGURES


@given(st.one_of(TEXTS, matching(flexibility._RECKLESS)))
@example("name your price😀")
@example("you will never need to come back here again")
def test_whoever_promises_without_measure_says_words_of_its_families(text):
    form = align(text)
    said = re2.search(flexibility._RECKLESS, form.text) is not None
    assert flexibility.is_reckless(form.flags, form.text) == said


@pytest.mark.parametrize("kind", common_sense._DETAILS)
@given(data=st.data())
def test_a_detail_is_asked_for_and_given_with_words_of_its_family(kind, data):
    named = st.from_regex(re.compile(common_sense._DETAILS[kind], re.ASCII), fullmatch=True)
    asked = st.tuples(st.sampled_from(["can you give me your", "and the", "please send it,"]), named).map("".join)
    text = data.draw(st.one_of(TEXTS, st.tuples(asked, st.sampled_from(GLUE), st.just(" ? 12345"), SAID).map("".join)))
    form = align(text)
    patterns = common_sense._ASKED.items()
    wanted = next((k for k, p in patterns if re2.search(p, form.text)), None)
    assert common_sense.wanted(form.flags, form.text) == wanted
    assert common_sense.details(form.flags, form.text, kind) == given_plainly(form.text, kind)
    assert common_sense.details(form.flags, form.text, None) == given_plainly(form.text, None)


def given_plainly(normal: str, asked: str | None) -> list[str]:
    """The kinds of detail in a turn, every pattern tried."""
    kinds = []
    if re2.search(r" [^ ]*[0-9][^ ]*[0-9][^ ]*[0-9]", normal):
        kinds += [kind for kind, p in common_sense._DETAILS.items() if kind == asked or re2.search(p, normal)]
    if "email" not in kinds and re2.search(r"@[^ ]+ [.] [a-z]", normal):
        kinds.append("email")
    return kinds


@given(st.text("@a. 1é", max_size=30))
@example("write to me@example.org")
@example("@ . a")
@example("a@@b@.c")
@example("@" * 100_000)
def test_an_address_is_told_without_its_pattern(text):
    normal = align(text).text
    assert common_sense._gives_address(normal) == (re2.search(r"@[^ ]+ [.] [a-z]", normal) is not None)


@given(st.one_of(TEXTS, matching(problem_solving._PROMISE)))
@example("you saidthat")
@example("I was promised😀 it")
def test_whoever_comes_back_to_a_promise_says_one_of_its_words(text):
    normal = align(text).text
    assert problem_solving.mentions_promise(normal) == (re2.search(problem_solving._PROMISE, normal) is not None)


OPENING = (
    r"(?:^|[.:] )(?: (?:and|so|but|okay|right|well|then|yes|no|yeah|hi|hello|please))*"
    r" (?:what|when|where|who|why|how|which|can|could|do|does|did|is|are|will|would|should|have|has|any)"
    r" (?:i|you|we|it|there|that|this|the|my|they|he|she|your|about|much|many|long|soon|come|do|is|are|time|day"
    r"|happens|am|was|else|chance|news|idea|update)\b"
)


@given(st.one_of(TEXTS, matching(OPENING), st.from_regex(re.compile(OPENING), fullmatch=True)))
@example("so what about😀")
@example("Can you")
@example("can youth")
@example("and and")
def test_a_turn_that_opens_like_a_question_is_one(text):
    conversation = sq.Conversation(id="q", turns=(sq.Turn(speaker="customer", text=text),))
    form = align(text)
    asks = " ?" in form.text or re2.search(OPENING, form.text) is not None
    assert View(conversation, ()).questions() == ([0] if asks and not text.isspace() and text else [])
