"""The normal form of a turn: what phrases are matched against, with a way back to the original text.

People write *we're*, *we’re*, *were*, *We Are* and *um, we're*; the packs should have to say it once. The
normal form is lower case, has no apostrophes, spells contractions and chat abbreviations out, leaves
out spoken fillers, and keeps sentence ends as tokens of their own::

    "We're, um, sorry – it isn't our fault!"  ->  " we are sorry it is not our fault ."

Apostrophes are dropped *before* contractions are spelled out, so that text with straight, curly or no
apostrophes has the same normal form by construction. Every token knows the characters of the original
that it came from (:func:`align`), so a match always points back to exact words.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from . import families

_BREAKS = ".!;?:…\n\r\u2028\u2029"
"""Ends of sentences and lines; each becomes a token of its own: '.', '?' or ':'."""

_DELETED = "'’‘ʼ`´′‛\u200b\u200c\u200d\ufeff\u00ad"
QUOTES = {'"': '"', "“": "”", "„": "”", "«": "»"}
"""Signs that open a quotation, and those that close it."""
_SPACED = ',"“”„«»()[]{}-–—―/\\*_~^|+='


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {ord(c): None for c in _DELETED}
    table.update({ord(c): " " for c in _SPACED})
    table.update({ord(c): " . " for c in _BREAKS})
    table.update({ord("\n"): " ", ord("\r"): " ", ord("?"): " ? ", ord(":"): " : ", ord("&"): " and "})
    table.update({ord("<"): " <", ord(">"): "> ", ord("£"): " £", ord("$"): " $", ord("€"): " €"})
    table.update({ord("%"): " percent "})
    table.update({code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})
    return table


_TABLE = _table()
_FAST = {
    code: mapped if mapped is None or len(mapped) == 1 else mapped.strip()[:1] or " "
    for code, mapped in _TABLE.items()
    if code < 128 and chr(code) not in "&%"
}
_WIDER = tuple((mark, _TABLE[ord(mark)] or "") for mark in ".?:&%<>$")

FILLERS = frozenset(
    "um umm ummm uh uhh uhm er err erm ermm ehm hm hmm hmmm mm mmm mhm ah eh huh just really actually "
    "basically literally honestly obviously simply".split()
)
"""Left out of the normal form: they stand between the words that matter and carry nothing themselves."""

_WORDS: dict[str, str] = {
    # contractions (the apostrophe is already gone)
    "im": "i am", "ive": "i have", "youre": "you are", "youve": "you have", "youll": "you will",
    "youd": "you would", "weve": "we have", "theyre": "they are", "theyve": "they have",
    "theyll": "they will", "theyd": "they would", "itll": "it will", "itd": "it would", "its": "it is",
    "thats": "that is", "thatll": "that will", "thatd": "that would", "theres": "there is",
    "therell": "there will", "heres": "here is", "hes": "he is", "shes": "she is", "whos": "who is",
    "whats": "what is", "wheres": "where is", "whens": "when is", "hows": "how is", "whys": "why is",
    "lets": "let us", "cant": "can not", "cannot": "can not", "dont": "do not", "doesnt": "does not",
    "didnt": "did not", "wont": "will not", "wouldnt": "would not", "couldnt": "could not",
    "shouldnt": "should not", "isnt": "is not", "arent": "are not", "wasnt": "was not",
    "werent": "were not", "hasnt": "has not", "havent": "have not", "hadnt": "had not",
    "mustnt": "must not", "neednt": "need not", "aint": "is not", "shouldve": "should have",
    "couldve": "could have", "wouldve": "would have", "mustve": "must have", "somebodys": "somebody is",
    "someones": "someone is", "nobodys": "nobody is", "everythings": "everything is", "thisll": "this will",
    # chat and speech
    "u": "you", "ur": "your", "r": "are", "pls": "please", "plz": "please", "plss": "please",
    "thx": "thanks", "tnx": "thanks", "thanx": "thanks", "ty": "thank you", "gonna": "going to",
    "gunna": "going to", "wanna": "want to", "gotta": "got to", "dunno": "do not know",
    "lemme": "let me", "gimme": "give me", "cuz": "because", "cos": "because", "coz": "because",
    "bc": "because", "cause": "because", "tho": "though", "thru": "through", "abt": "about",
    "acct": "account", "acc": "account", "msg": "message", "tmrw": "tomorrow", "tmr": "tomorrow",
    "tomoz": "tomorrow", "tonite": "tonight", "yea": "yeah", "yep": "yes", "yup": "yes", "nah": "no",
    "nope": "no", "ok": "okay", "k": "okay", "info": "information", "asap": "as soon as possible",
    "rep": "representative", "reps": "representatives", "dept": "department", "amp": "and",
    "ain": "is", "nt": "not", "wud": "would", "cud": "could", "shud": "should", "dm": "direct message",
    "dms": "direct message", "idk": "i do not know", "btw": "by the way", "kindly": "please",
    # one spelling for both sides of the Atlantic
    "apologize": "apologise", "apologized": "apologised", "apologizes": "apologises",
    "apologizing": "apologising", "realize": "realise", "realized": "realised", "recognize": "recognise",
    "organize": "organise", "organized": "organised", "authorize": "authorise",
    "authorized": "authorised", "prioritize": "prioritise", "prioritized": "prioritised",
    "favor": "favour", "center": "centre", "centers": "centres", "color": "colour",
    "canceled": "cancelled", "canceling": "cancelling", "traveling": "travelling",
    "labeled": "labelled", "inquiry": "enquiry", "inquiries": "enquiries", "inquire": "enquire",
    "program": "programme", "neighbor": "neighbour", "neighbors": "neighbours", "honor": "honour",
    "honored": "honoured", "licence": "license", "maam": "madam", "alright": "all right",
    "anymore": "any more", "sumthing": "something", "nothin": "nothing", "somethin": "something",
    "seperate": "separate", "recieve": "receive", "recieved": "received", "definately": "definitely",
    "tommorow": "tomorrow", "tommorrow": "tomorrow", "tomorow": "tomorrow", "appologies": "apologies",
    "appologise": "apologise", "sory": "sorry", "untill": "until", "wich": "which", "teh": "the",
    "recomend": "recommend", "adress": "address", "inconvinience": "inconvenience", "beleive": "believe",
    "ya": "you", "yall": "you all", "yous": "you", "ye": "you", "wasn": "was", "didn": "did",
}  # fmt: skip

_VERBS = frozenset(
    "be get look see contact let take have need call send check pass do make try give keep ask find go "
    "come put sort fix raise log email ring write update start want always also never certainly "
    "definitely gladly happily not still only even then now advise follow escalate arrange replace refund "
    "provide respond reply resolve know show tell help assist reach work investigate review forward "
    "process book stay leave notify inform text issue offer add open close stop run talk speak share "
    "message direct honour cancel credit waive transfer connect confirm chase hold bring forget explain "
    "post drop pop swap collect deliver note feed report walk handle personally happily gladly double "
    "probably maybe likely absolutely surely soon all both have".split()
)
_WOULD = frozenset(
    "like love suggest recommend advise say rather be have need hope prefer imagine expect go try do "
    "appreciate want ask say guess think assume give get take never not happily gladly also always still "
    "only better call ring check contact allow bet sooner probably".split()
)
_ARE = frozenset(
    "sorry unable aware happy glad delighted pleased sad disappointed talking working looking trying "
    "having getting seeing experiencing investigating checking waiting hoping asking making truly "
    "sincerely committed afraid extremely unaware confident dealing awaiting continuing expecting "
    "actively constantly reviewing processing conducting deeply only not".split()
)
_ARE_AT_START = _ARE | frozenset(
    "always currently here still all both very so going doing taking closed open at on in under now also "
    "never limited unfortunately using running sending calling giving bound required obliged allowed "
    "already closely fully about the a an no to missing losing able".split()
)
_OPENERS = frozenset(". ? : and but so because as if while that".split()) | {""}
_CONTEXT: dict[str, tuple[str, frozenset[str]]] = {
    "well": ("we will", _VERBS - {"do", "have", "so"}),
    "ill": ("i will", _VERBS),
    "hell": ("he will", _VERBS),
    "shell": ("she will", _VERBS),
    "id": ("i would", _WOULD),
    "wed": ("we would", _WOULD),
    "hed": ("he would", _WOULD),
    "were": ("we are", _ARE_AT_START),
}
"""Contractions that are other words without their apostrophe: spelled out where the next word says so."""

CONTEXTUAL: dict[str, str] = {short: long for short, (long, _) in _CONTEXT.items()}

_SUBJECTS = frozenset(
    "they you we there these those who which i he she it people things orders when how why where what".split()
)
_PARTICIPLES = frozenset("been got gone taken become had".split())
_FILLER_YOU_KNOW = frozenset(
    "let if do did dont as would should how when what will so to before that not lets can could once "
    "make letting".split()
)


class Aligned:
    """A normal form and, for each of its tokens, where it stands in both texts.

    ``words[i]`` is token *i*, ``starts[i]`` its offset in ``text`` and ``spans[i]`` its characters in the original;
    both are worked out when first asked for: most turns hold nothing that has to be shown. Never changed once made.
    """

    __slots__ = ("_flags", "_places", "_spans", "_starts", "source", "text", "words")

    def __init__(self, source: str, words: list[str], places: list[int]) -> None:
        self.text = (" " + " ".join(words)) if words else ""
        self.words = words
        self._places = places
        self.source = source
        self._starts: list[int] | None = None
        self._spans: list[tuple[int, int]] | None = None
        self._flags: int | None = None

    @property
    def flags(self) -> int:
        """The families (:mod:`servicequal.families`) that words of this turn are of, as bits."""
        if self._flags is None:
            self._flags = reduce(or_, map(families.of, self.words), 0)
        return self._flags

    @property
    def starts(self) -> list[int]:
        """The offset of every token in ``text``."""
        if self._starts is None:
            self._starts = []
            at = 1
            for word in self.words:
                self._starts.append(at)
                at += len(word) + 1
        return self._starts

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The characters of the original that every token came from."""
        if self._spans is None:
            pieces = _extents(self.source)
            self._spans = [pieces[place] for place in self._places]
        return self._spans

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Characters of the original that normal characters ``start`` to ``end`` came from."""
        starts = self.starts
        first = max(bisect_right(starts, start + 1) - 1, 0)
        last = max(bisect_left(starts, end) - 1, first)
        spans = self.spans
        return spans[first][0], spans[last][1]


def normalise(text: str) -> str:
    """The normal form: every token preceded by one space; '' where nothing is left.

    >>> normalise("We're, um, sorry – it isn't our fault!")
    ' we are sorry it is not our fault .'
    """
    return align(text).text


def align(text: str) -> Aligned:
    """The normal form with the way back from its tokens to the original.

    Where the package was installed with a compiler, this is mostly an object of the same properties that was made by
    the compiled steps; what is rare takes these.
    """
    form: Aligned | None = _reader.align(text) if _reader else None
    return form or align_plainly(text)


def align_plainly(text: str) -> Aligned:
    """The same without the compiled steps, which are held to it."""
    return Aligned(text, *_expand(_pieces(text if _linkless(text) else _without_links(text, " xlink"))))


def _pieces(text: str) -> list[str]:
    """``text.translate(_TABLE).split()``; plain ASCII in the steps that Python does fastest."""
    if not text.isascii():
        return text.translate(_TABLE).split()
    text = text.translate(_FAST)
    for mark, spaced in _WIDER:
        if mark in text:
            text = text.replace(mark, spaced)
    return text.split()


# -- where the pieces stand in the original -----------------------------------------------------------

_LINK = re.compile(r"(?:https?://|www\.|HTTP|WWW\.)\S+")
_SHORTEST_LINK = 5
_ONE_CHARACTER = "\udc80"
"""Stands for each character of a web address while extents are sought: no text can hold it."""


def _linkless(text: str) -> bool:
    return "://" not in text and "www." not in text and "HTTP" not in text and "WWW." not in text


def _without_links(text: str, instead: str) -> str:
    """The text with ``instead`` for every web address; one character is repeated to the address's length."""

    def shown(found: re.Match[str]) -> str:
        if len(found[0]) < _SHORTEST_LINK:
            return found[0]
        return instead * len(found[0]) if len(instead) == 1 else instead

    return _LINK.sub(shown, text)


