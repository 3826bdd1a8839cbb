"""The phrase language of the packs: plain words, a few marks, compiled to linear-time patterns.

======================  ===============================================================================
``refund it``           these words, in any spelling the normal form folds (case, apostrophes, fillers)
``(a|b c)``             one of these
``word?``  ``(…)?``     may be missing
``{macro}``             any phrase of that macro (``_macros.yaml`` or the pack's own ``macros``)
``collect*``            a word that begins so
``_``                   any one word
``..``  ``...``         up to 3, up to 7 words of the same sentence
``#``                   a number, with or without a currency sign
``^``  ``$``            start and end of a sentence
``?`` ``:`` alone       a question mark, a colon
======================  ===============================================================================

A phrase is matched against the normal form (:mod:`servicequal.normal`) by RE2, whose time is linear in the
text whatever the phrase: no transcript can make it slow.

Besides its pattern every phrase keeps its *shape*, the tree that it was written as: :mod:`servicequal.sieve` works out
from the shapes of all phrases at once which of them can be in a text, so that only those are located exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .errors import PackError
from .normal import CONTEXTUAL, FILLERS, normalise

Macros = Mapping[str, Sequence[str]]

Kind = Literal["words", "begins", "any", "gap", "number", "start", "end", "all", "one", "maybe"]

_WORD = r" [^ .?:]+"
_END_OF_WORD = r"(?:\b| |$)"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A piece of a phrase. ``words`` are its literal words (or the beginning of one); ``parts`` what it is made of:
    one after the other (*all*), alternatives (*one*) or the piece that may be missing (*maybe*). ``most`` is the
    length of a gap. ``empty`` says whether it can match nothing at all."""

    kind: Kind
    words: tuple[str, ...] = ()
    parts: tuple[Shape, ...] = ()
    most: int = 0
    empty: bool = False


_MARKS: Mapping[str, Shape] = {
    "_": Shape("any"),
    "..": Shape("gap", most=3, empty=True),
    "...": Shape("gap", most=7, empty=True),
    "#": Shape("number"),
    "^": Shape("start"),
    "$": Shape("end"),
    "?": Shape("words", ("?",)),
    ":": Shape("words", (":",)),
}
_PATTERNS: Mapping[Kind, str] = {
    "any": _WORD,
    "number": r" [£$€]?[0-9]+(?: [.:] [0-9]+)?",
    "start": "(?:^| [.?:])",
    "end": "(?: [.?:]|$)",
}


def pattern_of(shape: Shape) -> str:
    """The RE2 pattern of a whole phrase over the normal form."""
    return _pattern(shape) + _END_OF_WORD


def _pattern(shape: Shape) -> str:
    if shape.kind == "words":
        return "".join(f" {word}" for word in shape.words).replace("$", r"\$").replace("?", r"\?")
    if shape.kind == "begins":
        return f" {shape.words[0]}[^ ]*".replace("$", r"\$")
    if shape.kind == "gap":
        return f"(?:{_WORD}){{0,{shape.most}}}"
    if shape.kind == "maybe":
        return f"(?:{_pattern(shape.parts[0])})?"
    if shape.kind == "all":
        return "".join(map(_pattern, shape.parts))
    if shape.kind == "one":
        return f"(?:{'|'.join(map(_pattern, shape.parts))})"
    return _PATTERNS[shape.kind]


def compile_phrase(phrase: str, macros: Macros) -> Shape:
    """The shape of one phrase. Raises PackError where the phrase is not well formed."""
    return Compiler(macros).compile(phrase)


