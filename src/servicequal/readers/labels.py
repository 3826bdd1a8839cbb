"""Speaker labels at the start of a line of a plain-text transcript.

Plain string code and patterns over at most 40 characters: linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from servicequal.readers.times import Moment, date_time, moment
from servicequal.readers.words import words

LONGEST_LABEL = 60
LABEL_WORDS = 4
_BARE_TIME = re.compile(
    r"(?:\d{4}-\d\d-\d\d[T ])?\d{1,3}:\d\d(?:[:.,]\d{2,3})?(?:[.,]\d{1,6})?"
    r"(?:Z|[+-]\d\d:?\d\d)?(?: ?[AaPp][Mm]\b)?"
)
_CLOSING = {"[": "]", "(": ")", "<": ">"}
_NO_NAMES = frozenset(
    words(
        "a an and another any as at because but by date email e-mail error example fact fyi for",
        "from hint http https id if important in info is issue it link mailto nb no not note",
        "notes now ok okay on one option or order other password phone please price problem ps",
        "question reason re reference regarding result so step subject summary that the then",
        "there these thing this time tip to total two update url warning was what when where",
        "which who why with yes you your cc bcc fwd sent address account name number ticket case",
        "status duration",
    )
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line that may begin a turn: the label as written, its time, and the words after it.

    ``style`` is ``colon``, ``bracket`` (``<Agent> …``, ``[Agent] …``), ``dash`` (``Agent - …``),
    ``comma`` (``16:55:50,AGENT,Name,…``), ``alone`` (``Dana Reyes  0:05``) or ``bullet``.
    """

    label: str
    text: str
    style: str
    time: Moment | None = None
    name: str | None = None


def leading_time(line: str) -> tuple[Moment | None, str]:
    """A time at the start of a line, in brackets or bare, and the rest of the line."""
    if line[:1] in _CLOSING:
        end = line.find(_CLOSING[line[0]], 1, 48)
        if end > 0 and (found := _as_time(line[1:end])) is not None:
            return found, _after_time(line[end + 1 :])
        return None, line
    match = _BARE_TIME.match(line[:48]) if line[:1].isdigit() else None
    if match is None or line[match.end() : match.end() + 1] not in ("", " ", "\t", ",", "-", "|"):
        return None, line
    found = _as_time(match.group())
    rest = line[match.end() :]
    while found is not None and (span := _range_end(rest)) is not None:
        rest = span
    return (found, _after_time(rest)) if found is not None else (None, line)


def _range_end(rest: str) -> str | None:
    """What follows the second time of ``0:05 - 0:09`` or ``0:05 --> 0:09``."""
    tail = rest[:12].lstrip(" ->–") if rest[:1] in (" ", "-") else ""
    dashed = "-" in rest[: len(rest[:12]) - len(tail)] or "–" in rest[: len(rest[:12]) - len(tail)]
    if not tail or not dashed or not tail[0].isdigit():
        return None
    start = len(rest[:12]) - len(tail)
    match = _BARE_TIME.match(rest[start : start + 48])
    return rest[start + match.end() :] if match else None


def _after_time(rest: str) -> str:
    if rest.startswith(","):
        return rest
    return rest.lstrip(" \t").lstrip("-–|").lstrip(" \t") if rest[:3].strip()[:1] in ("-", "–", "|") else rest.lstrip()


def _as_time(text: str) -> Moment | None:
    first = text.split("-->")[0].split(" - ")[0].strip()
    if ":" not in first:
        return None
    try:
        found = moment(first)
    except ValueError:
        try:
            found = date_time(first)
        except ValueError:
            return None
    return found if found is not None and found.kind != "offset" else None


def candidate(line: str) -> Candidate | None:
    """The label that a line may begin with, or None. Whether it is one, the whole text decides."""
    line = line.strip().lstrip("\ufeff")
    bullet = line[:2] in ("- ", "* ", "• ")
    if bullet:
        line = line[2:].lstrip()
    time, rest = leading_time(line)
    found = _labelled(rest, time)
    if found is None or not bullet:
        return found
    return Candidate(found.label, found.text, "bullet", found.time, found.name)


def _labelled(rest: str, time: Moment | None) -> Candidate | None:
    if rest.startswith(",") and time is not None:
        return _comma(rest[1:], time)
    plain = rest.lstrip("*_#").lstrip() if rest[:1] in "*_" else rest
    if plain[:1] in ("<", "["):
        return _bracketed(plain, time)
    return _colon(plain, time, emphasised=plain is not rest) or _dashed(plain, time) or _alone(plain, time)


