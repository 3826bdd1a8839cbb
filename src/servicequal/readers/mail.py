"""One e-mail from its bytes: who, when, which thread, and the sender's own words apart from quotes.

Nothing here raises for a broken message: what cannot be read is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parseaddr, parsedate_to_datetime

from servicequal.readers.draft import Said
from servicequal.readers.quoted import Parts, said, split_html, split_text

_BROKEN = (ValueError, LookupError, TypeError, AttributeError, MessageError, RecursionError, OverflowError)
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,400})>")
_REPLY = re.compile(r"\s*(?:re|aw|sv|antw|tr|fw|fwd|wg)\s?(?:\[\d{1,3}\])?\s?:", re.IGNORECASE)
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Head:
    """What a message's header says of who, when and which thread."""

    id: str | None
    answers: tuple[str, ...]
    subject: str
    is_reply: bool
    name: str | None
    address: str | None
    people: frozenset[str]
    date: datetime | None
    automatic: bool


def head_of(raw: bytes) -> Head:
    """The header of a message."""
    message = _parsed(raw)
    ids = _MESSAGE_ID.findall(_header(message, "Message-ID"))
    answers = _MESSAGE_ID.findall(f"{_header(message, 'References')} {_header(message, 'In-Reply-To')}"[:50_000])
    subject = _decoded(_header(message, "Subject"))
    plain = subject
    while (match := _REPLY.match(plain)) is not None:
        plain = plain[match.end() :]
    name, address = _sender(message)
    return Head(
        id=ids[0] if ids else None,
        answers=tuple(dict.fromkeys(answers)),
        subject=" ".join(plain.split())[:200],
        is_reply=plain is not subject,
        name=name,
        address=address,
        people=frozenset({*_people(message), *((address,) if address else ())}),
        date=_date(_header(message, "Date")),
        automatic=_automatic(message, address),
    )


def turns_of(raw: bytes, head: Head) -> tuple[list[Said], tuple[str, ...]]:
    """The sender's words as one turn, quotes and signature as another, and what to warn of."""
    message = _parsed(raw)
    plain, html, other = _bodies(message)
    parts = split_text("\n".join(plain)) if any(text.strip() for text in plain) else Parts("")
    if not parts.own and not parts.quoted and html:
        parts = split_html("\n".join(html))
    turn = Said(
        text="",
        name=head.name,
        speaker_id=head.address,
        channel=None if head.address is None else head.address.partition("@")[2] or None,
        role="system" if head.automatic else None,
        kind="notice" if head.automatic else "message",
        start=head.date,
    )
    return said(parts, turn), (f"{other} attachment(s) left out",) if other else ()


def _parsed(raw: bytes) -> Message:
    try:
        return message_from_bytes(raw)
    except _BROKEN:
        return Message()


def _header(message: Message, name: str) -> str:
    try:
        return str(message.get(name) or "")
    except _BROKEN:
        return ""


def _decoded(text: str) -> str:
    try:
        found = str(make_header(decode_header(text)))
        found.encode()
    except _BROKEN:
        return text.encode("utf-8", "replace").decode()
    return found


def _sender(message: Message) -> tuple[str | None, str | None]:
    try:
        name, address = parseaddr(_header(message, "From")[:2000])
    except _BROKEN:
        return None, None
    shown = _decoded(name).strip()[:200]
    return shown or None, address.strip().lower().encode("utf-8", "replace").decode()[:300] or None


def _people(message: Message) -> Iterator[str]:
    try:
        pairs = getaddresses([_header(message, name)[:20_000] for name in ("To", "Cc")])
    except _BROKEN:
        return
    yield from (address.strip().lower() for _, address in pairs if address)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except _BROKEN:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _automatic(message: Message, address: str | None) -> bool:
    """True for auto-replies, out-of-office notes and bounces."""
    submitted = _header(message, "Auto-Submitted").strip().lower()
    if submitted not in ("", "no") or _header(message, "X-Autoreply") or _header(message, "X-Autorespond"):
        return True
    if _header(message, "Precedence").strip().lower() in ("auto_reply", "junk"):
        return True
    return (address or "").partition("@")[0] in ("mailer-daemon", "postmaster")


def _bodies(message: Message, depth: int = 0) -> tuple[list[str], list[str], int]:
    """Texts, HTML texts and the number of other parts; forwarded messages count as attachments."""
    if depth > _DEEPEST:
        return [], [], 1
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        plain: list[str] = []
        html: list[str] = []
        other = 0
        for part in message.get_payload():
            if isinstance(part, Message):
                more = _bodies(part, depth + 1)
                plain, html, other = plain + more[0], html + more[1], other + more[2]
        return plain, html, other
    kind = message.get_content_type()
    if kind not in ("text/plain", "text/html") or message.is_multipart() or _attached(message):
        return [], [], 1
    text = _text(message)
    return ([text], [], 0) if kind == "text/plain" else ([], [text], 0)


def _attached(message: Message) -> bool:
    try:
        return message.get_content_disposition() == "attachment" or message.get_filename() is not None
    except _BROKEN:
        return True


def _text(message: Message) -> str:
    """The words of a part in its own encoding; marks stand for bytes that are none of it."""
    try:
        raw = message.get_payload(decode=True)
        charset = message.get_content_charset() or "utf-8"
        flowed = str(message.get_param("format") or "").lower() == "flowed"
    except _BROKEN:
        return ""
    data = raw if isinstance(raw, bytes) else b""
    try:
        text = data.decode(charset)
    except (LookupError, ValueError):
        text = _guessed(data)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return _unflowed(text) if flowed else text


def _guessed(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _unflowed(text: str) -> str:
    """Soft line ends (RFC 3676) of unquoted text undone."""
    lines: list[str] = []
    for line in text.split("\n"):
        soft = bool(lines) and lines[-1].endswith(" ") and lines[-1] != "-- " and not lines[-1].startswith(">")
        if soft and line.strip() and not line.startswith((">", "-- ")):
            lines[-1] += line
        else:
            lines.append(line)
    return "\n".join(lines)
