"""HTML to text, once: for chat and ticket bodies, and for the tags in captions."""

from __future__ import annotations

from html import unescape

from servicequal.readers.words import words

_BREAKS = frozenset(words("br p div li tr ul ol h1 h2 h3 h4 h5 h6 blockquote table hr"))
_SILENT = frozenset(("style", "script", "head", "title"))


def plain_text_of_html(html: str) -> str:
    """The text of HTML: block tags are line ends, other tags vanish, entities are resolved once.

    Attributes and the insides of ``<style>`` and ``<script>`` go; the text of links stays. ``<`` that
    opens no tag stays too. Linear in the length of the text; outer blank space is stripped.
    """
    found = _Text()
    never_closed: set[str] = set()
    at = 0
    while (start := html.find("<", at)) >= 0:
        found.add(html[at:start])
        end = _tag_end(html, start, never_closed)
        if end < 0:
            found.add("<")
            at = start + 1
            continue
        name, closing = tag_name(html[start:end])
        if name in _SILENT and not closing:
            end = _closed(html, end, name, never_closed)
        elif name == "br" or (name in _BREAKS and found.mid_line):
            found.add("\n")
        at = end
    found.add(html[at:])
    lines = unescape("".join(found.parts)).replace("\u00a0", " ").split("\n")
    return _without_runs_of_blank_lines([line.strip() for line in lines])


class _Text:
    """Text that grows; ``mid_line`` says whether something stands on its last line."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.mid_line = False

    def add(self, text: str) -> None:
        if text:
            self.parts.append(text)
            last = text.rpartition("\n")
            self.mid_line = bool(last[2].strip()) or (self.mid_line and not last[1])


def _tag_end(html: str, start: int, never_closed: set[str]) -> int:
    """Where the tag or comment that opens at ``start`` ends, or -1 if it is none."""
    if html.startswith("<!--", start):
        end = -1 if "-->" in never_closed else html.find("-->", start + 4)
        if end < 0:
            never_closed.add("-->")
        return end + 3 if end >= 0 else -1
    follows = html[start + 1 : start + 2]
    if not (follows.isalpha() or follows in ("/", "!")) or not follows:
        return -1
    return html.find(">", start, start + 5000) + 1 or -1


def _closed(html: str, at: int, name: str, never_closed: set[str]) -> int:
    """Where the closing tag of a silent element begins; ``at`` if there is none."""
    for spelling in (name, name.upper(), name.capitalize()):
        if spelling not in never_closed:
            end = html.find(f"</{spelling}", at)
            if end >= 0:
                return end
            never_closed.add(spelling)
    return at


def tag_name(tag: str) -> tuple[str, bool]:
    """The name of a tag in lower case, and whether it closes."""
    inner = tag.strip("<>").strip()
    closing = inner.startswith("/")
    name = ""
    for character in inner.lstrip("/"):
        if not character.isalnum():
            break
        name += character
    return name.casefold(), closing


def _without_runs_of_blank_lines(lines: list[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()
