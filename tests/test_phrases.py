"""The phrase language: what each mark matches, what is refused and why; and the sieve, which may lose nothing."""

from __future__ import annotations

import random

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from servicequal.errors import PackError
from servicequal.normal import align
from servicequal.packs import builtin_macros, macros_for
from servicequal.phrases import Compiler, compile_phrase, pattern_of
from servicequal.sieve import LONGEST, Sieve

MACROS = {"us": ["us", "our (team|depot)"], "cant": ["can't", "unable to"], "loop": ["{loop} x"], "open": ["(a b"]}


def matches(phrase: str, text: str) -> bool:
    shape = compile_phrase(phrase, MACROS)
    form = align(text)
    found = re2.search(pattern_of(shape), form.text) is not None
    for compiled in (True, False):
        scan = Sieve([shape], loose=[shape], compiled=compiled).scan(form.words)
        assert bool(scan.phrases()) is found, (phrase, form.text, compiled)
        assert scan.can(1) or not found
    return found


@pytest.mark.parametrize(
    ("phrase", "yes", "no"),
    [
        ("refund it", ["Refund it!", "REFUND, um, IT"], ["refund", "refunding it", "refund. It", "prerefund it"]),
        ("we're on it", ["were on it", "We’re on it", "we are on it"], ["we on it"]),
        ("(ring|call back) you", ["ring you", "call back you"], ["call you"]),
        ("we (do )?not", ["we not", "we do not", "we don't"], ["we never"]),
        ("any? news", ["news", "any news"], ["newsy"]),
        ("(very|so)? sorry", ["sorry", "very sorry", "so sorry"], ["sorrow"]),
        ("nothing to do with {us}", ["nothing to do with us", "nothing to do with our depot"], ["nothing to do with"]),
        ("{cant} help", ["cant help", "can't help", "cannot help", "unable to help"], ["can help"]),
        ("collect*", ["collect", "collected", "collections"], ["recollect"]),
        ("take _ away", ["take it away"], ["take away", "take it all away", "take. away"]),
        ("we .. call", ["we call", "we will then soon call"], ["we will then very soon call", "we will. call"]),
        ("we ... call", ["we a b c d e f g call"], ["we a b c d e f g h call"]),
        ("in # days", ["in 5 days", "in £5 days", "in 2.5 days", "in 10:30 days"], ["in five days"]),
        ("^ no", ["No.", "Well. No", "what? no"], ["oh no"]),
        ("that is it $", ["That's it.", "thats it", "that's it?"], ["that is it then"]),
        ("how come ?", ["how come?"], ["how come", "how come."]),
        ("note :", ["note: x"], ["note x"]),
        ("he's been", ["he's been", "hes been", "he has been"], ["he is being"]),
        ("£20 off", ["£20 off"], ["20 off"]),
        ("24/7 line", ["24/7 line", "24 7 line"], ["247 line"]),
    ],
)  # fmt: skip
def test_each_mark(phrase, yes, no):
    assert [t for t in yes if not matches(phrase, t)] == []
    assert [t for t in no if matches(phrase, t)] == []


@pytest.mark.parametrize(
    ("phrase", "reason"),
    [
        ("(ring you", r"'\(' without '\)'"),
        ("ring) you", r"'\)' without '\('"),
        ("ring {nobody}", r"no macro \{nobody\}.*cant.*us"),
        ("ring {us", r"no macro"),
        ("{loop} us", "refers to itself"),
        ("sorry 😀", "not a word or a mark"),
        ("a@b", "not a word or a mark"),
        ("um sorry", "filler"),
        ("", "empty"),
        ("very? so?", "optional"),
        ("(very?) sorry", "matches nothing"),
        ("(very|) sorry", "matches nothing"),
        (")? sorry", r"'\)' without|nothing before it"),
    ],
)
def test_errors_say_what_is_wrong_and_where(phrase, reason):
    with pytest.raises(PackError, match=reason) as caught:
        compile_phrase(phrase, MACROS)
    assert any(word in str(caught.value) for word in phrase.replace("(", " ").split()) or not phrase


# -- keys are necessary: whatever a phrase matches holds a key of every group -----------------------------

