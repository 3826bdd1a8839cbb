"""Personal data masked in text, character for character, so that every span still points to the same words.

A masked piece becomes a label in brackets, filled up with middle dots or cut short to the length that it had:
``jo@example.org`` becomes ``[e-mail······]``. Built in are patterns of linear time for e-mail addresses, phone
numbers, payment cards (Luhn) and IBANs (mod 97), written or spoken digit by digit. With the extra ``mask`` Presidio
looks too; names and places are found only where a spaCy pipeline is installed, and nothing is ever downloaded.

It finds a good part of such data, never all of it: masked text is less personal, not anonymous.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from .conversation import Conversation
from .errors import MissingExtraError, ServicequalError

Engine = Literal["auto", "patterns", "presidio"]


@dataclass(frozen=True, slots=True, order=True)
class PersonalData:
    """Characters ``start`` to ``end`` (end excluded) of a text, and what they are: ``e-mail``, ``phone``, ``card``,
    ``iban``; with Presidio also ``name``, ``place``, ``id`` and ``ip``."""

    start: int
    end: int
    kind: str


def mask(text: str) -> str:
    """The text with e-mail addresses, phone, card and bank account numbers masked, at the same length.

    Patterns alone. Pure, and masking twice changes nothing more.
    """
    return _replaced(text, personal_data(text))


class Masker:
    """Masks text and conversations. Build once; picklable.

    ``engine`` is ``patterns`` (built in), ``presidio`` (both), or ``auto``: Presidio if it is installed. ``model`` is
    a spaCy pipeline, by name or folder, for names and places; without it an installed ``en_core_web_*`` is used, and
    without one neither is found. Raises MissingExtraError for ``presidio`` where it is missing.
    """

    def __init__(self, engine: Engine = "auto", model: str | Path | None = None) -> None:
        if engine not in ("auto", "patterns", "presidio"):
            raise ServicequalError(f"masking engine {engine!r}: use auto, patterns or presidio")
        self.engine = engine
        self.model = model
        self._presidio = None if engine == "patterns" else _presidio(model, needed=engine == "presidio")

    def __reduce__(self) -> tuple[Any, ...]:
        return (Masker, (self.engine, self.model))

    @property
    def looks_for(self) -> tuple[str, ...]:
        """The kinds of personal data that this masker knows, so that a report can say so."""
        return _KINDS if self._presidio is None else (*_KINDS, *self._presidio.kinds)

    def spans(self, text: str) -> tuple[PersonalData, ...]:
        """What would be masked, in order, without overlaps."""
        found = personal_data(text)
        return found if self._presidio is None else _joined([*found, *self._presidio.find(text)])

    def mask(self, text: str) -> str:
        """The text, masked; it keeps its length in characters."""
        return _replaced(text, self.spans(text))

    def conversation(self, conversation: Conversation) -> Conversation:
        """The conversation with the text of every turn masked. Ids and metadata stay: mind them yourself."""
        turns = tuple(turn.model_copy(update={"text": self.mask(turn.text)}) for turn in conversation.turns)
        return conversation.model_copy(update={"turns": turns})


# -- the patterns --------------------------------------------------------------------------------------

_KINDS = ("e-mail", "phone", "card", "iban")
_EMAIL = r"([\pL\pN][\pL\pN._%+&'-]*@)((?:[\pL\pN-]+\.)+[\pL\pN-]+)"
_SPOKEN_EMAIL = (
    r"(?i)\b\w+(?: (?:dot|underscore|hyphen|dash) \w+)* at \w+(?: dot \w+)* "
    r"dot (?:com|org|net|co dot uk|co|uk|de|fr|es|it|nl|eu|ie|io|ca|au|in|edu|gov|info|biz|me)\b"
)
_IBAN_HEAD = r"(?i)\b[a-z]{2}[0-9]{2}"
_DIGIT_WORDS: Mapping[str, str] = MappingProxyType(
    dict(zip("zero one two three four five six seven eight nine oh nought".split(), "012345678900", strict=True))
)
_TIMES: Mapping[str, int] = MappingProxyType({"": 1, "double": 2, "triple": 3})
_WORD = rf"(?:(?:double|triple) )?(?:{'|'.join(_DIGIT_WORDS)})\b"
_TOKEN = rf"(?i)[0-9]+|\b{_WORD}"
_RUN = rf"(?i)[+(]{{0,2}}(?:[0-9]+|\b{_WORD})(?:[ .,/()-]{{1,3}}(?:[0-9]+|{_WORD}))*"
_NO_PHONE = (
    r"(?i)(?:\b(?:order|ref|reference|ticket|case|invoice|parcel|tracking|booking|item|model|serial|sku)s?\b"
    r"[^0-9\[\]]{0,20}|#)$"
)
_A_PHONE = (
    r"(?i)\b(?:phone|telephone|tel|mobile|cell|call|ring|text|dial|fax|whatsapp|number to reach)\b[^0-9\[\]]{0,20}$"
)
_BEFORE = 40
"""Characters before a number in which a word may tell what it is."""

_CARD_LAYOUTS = frozenset(
    [*((n,) for n in range(13, 20)), (4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1)]
)
"""Digits per group as they stand on cards (ISO/IEC 7812: up to 19 digits; American Express 4-6-5, Diners 4-6-4)."""

_MOST_DIGITS = 19
_IBAN_LENGTHS: Mapping[str, int] = MappingProxyType(
    {
        item[:2]: int(item[2:])
        for item in (
            "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 "
            "EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 "
            "KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 "
            "PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 "
            "VA22 VG24 XK20 YE30"
        ).split()
    }
)
"""Characters of an IBAN by country: the SWIFT IBAN registry."""


class _Token(NamedTuple):
    """Digits that stand together, and where."""

    start: int
    end: int
    digits: str
    spoken: bool


@cache
def _compiled(source: str) -> Any:
    import re2

    return re2.compile(source)


def personal_data(text: str) -> tuple[PersonalData, ...]:
    """What the built-in patterns find, in order, without overlaps. Each stage sees what the one before it masked."""
    folded = _folded(text)
    found: list[PersonalData] = []
    for stage in (_ibans, _emails, _numbers):
        here = list(stage(folded))
        folded = _replaced(folded, here)
        found += here
    return tuple(sorted(found))


def _folded(text: str) -> str:
    """Full-width and other digits and letters as plain ones, one character for one."""
    if text.isascii():
        return text
    return "".join(_plain(c) for c in text)


def _plain(char: str) -> str:
    if char.isascii():
        return char
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    if char in "\u2010\u2011\u2012\u2013\u2212":
        return "-"
    if char.isspace() and char not in "\u2028\u2029\u0085":
        return " "
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain.isascii() else char


def _emails(text: str) -> Iterator[PersonalData]:
    if "@" in text:
        for match in _compiled(_EMAIL).finditer(text):
            length = _domain(match.group(2))
            if length:
                yield PersonalData(match.start(), match.end(1) + length, "e-mail")
    if " dot " in text.lower():
        for match in _compiled(_SPOKEN_EMAIL).finditer(text):
            yield PersonalData(match.start(), match.end(), "e-mail")


def _domain(name: str) -> int:
    """Characters of a name with dots that are a domain: up to its last part that begins with a letter."""
    parts = name.split(".")
    while len(parts) > 1 and not (len(parts[-1]) > 1 and parts[-1][0].isalpha()):
        parts.pop()
    return len(".".join(parts)) if len(parts) > 1 else 0


def _ibans(text: str) -> Iterator[PersonalData]:
    done = 0
    for match in _compiled(_IBAN_HEAD).finditer(text):
        start = match.start()
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        if start >= done and length and (end := _iban_end(text, start, length)):
            done = end
            yield PersonalData(start, end, "iban")


def _iban_end(text: str, start: int, length: int) -> int | None:
    """Where an IBAN of so many characters ends that begins here, None if there is none."""
    at, kept = start, ""
    while len(kept) < length and at < len(text):
        char = text[at]
        if char.isascii() and char.isalnum():
            kept += char
        elif char not in " -" or not text[at - 1].isalnum():
            return None
        at += 1
    if len(kept) < length or _word(text, at):
        return None
    return at if int("".join(str(int(c, 36)) for c in kept[4:] + kept[:4])) % 97 == 1 else None


def _numbers(text: str) -> Iterator[PersonalData]:
    """Cards and phone numbers: the longest run of digit groups, from the left, that is one."""
    for run in _compiled(_RUN).finditer(text):
        tokens = _tokens(text, run.start(), run.end())
        masked = -1
        first = 0
        while first < len(tokens):
            found = _longest(text, tokens, first, masked)
            if found is None:
                first += 1
                continue
            last, item = found
            yield item
            masked, first = item.end, last + 1


def _tokens(text: str, start: int, end: int) -> list[_Token]:
    tokens = []
    for match in _compiled(_TOKEN).finditer(text[start:end]):
        *times, last = match.group().lower().split()
        spoken = last in _DIGIT_WORDS
        digits = _DIGIT_WORDS[last] * _TIMES[times[0] if times else ""] if spoken else last
        tokens.append(_Token(start + match.start(), start + match.end(), digits, spoken))
    return tokens


def _longest(text: str, tokens: Sequence[_Token], first: int, masked: int) -> tuple[int, PersonalData] | None:
    """The longest card or phone number that begins with a token; ``masked`` is where the one before it ended."""
    start = _with_sign(text, tokens[first].start)
    if _glued(text, start, masked):
        return None
    plus = "+" in text[start : tokens[first].start]
    digits, best = "", None
    for last in range(first, min(len(tokens), first + _MOST_DIGITS)):
        digits += tokens[last].digits
        if len(digits) > _MOST_DIGITS:
            break
        end = tokens[last].end
        if len(digits) < 9 or _word(text, end):
            continue
        group = tokens[first : last + 1]
        if len(digits) >= 13 and _is_card(digits, group):
            best = last, PersonalData(tokens[first].start, end, "card")
        elif (plus or digits[0] == "0" or len(group) < 5) and _is_phone(text, start, plus, digits, group):
            best = last, PersonalData(start, end, "phone")
    return best


def _with_sign(text: str, start: int) -> int:
    """The start of a number with the plus or the bracket before it."""
    if start > 1 and text[start - 2 : start] in ("(+", "+("):
        return start - 2
    return start - 1 if start and text[start - 1] in "+(" else start


def _word(text: str, at: int) -> bool:
    return at < len(text) and (text[at].isalnum() or text[at] == "_")


def _glued(text: str, start: int, masked: int) -> bool:
    """Whether a number is part of something longer to its left, such as AB-0123456789 or x0123456789."""
    if text[start] in "+(" or start == 0:
        return False
    if _word(text, start - 1) or text[start - 1] == "@":
        return True
    return text[start - 1] in "-/" and start > 1 and start - 1 != masked and _word(text, start - 2)


def _is_card(digits: str, group: Sequence[_Token]) -> bool:
    layout = tuple(len(token.digits) for token in group)
    singly = len(digits) in (15, 16) and (max(layout) == 1 or all(token.spoken for token in group))
    return digits[0] in "23456" and (singly or layout in _CARD_LAYOUTS) and len(set(digits)) > 1 and luhn(digits)


def luhn(digits: str) -> bool:
    """Whether a string of digits ends in the check digit of Luhn (ISO/IEC 7812-1)."""
    doubled = ("0", "2", "4", "6", "8", "1", "3", "5", "7", "9")
    return sum(int(doubled[int(d)] if n % 2 else d) for n, d in enumerate(reversed(digits))) % 10 == 0


def _is_phone(text: str, start: int, plus: bool, digits: str, group: Sequence[_Token]) -> bool:
    """International with + or 00, national with a leading 0, or North American; a number said to be an order isn't."""
    if plus:
        return 9 <= len(digits) <= 15
    layout = tuple(len(token.digits) for token in group)
    if not _dialled(digits, layout, all(t.spoken for t in group)):
        return (
            len(digits) == 10 and len(layout) == 1 and digits[0] in "23456789" and _said_before(text, start, _A_PHONE)
        )
    return not _said_before(text, start, _NO_PHONE)