def _class(characters: str) -> str:
    return "".join(re.escape(c) for c in characters)


_MARKS = _BREAKS.replace("\n", "").replace("\r", "") + "&%"
_OPENING = "<£$€"
_INSIDE = rf"[^\s{_class(_SPACED + _MARKS + _OPENING)}>{_ONE_CHARACTER}]*"
_PIECE = re.compile(
    rf"[{_class(_MARKS)}]|{_ONE_CHARACTER}+|[{_class(_OPENING)}]{_INSIDE}>?"
    rf"|[^\s{_class(_SPACED + _MARKS + _OPENING + _DELETED)}>]{_INSIDE}>?|>"
)
"""A piece of ``text.translate(_TABLE).split()`` as it stands in the original, with deleted characters at its end."""


def _extents(text: str) -> list[tuple[int, int]]:
    """The original extent of every piece of the translated text."""
    plain = text if _linkless(text) else _without_links(text, _ONE_CHARACTER)
    found = [m.span() for m in _PIECE.finditer(plain)]
    return [
        (start, end) if plain[end - 1] not in _DELETED else (start, start + len(plain[start:end].rstrip(_DELETED)))
        for start, end in found
    ]


# -- words --------------------------------------------------------------------------------------------


def _expand(raw: list[str]) -> tuple[list[str], list[int]]:
    """Fillers out, abbreviations and contractions spelled out, stutters and repeated marks folded.

    The tokens, and for each the number of the raw word that it came from.
    """
    words: list[str] = []
    origin: list[int] = []
    kept, places = _without_fillers(raw)
    last = ""
    for at, word in enumerate(kept):
        if word in _PLAIN_OR_NOT or word[0] in _ODD:
            word = _spelled(word, last, kept[at + 1] if at + 1 < len(kept) else "")
        if word == last:
            continue
        if last == "is" and word in _PARTICIPLES:
            words[-1] = "has"
        if " " in word:
            parts = word.split()
            words += parts
            origin += [places[at]] * len(parts)
            last = parts[-1]
        else:
            words.append(word)
            origin.append(places[at])
            last = word
    return words, origin