WORDS = st.sampled_from(
    ["refund", "parcel", "depot", "sorry", "we", "you", "it", "can't", "they're", "£5", "about", "thank", "zebra"]
)
GAP_WORDS = st.sampled_from(["velvet", "orange", "the"])


@st.composite
def phrase_and_text(draw, depth: int = 2):
    """A phrase, and a text that it should match."""
    phrase: list[str] = []
    text: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["word", "word", "prefix", "gap", "one", "number", "choice", "macro", "option"]))
        if kind == "word":
            word = draw(WORDS)
            phrase.append(word)
            text.append(word)
        elif kind == "prefix":
            phrase.append("collect*")
            text.append(draw(st.sampled_from(["collect", "collected"])))
        elif kind == "gap":
            phrase.append(draw(st.sampled_from(["..", "..."])))
            text += draw(st.lists(GAP_WORDS, max_size=3))
        elif kind == "one":
            phrase.append("_")
            text.append(draw(GAP_WORDS))
        elif kind == "number":
            phrase.append("#")
            text.append(draw(st.sampled_from(["7", "£20"])))
        elif kind == "macro":
            phrase.append("{us}")
            text.append(draw(st.sampled_from(["us", "our team", "our depot"])))
        elif depth:
            inner = [draw(phrase_and_text(depth - 1)) for _ in range(draw(st.integers(1, 3)))]
            marks = [p for p, _ in inner]
            optional = kind == "option" and draw(st.booleans())
            phrase.append(f"({'|'.join(marks)})" + ("?" if optional else ""))
            if not optional or draw(st.booleans()):
                text.append(draw(st.sampled_from([t for _, t in inner])))
    return " ".join(phrase) or "refund", " ".join(text) or "refund"


GLUED = st.sampled_from(
    ["refund#1", "the@", "£20", "20%", "café", "é", "2.5", "3x", "a", "b", "…", "?", ":", "_", "refunds"]
)


def longest(shape, normal: str) -> list[tuple[int, int]]:
    """RE2's own leftmost-longest matches, one behind the other."""
    options = re2.Options()
    options.longest_match = True
    pattern, found, at = re2.compile(pattern_of(shape), options), [], 0
    while match := pattern.search(normal, at):
        end = match.end() - match.group().endswith(" ")
        found.append((match.start(), end))
        at = max(end, at + 1)
    return found


@given(phrase_and_text(), st.lists(st.one_of(GAP_WORDS, GLUED), max_size=4), st.booleans())
def test_the_sieve_finds_whatever_a_phrase_matches_and_where(pair, around, compiled):
    phrase, text = pair
    try:
        shape = compile_phrase(phrase, MACROS)
    except PackError:
        return
    form = align(" ".join([*around, text, *around[::-1]]))
    wanted = longest(shape, form.text)
    scan = Sieve([shape], compiled=compiled).scan(form.words)
    assert scan.phrases() or not wanted, (phrase, form.text)
    places = scan.places(0)
    if places is not None:  # None: a phrase may end inside a word, RE2 has to say
        ends = [(form.starts[a] - 1, form.starts[b - 1] + len(form.words[b - 1])) for a, b in places]
        assert ends == wanted, (phrase, form.text)


def test_a_text_too_long_to_be_followed_is_judged_by_its_words_alone():
    shapes = [compile_phrase("refund it", MACROS), compile_phrase("call us", MACROS)]
    words = ["the", "refund", "it"] * LONGEST
    for compiled in (True, False):
        scan = Sieve(shapes, compiled=compiled).scan(words)
        assert scan.phrases() == [0]
        assert scan.places(0) is None


FAR = [
    compile_phrase(phrase, {})
    for phrase in (
        "a ... b",
        "^ a",
        "b $",
        "^ (a|c) .. d ?",
        "a .. (b|c d) ... e",
        "# ?",
        "(a|b c)? d _ e",
        "(a b|c ... d) (e|a a)?",
        "a ... b ... c ... d ... e",
        "d* : a",
    )
]
FARTHER = [*FAR, compile_phrase("a" + " ... b" * 8, {})]
WORDS_AND_MARKS = st.sampled_from(["a", "b", "c", "d", "e", "dd", "x", "y", ".", "?", ":", "5", "a#1"])