def _dialled(digits: str, layout: tuple[int, ...], spoken: bool) -> bool:
    if len(layout) > 7 and not spoken and max(layout) > 1:
        return False
    if digits.startswith("00"):
        return digits[2] != "0" and 11 <= len(digits) <= 16 and (layout[0] >= 2 or spoken)
    if digits[0] == "0":
        national = layout[0] >= 3 or layout == (2, 2, 2, 2, 2) or spoken or max(layout) == 1
        return national and 10 <= len(digits) <= 11
    local = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    grouped = layout[-3:] == (3, 3, 4) and layout[:-3] in ((), (1,))
    return grouped and len(local) == 10 and local[0] > "1" and local[3] > "1"


def _said_before(text: str, start: int, what: str) -> bool:
    return _compiled(what).search(text[max(0, start - _BEFORE) : start]) is not None


# -- masking -------------------------------------------------------------------------------------------


def _joined(found: Iterable[PersonalData]) -> tuple[PersonalData, ...]:
    """Overlapping pieces as one, named after the one that begins first, the longer where they begin together."""
    out: list[PersonalData] = []
    for item in sorted(found, key=lambda p: (p.start, -p.end, p.kind)):
        if out and item.start < out[-1].end:
            out[-1] = PersonalData(out[-1].start, max(out[-1].end, item.end), out[-1].kind)
        else:
            out.append(item)
    return tuple(out)