class Compiler:
    """Compiles phrases; every macro is worked out once.

    ``shared`` is a compiler whose macros these phrases may use besides their own: what it has worked out is not
    worked out again, unless ``macros`` redefines one of them.
    """

    def __init__(self, macros: Macros, shared: Compiler | None = None) -> None:
        apart = shared is not None and set(macros).isdisjoint(shared.macros)
        self._shared = shared if apart else None
        self.macros: Macros = macros if apart or shared is None else {**shared.macros, **macros}
        self._known: dict[str, Shape] = {}

    def compile(self, phrase: str) -> Shape:
        """The shape of one phrase. Raises PackError where the phrase is not well formed."""
        tokens = _lex(phrase)
        shape, rest = self._sequence(tokens, 0, phrase)
        if rest != len(tokens):
            raise PackError(f"phrase {phrase!r}: ')' without '('")
        if shape.kind == "all" and not shape.parts:
            raise PackError(f"phrase {phrase!r}: empty")
        if shape.empty:
            raise PackError(f"phrase {phrase!r}: matches nothing at all, every part of it is optional")
        return shape

    def _sequence(self, tokens: list[str], at: int, phrase: str) -> tuple[Shape, int]:
        items: list[Shape] = []
        while at < len(tokens) and tokens[at] not in ("|", ")"):
            item, at = self._item(tokens, at, phrase)
            if at < len(tokens) and tokens[at] == "OPT":
                item, at = Shape("maybe", parts=(item,), empty=True), at + 1
            items.append(item)
        if len(items) == 1:
            return items[0], at
        return Shape("all", parts=tuple(items), empty=all(item.empty for item in items)), at

    def _item(self, tokens: list[str], at: int, phrase: str) -> tuple[Shape, int]:
        token = tokens[at]
        if token == "(":
            options: list[Shape] = []
            while True:
                option, at = self._sequence(tokens, at + 1, phrase)
                options.append(_something(option, phrase))
                if at >= len(tokens):
                    raise PackError(f"phrase {phrase!r}: '(' without ')'")
                if tokens[at] == ")":
                    return Shape("one", parts=tuple(options)), at + 1
        if token.startswith("{"):
            return self._macro(token, phrase), at + 1
        if token == "OPT":
            raise PackError(f"phrase {phrase!r}: '?' with nothing before it")
        return _literal(token, phrase), at + 1

    def _macro(self, token: str, phrase: str) -> Shape:
        name = token.strip("{}")
        if self._shared is not None and name not in self.macros:
            return self._shared._macro(token, phrase)
        if token != f"{{{name}}}" or name not in self.macros:
            raise PackError(f"phrase {phrase!r}: no macro {token}; known: {', '.join(sorted(self.macros))}")
        if name not in self._known:
            self._known[name] = _UNDER_WAY
            options: list[Shape] = []
            for alternative in self.macros[name]:
                tokens = _lex(alternative)
                option, rest = self._sequence(tokens, 0, alternative)
                if rest != len(tokens):
                    raise PackError(f"macro {token}: {alternative!r}: ')' without '('")
                options.append(_something(option, alternative))
            self._known[name] = Shape("one", parts=tuple(options))
        if self._known[name] is _UNDER_WAY:
            raise PackError(f"phrase {phrase!r}: macro {token} refers to itself")
        return self._known[name]


_UNDER_WAY = Shape("one")


def _something(option: Shape, phrase: str) -> Shape:
    if option.empty or (option.kind == "all" and not option.parts):
        raise PackError(f"{phrase!r}: an option that matches nothing ('words?' makes the whole word optional)")
    return option


def _lex(phrase: str) -> list[str]:
    for participle in ("been", "got", "gone", "taken", "become"):  # as the normal form reads them
        phrase = phrase.replace(f"'s {participle}", f" has {participle}")
    phrase = phrase.replace(")?", ") OPT ")
    for mark in "(|)":
        phrase = phrase.replace(mark, f" {mark} ")
    tokens: list[str] = []
    for part in phrase.split():
        if len(part) > 1 and part.endswith("?"):
            tokens += [part[:-1], "OPT"]
        else:
            tokens.append(part)
    return tokens


def _literal(token: str, phrase: str) -> Shape:
    shape = _word(token)
    if shape is None:
        raise PackError(f"phrase {phrase!r}: {token!r} is not a word or a mark of the phrase language")
    return shape


@lru_cache(maxsize=16384)
def _word(token: str) -> Shape | None:
    if token in _MARKS:
        return _MARKS[token]
    prefix = token.endswith("*")
    word = token[:-1] if prefix else token
    if word.lower() in FILLERS:
        raise PackError(f"{word!r} is a filler that the normal form leaves out; drop it from the phrase")
    bare = word.lower().replace("'", "")
    if "'" in word and bare in CONTEXTUAL:  # "we'll" is spelled out in a phrase whatever follows it
        normal = CONTEXTUAL[bare]
    elif prefix:
        normal = bare
    else:
        normal = normalise(word)[1:]
    if not normal or not all(c.isalnum() or c in " £$€" for c in normal):
        return None
    return Shape("begins" if prefix else "words", tuple(normal.split()))