@given(st.lists(WORDS_AND_MARKS, max_size=12), st.integers(0, 130), st.booleans(), st.booleans())
def test_the_compiled_steps_find_the_same_however_long_the_text(words, filling, farther, again):
    shapes = FARTHER if farther else FAR
    text = ["x"] * filling + words + ["y"] * (130 - filling) + words * again
    steps, plain = (Sieve(shapes, loose=shapes, compiled=compiled) for compiled in (True, False))
    scan, plainly = steps.scan(text), plain.scan(text)
    assert set(scan.phrases()) >= set(plainly.phrases())
    for number in range(len(shapes)):
        places = scan.places(number)
        if places is not None:
            assert places == plainly.places(number)
            assert (number in scan.phrases()) == (number in plainly.phrases())
            assert scan.can(len(shapes) + number) == plainly.can(len(shapes) + number)
        assert scan.can(len(shapes) + number) or not plainly.can(len(shapes) + number)


def test_two_texts_at_once_do_not_disturb_each_other():
    sieve = Sieve([compile_phrase("refund it", MACROS), compile_phrase("call us", MACROS)])
    first, second = sieve.scan(["refund", "it"]), sieve.scan(["call", "us"])
    assert (first.phrases(), second.phrases(), first.can(0), second.can(0)) == ([0], [1], True, False)


def test_the_compiled_steps_are_used_where_they_are_installed():
    pytest.importorskip("servicequal._sieve", reason="installed without a compiler")
    assert type(Sieve([compile_phrase("refund it", MACROS)]).scan(["it"])).__name__ == "FastScan"


# -- the built-in phrases ------------------------------------------------------------------------------


class Sampler:
    """Writes texts that a phrase describes."""

    def __init__(self, macros, seed: int = 7) -> None:
        self._macros = macros
        self._random = random.Random(seed)

    def text(self, phrase: str) -> str:
        tokens = phrase.replace(")?", ") OPT ").replace("(", " ( ").replace("|", " | ").replace(")", " ) ").split()
        words, _ = self._sequence([p for t in tokens for p in self._split(t)], 0)
        return " ".join(words)

    @staticmethod
    def _split(token: str) -> list[str]:
        return [token[:-1], "OPT"] if len(token) > 1 and token.endswith("?") else [token]

    def _sequence(self, tokens: list[str], at: int) -> tuple[list[str], int]:
        words: list[str] = []
        while at < len(tokens) and tokens[at] not in ("|", ")"):
            if tokens[at] == "(":
                options = []
                while tokens[at] != ")":
                    option, at = self._sequence(tokens, at + 1)
                    options.append(option)
                item, at = self._random.choice(options), at + 1
            else:
                item, at = self._word(tokens[at]), at + 1
            if at < len(tokens) and tokens[at] == "OPT":
                item, at = self._random.choice([[], item]), at + 1
            words += item
        return words, at

    def _word(self, token: str) -> list[str]:
        if token.startswith("{"):
            return self.text(self._random.choice(self._macros[token.strip("{}")])).split()
        fixed = {"_": ["velvet"], "#": ["7"], "^": ["."], "$": ["."]}
        if token in ("..", "..."):
            return self._random.choice([[], [], ["velvet"], ["velvet", "orange"]])
        return fixed.get(token, [token.removesuffix("*")])


def test_every_built_in_phrase_can_match_and_the_sieve_lets_it_through(packs):
    shared = Compiler(builtin_macros())
    dead = []
    for pack in packs:
        compiler, sampler = Compiler(pack.macros, shared), Sampler(macros_for(pack, builtin_macros()))
        phrases = (*pack.phrases, *pack.unless, *pack.unless_turn)
        shapes = [compiler.compile(phrase) for phrase in phrases]
        sieve = Sieve(shapes)
        for number, (phrase, shape) in enumerate(zip(phrases, shapes, strict=True)):
            pattern = re2.compile(pattern_of(shape))
            alive = 0
            for _ in range(30):
                form = align(sampler.text(phrase))
                if pattern.search(form.text):
                    alive += 1
                    assert number in sieve.scan(form.words).phrases(), (pack.cue, phrase, form.text)
                if alive > 2:
                    break
            if not alive:
                dead.append(f"{pack.cue}: {phrase}")
    assert not dead, "phrases that match nothing anybody could write:\n" + "\n".join(dead)