_ODD = "0123456789<"
"""First characters of words that may have to be taken apart: figures and tags."""

_PLAIN_OR_NOT = frozenset(_WORDS) | frozenset(_CONTEXT)


def _spelled(word: str, last: str, after: str) -> str:
    """A word as the normal form spells it, between its neighbours."""
    if word in _CONTEXT:
        long, followers = _CONTEXT[word]
        if after in followers and not (word == "were" and _past(last, after)):
            word = long
    elif word[0].isdigit():
        word = _unglued(word)
    else:
        word = _WORDS.get(word, word)
    return "xlink" if word.startswith(("<link", "<url")) else word


def _without_fillers(raw: list[str]) -> tuple[list[str], Sequence[int]]:
    """Words and their places, without fillers and without *you know* where it is one."""
    kept = [word for word in raw if word not in FILLERS]
    if "know" in kept:
        return _without_you_know(raw)
    if len(kept) == len(raw):
        return kept, range(len(raw))
    return kept, [place for place, word in enumerate(raw) if word not in FILLERS]


def _without_you_know(raw: list[str]) -> tuple[list[str], list[int]]:
    kept: list[str] = []
    places: list[int] = []
    for place, word in enumerate(raw):
        if word in FILLERS:
            continue
        if word == "know" and len(kept) > 1 and kept[-1] in ("you", "u") and kept[-2] not in _FILLER_YOU_KNOW:
            kept.pop()
            places.pop()
            continue
        kept.append(word)
        places.append(place)
    return kept, places