def _comma(rest: str, time: Moment) -> Candidate | None:
    label, found, tail = rest.partition(",")
    if not found or not is_label(label):
        return None
    name, found, text = tail.partition(",")
    if found and is_label(name):
        return Candidate(label.strip(), text.strip(), "comma", time, name.strip())
    return Candidate(label.strip(), tail.strip(), "comma", time)


def _bracketed(line: str, time: Moment | None) -> Candidate | None:
    end = line.find(_CLOSING[line[0]], 1, LONGEST_LABEL + 2)
    label = line[1:end].strip() if end > 0 else ""
    if not is_label(label):
        return None
    text = line[end + 1 :].lstrip(" *")
    later, after = leading_time(text)
    if later is not None and time is None:
        time, text = later, after
    return Candidate(label, text.removeprefix(":").lstrip(" *"), "bracket", time)


def _colon(line: str, time: Moment | None, emphasised: bool) -> Candidate | None:
    at = -1
    for _ in range(6):
        at = line.find(":", at + 1, LONGEST_LABEL + 32)
        if at < 0:
            return None
        head = line[:at]
        if head[-1:].isdigit() and line[at + 1 : at + 3].isdigit():
            continue  # inside a clock
        if any(head.count(opening) > head.count(_CLOSING[opening]) for opening in "([<"):
            continue
        break
    text = line[at + 1 :]
    if text.startswith("//"):
        return None
    label, inner = _trailing_time(head.rstrip("*_ "))
    if emphasised or head.endswith(("*", "_")):
        text = text.lstrip("*_") if text[:2] in ("**", "__") or text[:1] in ("*", "_") else text
    return Candidate(label, text.strip(), "colon", time or inner) if is_label(label) else None


def _dashed(line: str, time: Moment | None) -> Candidate | None:
    for dash in (" - ", " – ", " — ", "> ", " > ", " | "):
        label, found, _ = line[: LONGEST_LABEL + 8].partition(dash)
        if found and is_label(label.strip()):
            return Candidate(label.strip(), line[len(label) + len(dash) :].strip(), "dash", time)
    return None


def _alone(line: str, time: Moment | None) -> Candidate | None:
    if len(line) > LONGEST_LABEL + 32:
        return None
    label, inner = _trailing_time(line)
    found = inner or time
    return Candidate(label, "", "alone", found) if found is not None and is_label(label) else None


def _trailing_time(head: str) -> tuple[str, Moment | None]:
    """``Agent (00:01)``, ``Agent [0:01]`` and ``Agent 00:01`` in label and time."""
    head = head.strip()
    for closing, opening in (("]", "["), (")", "(")):
        if head.endswith(closing) and (at := head.rfind(opening, -48)) > 0:
            found = _as_time(head[at + 1 : -1])
            return (head[:at].strip("*_ \t"), found) if found is not None else (head, None)
    label, _, tail = head.rpartition(" ")
    if tail[-2:].upper() in ("AM", "PM") and len(tail) == 2:
        label, _, hours = label.rpartition(" ")
        tail = f"{hours} {tail}"
    found = _as_time(tail) if label and tail[:1].isdigit() else None
    return (label.strip("*_-|, \t"), found) if found is not None else (head, None)


def is_label(text: str) -> bool:
    """True if the text could be a label at all: short, few words, with a letter, no sentence marks."""
    text = text.strip()
    if not 0 < len(text) <= LONGEST_LABEL or not any(c.isalnum() for c in text):
        return False
    bare = text.replace("(", " ").replace(")", " ").replace("[", " ").replace("]", " ")
    words = [word for word in bare.split() if any(c.isalnum() for c in word)]
    return len(words) <= LABEL_WORDS and all(c.isalnum() or c in " .'’-_()[]#&@/+\u00a0" for c in text)


def name_like(label: str) -> bool:
    """True if an unlisted label looks like somebody's name or handle, not like words of a sentence."""
    words = [w for w in label.replace("(", " ").replace(")", " ").split() if any(c.isalnum() for c in w)]
    if not words or not any(c.isalpha() for c in label):
        return False
    if any(word.strip(".'").casefold() in _NO_NAMES for word in words):
        return False
    return len(words) == 1 or all(not word[0].isalpha() or word[0].isupper() for word in words)