def _replaced(text: str, found: Sequence[PersonalData]) -> str:
    pieces, at = [], 0
    for item in sorted(found):
        pieces += [text[at : item.start], placeholder(item.kind, item.end - item.start)]
        at = item.end
    return "".join([*pieces, text[at:]])


def placeholder(kind: str, length: int) -> str:
    """What stands for personal data of a kind: exactly ``length`` characters."""
    if length < 3:
        return "·" * length
    return f"[{kind[: length - 2]:·<{length - 2}}]"


# -- Presidio ------------------------------------------------------------------------------------------

_PRESIDIO_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "IP_ADDRESS": "ip", "US_SSN": "id",
        "UK_NINO": "id", "UK_NHS": "id", "PERSON": "name", "LOCATION": "place",
    }
)  # fmt: skip
_LEAST_SCORE = 0.4
"""Presidio's scores run from 0 to 1; 0.4 is what it gives to a phone number without any word about phones near it."""

_PIECE = 50_000
"""Characters that Presidio gets at a time: spaCy refuses more than a million."""


class _Presidio:
    """Presidio's recognisers that need no network: its e-mail and URL recognisers fetch a list of domains."""

    def __init__(self, model: str | Path | None) -> None:
        from presidio_analyzer import predefined_recognizers as known

        self._recognizers: tuple[Any, ...] = (
            known.PhoneRecognizer(supported_regions=("US", "GB"), leniency=2),
            known.CreditCardRecognizer(),
            known.IbanRecognizer(),
            known.IpRecognizer(),
            known.UsSsnRecognizer(),
            known.UkNinoRecognizer(),
            known.NhsRecognizer(),
        )
        name = str(model) if model is not None else _installed_model()
        self._analyzer = _analyzer(name, self._recognizers) if name else None
        self.kinds = ("id", "ip") if self._analyzer is None else ("id", "ip", "name", "place")

    def find(self, text: str) -> Iterator[PersonalData]:
        for start in range(0, len(text), _PIECE):
            for result in self._results(text[start : start + _PIECE]):
                kind = _PRESIDIO_KINDS.get(result.entity_type)
                if kind and result.score >= _LEAST_SCORE:
                    yield PersonalData(start + result.start, start + result.end, kind)

    def _results(self, piece: str) -> Iterable[Any]:
        if self._analyzer is not None:
            results: list[Any] = self._analyzer.analyze(piece, language="en", entities=list(_PRESIDIO_KINDS))
            return results
        return [r for known in self._recognizers for r in known.analyze(piece, known.supported_entities, None)]


def _analyzer(model: str, recognizers: Sequence[Any]) -> Any:
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    if not spacy.util.is_package(model) and not Path(model).exists():
        raise ServicequalError(f"masking: no spaCy pipeline {model!r} here; install it, or leave it out")
    engine = NlpEngineProvider(
        nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    ).create_engine()
    found = SpacyRecognizer(supported_entities=["PERSON", "LOCATION"])
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=[*recognizers, found], supported_languages=["en"]),
        nlp_engine=engine,
        supported_languages=["en"],
    )


def _installed_model() -> str | None:
    import spacy

    return next((f"en_core_web_{s}" for s in ("lg", "md", "sm") if spacy.util.is_package(f"en_core_web_{s}")), None)


def _presidio(model: str | Path | None, needed: bool) -> _Presidio | None:
    try:
        import presidio_analyzer  # noqa: F401
    except ImportError:
        if needed or model is not None:
            raise MissingExtraError("masking with Presidio", "mask") from None
        return None
    return _Presidio(model)