_UNITS = frozenset("am pm hr hrs hour hours min mins th st nd rd day days wk wks week weeks ish gb mb".split())


def _unglued(word: str) -> str:
    """*5pm*, *24hrs*, *12th* as two words; codes that begin with a figure stay whole."""
    unit = word.lstrip("0123456789")
    return f"{word[: -len(unit)]} {unit}" if unit in _UNITS else word


def _past(last: str, after: str) -> bool:
    """Whether *were* is the past tense here, and not *we're* without its apostrophe."""
    return last in _SUBJECTS or (after not in _ARE and last not in _OPENERS)


# -- the compiled steps -------------------------------------------------------------------------------

_FILLER, _YOU, _KNOW, _NOT_BEFORE_YOU_KNOW, _WERE, _SUBJECT, _IS_ARE, _OPENER, _PARTICIPLE, _IS, _MARK = (
    1 << bit for bit in range(11)
)
_TRAITS: tuple[tuple[int, frozenset[str]], ...] = (
    (_FILLER, FILLERS),
    (_YOU, frozenset(("you", "u"))),
    (_KNOW, frozenset(("know",))),
    (_NOT_BEFORE_YOU_KNOW, _FILLER_YOU_KNOW),
    (_WERE, frozenset(("were",))),
    (_SUBJECT, _SUBJECTS),
    (_IS_ARE, _ARE),
    (_OPENER, _OPENERS - {""}),
    (_PARTICIPLE, _PARTICIPLES),
    (_IS, frozenset(("is",))),
    (_MARK, frozenset(".?:")),
)
"""What the compiled steps have to know of a word, by bits."""

