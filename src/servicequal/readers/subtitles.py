"""WebVTT and SRT captions: Zoom (``Name: words``), Teams (``<v Name>words``), and plain ones.

One utterance is often split over several captions; captions of one named speaker that follow each
other within ``SAME_BREATH`` seconds are one turn. A caption without a name, in a file that names its
speakers, belongs to nobody: it stays ``unknown``, or with ``infer_roles`` goes to the speaker before
it and is marked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers.draft import Draft, Said, build
from servicequal.readers.html import tag_name
from servicequal.readers.labels import Candidate, candidate, name_like
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles, key
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.times import Moment, clock

SAME_BREATH = 1.5
"""Seconds of silence up to which captions of one speaker are one turn."""

_BLOCKS = ("NOTE", "STYLE", "REGION")


@dataclass(frozen=True, slots=True)
class Caption:
    """Words between two times (seconds), with a name if a voice tag or prefix gives one."""

    start: float
    end: float
    text: str
    line: int
    name: str | None = None
    inferred: bool = False


def captions(source: Source) -> Iterator[Caption | Rejected]:
    """The captions of a file, in order; one whose times are broken is Rejected and passed over."""
    timing: tuple[float, float] | None = None
    words: list[str] = []
    begun, skipping = 0, False
    for number, line in source.lines():
        if "-->" in line:
            yield from _finished(timing, words, begun)
            timing, words, begun, skipping = _timing(line), [], number, False
            if timing is None:
                yield Rejected("the times of the caption cannot be read", source.name, line=number)
        elif not line.strip():
            yield from _finished(timing, words, begun)
            timing, words, skipping = None, [], False
        elif timing is None and line.startswith(_BLOCKS):
            skipping = True
        elif timing is not None and not skipping:
            words.append(line)
    yield from _finished(timing, words, begun)


def _timing(line: str) -> tuple[float, float] | None:
    first, _, rest = line.partition("-->")
    times = clock(first), clock((rest.split() or [""])[0])
    return None if times[0] is None or times[1] is None else (times[0], times[1])


def _finished(timing: tuple[float, float] | None, words: Sequence[str], line: int) -> Iterator[Caption]:
    if timing is None or not words:
        return
    for name, text in _voices("\n".join(words)):
        if text:
            yield Caption(*timing, text, line, name)


def _voices(text: str) -> list[tuple[str | None, str]]:
    """The voices in one caption (``<v Name>``) and their words, other tags taken out."""
    found: list[tuple[str | None, list[str]]] = [(None, [])]
    at = 0
    while (start := text.find("<", at)) >= 0:
        end = text.find(">", start, start + 400)
        follows = text[start + 1 : start + 2]
        if end < 0 or not (follows.isalnum() or follows == "/"):
            found[-1][1].append(text[at : start + 1])
            at = start + 1
            continue
        found[-1][1].append(text[at:start])
        tag = text[start : end + 1]
        if tag_name(tag) == ("v", False):
            name = tag[1:-1].partition(" ")[2].strip()
            found.append((unescape(name) or None, []))
        at = end + 1
    found[-1][1].append(text[at:])
    return [(name, unescape("".join(parts)).strip()) for name, parts in found]


def _named(found: Sequence[Caption], roles: Roles) -> list[Caption]:
    """Names from ``Name: words`` and ``[Name] words``, where they are names."""
    prefixes = [
        [(line, candidate(line)) for line in caption.text.split("\n")] if caption.name is None else []
        for caption in found
    ]
    first = [lines[0][1] for lines in prefixes if lines]
    seen = Counter(key(c.label) for c in first if c is not None)
    mostly = sum(c is not None and name_like(c.label) for c in first) * 2 >= len(first)
    named: list[Caption] = []
    for caption, lines in zip(found, prefixes, strict=True):
        if not lines:
            named.append(caption)
            continue
        parts: list[tuple[str | None, list[str]]] = []
        for line, c in lines:
            if c is not None and _is_name(c, seen, mostly, roles):
                parts.append((c.label, [c.text]))
            elif parts:
                parts[-1][1].append(line)
            else:
                parts.append((None, [line]))
        named.extend(replace(caption, name=name, text="\n".join(part).strip()) for name, part in parts)
    return [caption for caption in named if caption.text]


def _is_name(c: Candidate, seen: Counter[str], mostly: bool, roles: Roles) -> bool:
    if c.style not in ("colon", "bracket"):
        return False
    if roles.knows(c.label):
        return True
    return c.style == "colon" and name_like(c.label) and (mostly or seen[key(c.label)] >= 2)


def _with_inferred(found: Sequence[Caption], infer: bool) -> list[Caption]:
    last: str | None = None
    done: list[Caption] = []
    for caption in found:
        if caption.name is None and infer and last is not None:
            caption = replace(caption, name=last, inferred=True)
        last = caption.name or last
        done.append(caption)
    return done


def _merged(found: Sequence[Caption]) -> list[Caption]:
    merged: list[Caption] = []
    for caption in found:
        before = merged[-1] if merged else None
        if (
            before is not None
            and caption.name is not None
            and (before.name, before.inferred) == (caption.name, caption.inferred)
            and -SAME_BREATH <= caption.start - before.end <= SAME_BREATH
        ):
            merged[-1] = replace(before, end=max(before.end, caption.end), text=f"{before.text} {caption.text}")
        else:
            merged.append(caption)
    return merged


def _conversation(source: Source, format: str, found: Sequence[Caption], roles: Roles) -> Conversation:
    named = _with_inferred(_named(found, roles), roles.infer)
    named.sort(key=lambda caption: caption.start)
    turns = _merged([replace(caption, text=" ".join(caption.text.split("\n"))) for caption in named])
    inferred = [i for i, caption in enumerate(turns) if caption.inferred]
    warnings = list(source.warnings)
    if not any(caption.name for caption in turns):
        warnings.append("no speaker labels found: who speaks is unknown")
    elif nobody := sum(caption.name is None for caption in turns):
        warnings.append(f"{nobody} caption(s) without a name in a file that names its speakers")
    if inferred:
        warnings.append(f"captions without a name given to the speaker before: turns {inferred[:50]}")
    return build(
        Draft(
            id=source.stem,
            channel="call",
            source=source.name,
            metadata={"file": source.name, "format": format, "captions": len(found)},
            warnings=warnings,
            turns=[
                Said(
                    text=c.text,
                    label=c.name,
                    start=Moment(c.start, unit="clock"),
                    end=Moment(c.end, unit="clock"),
                    line=c.line,
                )
                for c in turns
            ],
        ),
        roles,
    )


def _read(format: str, source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    found: list[Caption] = []
    for caption in captions(source):
        if isinstance(caption, Rejected):
            yield caption
        else:
            found.append(caption)
    if not found:
        raise source.fail("the file holds no captions")
    try:
        yield _conversation(source, format, found, roles)
    except ReadError as error:
        yield error.rejected


def read_vtt(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """One conversation a WebVTT file, its id the file's stem."""
    return _read("vtt", source, roles)


