"""A message apart from what it quotes: earlier e-mails below or between, and signatures.

What the sender wrote stays one message; quoted history and signatures become a turn of kind
``quote``. Linear in the length of the text: every pattern looks at one to three bounded lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from servicequal.readers.draft import Said
from servicequal.readers.html import plain_text_of_html

_WROTE = re.compile(
    r"[\s*_]*(?:on|le|am|el|il|op|em|den|på|vào|w dniu)\s.{4,360}"
    r"(?:wrote|a écrit|schrieb|escribió|ha scritto|schreef|escreveu|skrev|napisał\w*)"
    r"[^:]{0,160}[::][\s*_]*",
    re.IGNORECASE | re.DOTALL,
)
_OPENS = ("on ", "le ", "am ", "el ", "il ", "op ", "em ", "den ", "på ", "w dniu ")
_FROM = re.compile(r"[\s*_>]*(?:from|von|de|da|van|från|od)\s?[::][*_]*\s?\S", re.IGNORECASE)
_FIELD = re.compile(
    r"[\s*_>]*(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|fecha|para|asunto"
    r"|inviato|data|a|oggetto|verzonden|aan|onderwerp|skickat|till|ämne)\s?[::]",
    re.IGNORECASE,
)
_DIVIDER = re.compile(
    r"\s*(?:[-_*]{2,}\s*(?:original message|forwarded message|original appointment|ursprüngliche nachricht"
    r"|weitergeleitete nachricht|message d'origine|message transféré|mensaje original|messaggio originale"
    r"|oorspronkelijk bericht)\s*[-_*]{2,}"
    r"|begin forwarded message\s?:"
    r"|##-.{0,120}-##)\s*",
    re.IGNORECASE,
)
_SENT_FROM = re.compile(
    r"\s*(?:sent (?:from|via) (?:my |the |a )?[\w ]{0,20}?(?:iphone|ipad|phone|mobile|android|samsung|galaxy"
    r"|outlook|mail|yahoo|blackberry|huawei|pixel|device|windows)[\w +]{0,30}"
    r"|get outlook for \w+|von meinem \w+ gesendet|envoyé de mon \w+)[.!]?\s*",
    re.IGNORECASE,
)
_QUOTING_TAG = re.compile(
    r"<blockquote\b|<(?:div|p|hr|span|table)\b[^<>]{0,300}?"
    r"(?:gmail_quote|gmail_extra|yahoo_quoted|moz-cite-prefix|divRplyFwdMsg|appendonsend|zd-quoted|zd_quoted"
    r"|protonmail_quote|mail-editor-reference-message|OutlookMessageHeader)",
    re.IGNORECASE,
)
_LONGEST_SIGNATURE = 12


@dataclass(frozen=True, slots=True)
class Parts:
    """The sender's own words, and what is quoted or signed, each in order."""

    own: str
    quoted: str = ""


def split_text(text: str) -> Parts:
    """Own words and quoted ones of a message in plain text."""
    lines = text.replace("\r\n", "\n").split("\n")
    own: list[str] = []
    quoted: list[str] = []
    at = 0
    while at < len(lines):
        end = _quote_end(lines, at)
        if end > at:
            quoted.extend(lines[at:end])
            at = end
        else:
            own.append(lines[at])
            at += 1
    own, signature = _signature(own)
    if quoted or signature:
        while own and not own[-1].strip(" \t_-=*"):
            own.pop()
    return Parts("\n".join(own).strip(), "\n".join([*signature, *quoted]).strip())


def split_html(html: str) -> Parts:
    """Own words and quoted ones of a message in HTML, as text."""
    start = _QUOTING_TAG.search(html)
    if start is None:
        return split_text(plain_text_of_html(html))
    end = len(html)
    if start.group().lower().startswith("<blockquote"):
        closing = html.lower().rfind("</blockquote")
        end = html.find(">", closing) + 1 if closing > start.start() else len(html)
    own = split_text(plain_text_of_html(html[: start.start()] + "<br>" + html[end:]))
    inside = plain_text_of_html(html[start.start() : end])
    return Parts(own.own, "\n".join(part for part in (own.quoted, inside) if part))


def said(parts: Parts, turn: Said) -> list[Said]:
    """The turn with the sender's own words, then one of kind ``quote`` if anything was quoted."""
    found = [replace(turn, text=parts.own)] if parts.own or not parts.quoted else []
    if parts.quoted:
        quote = Said(text=parts.quoted, role="system", kind="quote", start=turn.start, end=turn.end, line=turn.line)
        found.append(quote)
    return found


def _quote_end(lines: Sequence[str], at: int) -> int:
    """Where the quotation that begins on a line ends, ``at`` if none begins there."""
    line = lines[at][:400]
    if _marked(line):
        return at + 1
    if _DIVIDER.fullmatch(line) or _headed(lines, at):
        return len(lines)
    taken = _attribution(lines, at)
    if not taken:
        return at
    end = at + taken
    while end < len(lines) and not lines[end].strip():
        end += 1
    if end < len(lines) and not _marked(lines[end]):
        return len(lines)
    while end < len(lines) and (_marked(lines[end]) or not lines[end].strip()):
        end += 1
    return end


def _marked(line: str) -> bool:
    """True for ``> quoted``, not for ``>:(``."""
    bare = line.lstrip()
    return bare.startswith(">") and (len(bare) == 1 or bare[1] in " \t>" or bare[1].isalnum())


def _attribution(lines: Sequence[str], at: int) -> int:
    """How many lines ``On Friday, 23 September 2022, Alice <a@x> wrote:`` takes, 0 if it is not there."""
    if not lines[at].strip(" \t*_").casefold().startswith(_OPENS):
        return 0
    for count in (1, 2, 3):
        text = " ".join(line.strip()[:300] for line in lines[at : at + count])
        if not text.rstrip(" *_").endswith((":", ":")):
            continue
        dated = any(c.isdigit() for c in text) or "@" in text
        return count if dated and _WROTE.fullmatch(text[:900]) else 0
    return 0


def _headed(lines: Sequence[str], at: int) -> bool:
    """True where a block of ``From: … Sent: … To: … Subject: …`` begins."""
    if not _FROM.match(lines[at][:200]):
        return False
    return sum(bool(_FIELD.match(line[:200])) for line in lines[at + 1 : at + 7]) >= 2


def _signature(lines: list[str]) -> tuple[list[str], list[str]]:
    """Own lines and the signature below ``-- `` (or ``Sent from my phone``) at their end."""
    filled = 0
    for at in range(len(lines) - 1, -1, -1):
        bare = lines[at].strip()
        if (bare in ("--", "—") and at) or (filled == 0 and bare and _SENT_FROM.fullmatch(bare[:80])):
            return lines[:at], lines[at:]
        filled += bool(bare)
        if filled > _LONGEST_SIGNATURE:
            break
    return lines, []