_PLAIN, _UPPER, _DELETE, _SPACE, _QUOTE, _OPENS, _CLOSES, _LINKING, _UPPER_LINKING, _RARE = range(10)
_FIRST_ALONE = 16
_MOST_WORDS = 50_000
"""Words that the compiled steps keep at hand; then they begin anew."""


def _about(word: str) -> tuple[int, int, int, int, tuple[str, ...]]:
    """A raw word's traits, its families, the number of the contraction that it may be (from 1), those whose next word
    it may be, and what it is spelled as if not as it stands."""
    traits = sum(bit for bit, words in _TRAITS if word in words)
    follows = sum(1 << at for at, (_, followers) in enumerate(_CONTEXT.values()) if word in followers)
    context = list(_CONTEXT).index(word) + 1 if word in _CONTEXT else 0
    spelled = _CONTEXT[word][0] if context else _spelled(word, "", "")
    return traits, families.of(word), context, follows, tuple(spelled.split()) if spelled != word else ()


def _kinds() -> tuple[dict[int, int], list[str]]:
    """The kinds of the characters that are not plain, and the words that some are by themselves."""
    kinds = {ord(_ONE_CHARACTER): _RARE, ord("h"): _LINKING, ord("w"): _LINKING}
    alone: list[str] = []
    for code, mapped in _TABLE.items():
        stripped = (mapped or "").strip()
        if mapped is None:
            kinds[code] = _DELETE
        elif not stripped:
            kinds[code] = _QUOTE if chr(code) in QUOTES else _SPACE
        elif mapped == stripped:
            kinds[code] = _UPPER_LINKING if mapped in "hw" else _UPPER
        elif mapped == f" {chr(code)}":
            kinds[code] = _OPENS
        elif mapped == f"{chr(code)} ":
            kinds[code] = _CLOSES
        else:
            kinds[code] = _FIRST_ALONE + len(alone)
            alone.append(stripped)
    return kinds, alone


def compiled_reader() -> Any:
    """What :func:`align` asks first, or None where the package was installed without a compiler."""
    return _reader


def _compiled_reader(most: int = _MOST_WORDS) -> Any:
    """The compiled steps, or None where the package was installed without a compiler."""
    try:
        from . import _words
    except ImportError:
        return None
    told = (*(words for _, words in _TRAITS), *(followers for _, followers in _CONTEXT.values()))
    known = {*_PLAIN_OR_NOT, *families.BITS}.union(*told)
    return _words.Reader(*_kinds(), _about, known, (families.FIGURES, families.ADDRESS), most)


_reader = _compiled_reader()
