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

from dataclasses import dataclass

_BREAKS = ".!;?:…\n\r\u2028\u2029"
"""Ends of sentences and lines; each becomes a token of its own: '.', '?' or ':'."""

_DELETED = "'’‘ʼ`´′‛\u200b\u200c\u200d\ufeff\u00ad"
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


@dataclass(frozen=True, slots=True)
class Aligned:
    """A normal form and, for each of its tokens, where it stands in both texts.

    ``starts[i]`` is the offset of token *i* in ``text``; ``spans[i]`` are its characters in the original.
    """

    text: str
    starts: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Characters of the original that normal characters ``start`` to ``end`` came from."""
        from bisect import bisect_left, bisect_right

        first = max(bisect_right(self.starts, start + 1) - 1, 0)
        last = max(bisect_left(self.starts, end) - 1, first)
        return self.spans[first][0], self.spans[last][1]


def normalise(text: str) -> str:
    """The normal form: every token preceded by one space; '' where nothing is left.

    >>> normalise("We're, um, sorry – it isn't our fault!")
    ' we are sorry it is not our fault .'
    """
    if any(mark in text for mark in _ADDRESSES):
        return align(text).text
    out = _tokens(text.translate(_TABLE).split())
    return (" " + " ".join(out)) if out else ""


def align(text: str) -> Aligned:
    """The same normal form as :func:`normalise`, with the offsets of its tokens in the original."""
    raw, spans = _split(text)
    out: list[str] = []
    origin: list[int] = []
    for index, word in _expand(raw):
        out.append(word)
        origin.append(index)
    starts: list[int] = []
    at = 1
    for word in out:
        starts.append(at)
        at += len(word) + 1
    joined = (" " + " ".join(out)) if out else ""
    return Aligned(joined, tuple(starts), tuple(spans[i] for i in origin))


def _split(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """``text.translate(...).split()`` with the original extent of every piece."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    current: list[str] = []
    begin = end = 0
    addresses = _addresses(text)
    for at, char in enumerate(text):
        mapped = _TABLE.get(ord(char), char)
        if addresses and addresses[0][0] <= at:  # a web address is one word
            if at + 1 < addresses[0][1]:
                mapped = " xlink" if at == addresses[0][0] else None
            else:
                addresses.pop(0)
                mapped, end = None, at + 1
        for piece in mapped or "":
            if piece.isspace():
                if current:
                    words.append("".join(current))
                    spans.append((begin, end))
                    current = []
                continue
            if not current:
                begin = at
            current.append(piece)
            end = at + 1
    if current:
        words.append("".join(current))
        spans.append((begin, end))
    return words, spans


_ADDRESSES = ("http://", "https://", "www.", "HTTP", "WWW.")


def _addresses(text: str) -> list[tuple[int, int]]:
    """Where web addresses stand: from their beginning to the next white space."""
    found: list[tuple[int, int]] = []
    for mark in _ADDRESSES:
        at = text.find(mark)
        while at >= 0:
            end = next((i for i in range(at, len(text)) if text[i].isspace()), len(text))
            if end - at > 4:
                found.append((at, end))
            at = text.find(mark, end)
    found.sort()
    return [a for i, a in enumerate(found) if i == 0 or a[0] >= found[i - 1][1]]


def _tokens(raw: list[str]) -> list[str]:
    return [word for _, word in _expand(raw)]


def _expand(raw: list[str]) -> list[tuple[int, str]]:
    """Fillers out, abbreviations and contractions spelled out, stutters and repeated marks folded."""
    out: list[tuple[int, str]] = []
    kept = _without_fillers(raw)
    last = ""
    count = len(kept)
    for at, (index, word) in enumerate(kept):
        if word in _CONTEXT:
            long, followers = _CONTEXT[word]
            after = kept[at + 1][1] if at + 1 < count else ""
            if after in followers and not (word == "were" and _past(last, after)):
                word = long
        elif word[0].isdigit():
            word = _unglued(word)
        else:
            word = _WORDS.get(word, word)
        if word.startswith(("<link", "<url")):
            word = "xlink"
        if word == last:
            continue
        if last == "is" and word in _PARTICIPLES and out:
            out[-1] = (out[-1][0], "has")
        if " " in word:
            out.extend((index, part) for part in word.split())
            last = out[-1][1]
        else:
            out.append((index, word))
            last = word
    return out


def _without_fillers(raw: list[str]) -> list[tuple[int, str]]:
    """Words with their place, without fillers and without *you know* where it is one."""
    kept: list[tuple[int, str]] = []
    for index, word in enumerate(raw):
        if word in FILLERS:
            continue
        if word == "know" and len(kept) > 1 and kept[-1][1] in ("you", "u") and kept[-2][1] not in _FILLER_YOU_KNOW:
            kept.pop()
            continue
        kept.append((index, word))
    return kept


_UNITS = frozenset("am pm hr hrs hour hours min mins th st nd rd day days wk wks week weeks ish gb mb".split())


def _unglued(word: str) -> str:
    """*5pm*, *24hrs*, *12th* as two words; codes that begin with a figure stay whole."""
    unit = word.lstrip("0123456789")
    return f"{word[: -len(unit)]} {unit}" if unit in _UNITS else word


def _past(last: str, after: str) -> bool:
    """Whether *were* is the past tense here, and not *we're* without its apostrophe."""
    return last in _SUBJECTS or (after not in _ARE and last not in _OPENERS)
