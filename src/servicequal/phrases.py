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

Besides its pattern every phrase has *keys*: one or more groups of literal words, and of every group one must be
in any text that it matches. A single scan for all keys of all packs says which phrases are worth trying.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .errors import PackError
from .normal import CONTEXTUAL, FILLERS, normalise

Macros = Mapping[str, Sequence[str]]

_WORD = r" [^ .?:]+"
_GAPS = {"..": f"(?:{_WORD}){{0,3}}", "...": f"(?:{_WORD}){{0,7}}"}
_NUMBER = r" [£$€]?[0-9]+(?: [.:] [0-9]+)?"
_SPECIAL = {
    "_": _WORD,
    "#": _NUMBER,
    "^": "(?:^| [.?:])",
    "$": "(?: [.?:]|$)",
    "?": r" \?",
    ":": " :",
    **_GAPS,
}
_END_OF_WORD = r"(?:\b| |$)"
_MOST_KEYS = 24
_TELLING = 3.5
_COMMON = frozenset(
    [
        "a",
        "about",
        "all",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "get",
        "go",
        "got",
        "had",
        "has",
        "have",
        "he",
        "her",
        "here",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "just",
        "like",
        "me",
        "my",
        "no",
        "not",
        "now",
        "of",
        "off",
        "on",
        "one",
        "or",
        "our",
        "out",
        "she",
        "so",
        "some",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "to",
        "too",
        "up",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "which",
        "who",
        "will",
        "with",
        "would",
        "you",
        "your",
        "please",
        "sorry",
        "hi",
        "thanks",
        "thank",
        "know",
        "see",
    ]
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A phrase's RE2 pattern over the normal form, and its groups of keys (none: it has to be tried always)."""

    pattern: str
    keys: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Node:
    """A piece of a phrase: pattern text; every string it can be, if few; and groups of keys it cannot be without."""

    pattern: str
    exact: frozenset[str] | None = None
    groups: tuple[frozenset[str], ...] = ()


def compile_phrase(phrase: str, macros: Macros) -> Compiled:
    """The pattern and keys of one phrase. Raises PackError where the phrase is not well formed."""
    return Compiler(macros).compile(phrase)


class Compiler:
    """Compiles the phrases of one pack; every macro is worked out once."""

    def __init__(self, macros: Macros) -> None:
        self._macros = macros
        self._known: dict[str, _Node] = {}

    def compile(self, phrase: str) -> Compiled:
        """The pattern and keys of one phrase. Raises PackError where the phrase is not well formed."""
        return _compiled(phrase, self._macros, self._known)


def _compiled(phrase: str, macros: Macros, known: dict[str, _Node]) -> Compiled:
    tokens = _lex(phrase)
    node, rest = _sequence(tokens, 0, phrase, macros, known)
    if rest != len(tokens):
        raise PackError(f"phrase {phrase!r}: ')' without '('")
    if not node.pattern:
        raise PackError(f"phrase {phrase!r}: empty")
    if node.exact is not None and "" in node.exact:
        raise PackError(f"phrase {phrase!r}: matches nothing at all, every part of it is optional")
    keys = tuple(tuple(sorted(group)) for group in _chosen(node))
    return Compiled(node.pattern + _END_OF_WORD, keys)


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


def _sequence(tokens: list[str], at: int, phrase: str, macros: Macros, known: dict[str, _Node]) -> tuple[_Node, int]:
    items: list[_Node] = []
    while at < len(tokens) and tokens[at] not in ("|", ")"):
        item, at = _item(tokens, at, phrase, macros, known)
        if at < len(tokens) and tokens[at] == "OPT":
            exact = None if item.exact is None else item.exact | {""}
            item, at = _Node(f"(?:{item.pattern})?", exact), at + 1
        items.append(item)
    return _joined(items), at


def _item(tokens: list[str], at: int, phrase: str, macros: Macros, known: dict[str, _Node]) -> tuple[_Node, int]:
    token = tokens[at]
    if token == "(":
        options: list[_Node] = []
        while True:
            option, at = _sequence(tokens, at + 1, phrase, macros, known)
            options.append(_something(option, phrase))
            if at >= len(tokens):
                raise PackError(f"phrase {phrase!r}: '(' without ')'")
            if tokens[at] == ")":
                return _either(options), at + 1
    if token.startswith("{"):
        return _macro(token, phrase, macros, known), at + 1
    if token == "OPT":
        raise PackError(f"phrase {phrase!r}: '?' with nothing before it")
    return _literal(token, phrase), at + 1


def _macro(token: str, phrase: str, macros: Macros, known: dict[str, _Node]) -> _Node:
    name = token.strip("{}")
    if token != f"{{{name}}}" or name not in macros:
        raise PackError(f"phrase {phrase!r}: no macro {token}; known: {', '.join(sorted(macros))}")
    if name not in known:
        known[name] = _UNDER_WAY
        options: list[_Node] = []
        for alternative in macros[name]:
            tokens = _lex(alternative)
            option, rest = _sequence(tokens, 0, alternative, macros, known)
            if rest != len(tokens):
                raise PackError(f"macro {token}: {alternative!r}: ')' without '('")
            options.append(_something(option, alternative))
        known[name] = _either(options)
    if known[name] is _UNDER_WAY:
        raise PackError(f"phrase {phrase!r}: macro {token} refers to itself")
    return known[name]


def _literal(token: str, phrase: str) -> _Node:
    node = _word(token)
    if node is None:
        raise PackError(f"phrase {phrase!r}: {token!r} is not a word or a mark of the phrase language")
    return node


@lru_cache(maxsize=16384)
def _word(token: str) -> _Node | None:
    if token in _SPECIAL:
        return _Node(_SPECIAL[token])
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
    text = "".join(f" {part}" for part in normal.split())
    escaped = text.replace("$", r"\$")
    if prefix:
        return _Node(escaped + "[^ ]*", None, (frozenset({text}),))
    return _Node(escaped, frozenset({text}))


# -- keys --------------------------------------------------------------------------------------------


_UNDER_WAY = _Node("")


def _something(option: _Node, phrase: str) -> _Node:
    if not option.pattern or (option.exact is not None and "" in option.exact):
        raise PackError(f"{phrase!r}: an option that matches nothing ('words?' makes the whole word optional)")
    return option


def _either(options: Sequence[_Node]) -> _Node:
    """One of several: the union of what each of them cannot be without."""
    pattern = f"(?:{'|'.join(o.pattern for o in options)})"
    exact = None
    if all(o.exact is not None for o in options):
        exact = frozenset(s for o in options for s in o.exact or ())
    best = [_best(o) for o in options]
    union = frozenset(s for group in best for s in group or ())
    groups = (union,) if all(best) and "" not in union else ()
    return _Node(pattern, exact if exact is not None and len(exact) <= _MOST_KEYS else None, groups)


def _joined(items: Sequence[_Node]) -> _Node:
    """One after another: adjacent literals grow together; every run and every group of an item is a group."""
    if len(items) == 1:
        return items[0]
    groups: list[frozenset[str]] = []
    run: frozenset[str] = frozenset({""})
    whole: frozenset[str] | None = frozenset({""})
    for item in items:
        whole = _product(whole, item.exact)
        grown = _product(run, item.exact)
        if grown is None:
            groups += [run, *item.groups]
            grown = item.exact if item.exact is not None else frozenset({""})
        run = grown
    groups.append(run)
    solid = tuple(dict.fromkeys(g for g in groups if g and "" not in g))
    return _Node("".join(i.pattern for i in items), whole, solid)


def _product(left: frozenset[str] | None, right: frozenset[str] | None) -> frozenset[str] | None:
    if left is None or right is None or len(left) * len(right) > _MOST_KEYS:
        return None
    return frozenset(a + b for a in left for b in right)


def _groups(node: _Node) -> list[frozenset[str]]:
    """All groups of a node, the most telling first."""
    own = (node.exact,) if node.exact and "" not in node.exact else ()
    return sorted({*own, *node.groups}, key=lambda g: (-_telling(g), len(g), sorted(g)))


def _best(node: _Node) -> frozenset[str] | None:
    return next(iter(_groups(node)), None)


def _chosen(node: _Node) -> list[frozenset[str]]:
    """The most telling group; where that is a common word, the next two as well."""
    groups = _groups(node)
    return groups[:1] if groups and _telling(groups[0]) >= _TELLING else groups[:3]


def _telling(keys: frozenset[str]) -> float:
    """How rare the commonest key is, roughly: rare words count three, common ones one, many keys cost."""
    rarest = min(sum(1.0 if w in _COMMON else 3.0 for w in key.split()) for key in keys)
    return min(rarest, 9.0) - 0.01 * len(keys)