def read_srt(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """One conversation an SRT file, its id the file's stem."""
    return _read("srt", source, roles)


def sniff_vtt(sample: Sample) -> Sniff:
    """WebVTT says so in its first line."""
    if sample.head.lstrip("\ufeff \r\n").startswith("WEBVTT"):
        return Sniff(Fit.SIGNATURE, "begins with WEBVTT")
    return Sniff(Fit.NO, "does not begin with WEBVTT" if sample.suffix == ".vtt" else "")


def sniff_srt(sample: Sample) -> Sniff:
    """SRT has a line of two times with comma decimals soon after its start."""
    for line in sample.head[:4000].split("\n")[:40]:
        first, arrow, _ = line.partition("-->")
        if arrow and _timing(line) is not None and ("," in first or sample.suffix == ".srt"):
            if sample.head.lstrip("\ufeff \r\n").startswith("WEBVTT"):
                return Sniff(Fit.NO)
            return Sniff(Fit.SIGNATURE, "has SRT times")
    return Sniff(Fit.NO, "has no line of two times" if sample.suffix == ".srt" else "")


READERS = (
    Reader("vtt", "WebVTT captions (Zoom, Teams)", (".vtt",), sniff_vtt, read_vtt),
    Reader("srt", "SRT captions", (".srt",), sniff_srt, read_srt),
)
