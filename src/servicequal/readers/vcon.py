"""vCon: text dialogs, and recordings by the transcripts in their ``analysis``.

Roles come from ``party.role`` or ``party.meta.role``; parties without one are unknown, to be mapped
by name, address or telephone number. Signed (JWS) and encrypted (JWE) vCons are refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from servicequal.conversation import Conversation
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said, printable
from servicequal.readers.jsonio import SUFFIXES, Place, convert, parse
from servicequal.readers.pieces import holds, ident, named, obj, objs
from servicequal.readers.quoted import said, split_html, split_text
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles, key
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.times import Moment, moment
from servicequal.readers.vcon_transcripts import Spoken, spoken_of

_TRANSCRIPTS = ("transcript", "transcription", "diarized", "diarised", "diarization")


def sniff(sample: Sample) -> Sniff:
    """A signature for a vCon, also for a signed or encrypted one, so that it is refused clearly."""
    record = sample.mapping
    if (sealed := _sealed(record)) is not None:
        return Sniff(Fit.SIGNATURE, f"a vCon that is {sealed}")
    more = "vcon" in record or isinstance(record.get("dialog"), list) or holds(record, "uuid", "analysis")
    if isinstance(record.get("parties"), list) and more:
        return Sniff(Fit.SIGNATURE, "a vCon: parties and dialog")
    return Sniff(Fit.NO)


def _sealed(record: Mapping[str, Any]) -> str | None:
    if "payload" in record and ("signatures" in record or holds(record, "signature", "protected")):
        return "signed (JWS)"
    if "ciphertext" in record and {"recipients", "protected", "iv", "tag", "unprotected"} & set(record):
        return "encrypted (JWE)"
    return None


def read(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """The vCons of a file."""
    return convert(source, roles, lambda value, place: _drafts(value, place, roles))


def _drafts(value: Any, place: Place, roles: Roles) -> Iterator[Draft | Rejected]:
    record = obj(value, "the vCon")
    identity = ident(record.get("uuid")) or place.stem
    if (sealed := _sealed(record)) is not None:
        verb = "verify and unwrap" if "signed" in sealed else "decrypt"
        hint = f"{verb} it first, and give the vCon inside"
        yield Rejected(f"the vCon is {sealed}: its words cannot be read", place.source, line=place.line, hint=hint)
        return
    parties = objs(record.get("parties"), "parties")
    dialogs = objs(record.get("dialog"), "dialog")
    analyses = objs(record.get("analysis"), "analysis")
    turns: list[Said] = []
    warnings = list(place.warnings)
    for index, dialog in enumerate(dialogs):
        began = _began(dialog) if len(dialogs) > 1 else None
        found = _of_dialog(index, dialog, parties, analyses, roles, began)
        if not found:
            warnings.append(
                f"dialog {index} ({printable(str(dialog.get('type'))[:40])}) has no transcript in the analysis"
            )
        turns += found
    if not dialogs:
        turns += _of_recording(None, parties, analyses, roles, None)
    if not turns:
        raise ValueError("the vCon holds no words: no text dialog, and no transcript in its analysis")
    yield Draft(
        id=identity,
        channel=_channel(dialogs, parties),
        source=place.source,
        line=place.line,
        start_name="start",
        text_name="body",
        order="time",
        turns=turns,
        warnings=warnings,
        metadata={
            "subject": named(record.get("subject")),
            "started_at": next((d["start"] for d in dialogs if named(d.get("start"))), record.get("created_at")),
            "redacted": bool(obj(record.get("redacted"), "redacted")) or None,
            "file": place.source,
            "format": "vcon",
        },
    )


def _channel(dialogs: Sequence[Mapping[str, Any]], parties: Sequence[Mapping[str, Any]]) -> str | None:
    kinds = {dialog.get("type") for dialog in dialogs if isinstance(dialog.get("type"), str)}
    if "recording" in kinds or not dialogs:
        return "call"
    if "text" not in kinds:
        return None
    by_mail = any("message/rfc822" in str(dialog.get("mediatype")) for dialog in dialogs)
    mailed = all(named(party.get("mailto")) and not named(party.get("tel")) for party in parties)
    return "email" if by_mail or (mailed and any(_about_mail(dialog) for dialog in dialogs)) else "chat"


def _about_mail(dialog: Mapping[str, Any]) -> bool:
    return "@" in str(dialog.get("message_id"))


def _of_dialog(
    index: int,
    dialog: Mapping[str, Any],
    parties: Sequence[Mapping[str, Any]],
    analyses: Sequence[Mapping[str, Any]],
    roles: Roles,
    began: Moment | None,
) -> list[Said]:
    """The turns of one dialog: a message, the transcript of a recording, or a notice."""
    kind = dialog.get("type")
    if kind == "text" or (kind is None and isinstance(dialog.get("body"), str)):
        return _message(dialog, parties)
    if kind in ("transfer", "incomplete"):
        words = " ".join(str(x) for x in (kind, named(dialog.get("disposition"))) if x)
        return [Said(text=words, role="system", kind="notice", start=dialog.get("start"))]
    return _of_recording(index, parties, analyses, roles, began)


def _message(dialog: Mapping[str, Any], parties: Sequence[Mapping[str, Any]]) -> list[Said]:
    body = _body(dialog)
    body = body if isinstance(body, str) else dialog.get("body")
    turn = replace(_party(_sender(dialog), parties), text=body, start=dialog.get("start"))
    media = str(dialog.get("mediatype") or dialog.get("mimetype") or "").lower()
    if not isinstance(body, str):
        where = "at a url" if dialog.get("url") else "missing"
        raise ValueError(f"the body of a text dialog is {where}")
    if media.startswith("text/html"):
        return said(split_html(body), turn)
    return said(split_text(body), turn)


def _body(part: Mapping[str, Any]) -> object:
    """The body with its encoding undone; ``json`` is also written on what is plain already."""
    body, encoding = part.get("body"), part.get("encoding")
    if encoding == "base64url" and isinstance(body, str):
        try:
            return base64.urlsafe_b64decode(body.strip() + "=" * (-len(body.strip()) % 4)).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("the body is no text in base64url") from error
    if encoding == "json" and isinstance(body, str):
        try:
            return parse(body)
        except ValueError:
            return body
    return body


def _sender(dialog: Mapping[str, Any]) -> object:
    """The originator, else the first of the parties."""
    originator, listed = dialog.get("originator"), dialog.get("parties")
    if originator is not None:
        return originator
    return (listed[0] if listed else None) if isinstance(listed, list) else listed


def _party(index: object, parties: Sequence[Mapping[str, Any]]) -> Said:
    """A turn of that party, still without words."""
    if isinstance(index, list):
        index = index[0] if index else None
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(parties):
        return Said(text=None, label=None if index is None else f"party {index}"[:60])
    party = parties[index]
    meta = party.get("meta")
    role = named(party.get("role")) or (named(meta.get("role")) if isinstance(meta, dict) else None)
    names = [found for name in ("mailto", "email", "tel", "sip", "uuid") if (found := named(party.get(name)))]
    name = named(party.get("name"))
    return Said(
        text=None,
        label=role,
        name=name,
        speaker_id=name or (names[0] if names else f"party {index}"),
        channel=names[0] if names else None,
    )


def _of_recording(
    index: int | None,
    parties: Sequence[Mapping[str, Any]],
    analyses: Sequence[Mapping[str, Any]],
    roles: Roles,
    began: Moment | None,
) -> list[Said]:
    """The best transcript of a recording: structured before prose, clear before redacted."""
    best: tuple[tuple[bool, bool, bool], list[Spoken]] | None = None
    for analysis in analyses:
        kind = str(analysis.get("type")).lower()
        if not kind.startswith(_TRANSCRIPTS) or not _about(analysis.get("dialog"), index):
            continue
        body = _body(analysis)
        spoken = spoken_of(body, roles)
        worth = (
            any(one.label is not None for one in spoken),
            not isinstance(body, str),
            "redact" not in kind,
        )
        if spoken and (best is None or worth > best[0]):
            best = worth, spoken
    return [] if best is None else [_turn(one, parties, began) for one in best[1]]


def _about(value: object, index: int | None) -> bool:
    if index is None or value is None:
        return True
    return index in value if isinstance(value, list) else value == index


def _began(dialog: Mapping[str, Any]) -> Moment | None:
    try:
        found = moment(dialog.get("start"))
    except ValueError:
        return None
    return found if found is not None and found.kind == "epoch" else None


def _turn(one: Spoken, parties: Sequence[Mapping[str, Any]], began: Moment | None) -> Said:
    """What somebody says: joined to a party by index, name or role."""
    party = None if one.party is None else _party(one.party, parties)
    if party is None and one.label is not None:
        party = _named_party(one.label, parties)
    if party is None:
        party = Said(text=None, label=one.label)
    start, end = _placed(one.start, began), _placed(one.end, began)
    if end is None and start is not None and one.duration is not None:
        end = Moment(start.seconds + one.duration, start.kind, start.zoned, start.unit)
    return replace(party, text=one.text, start=start, end=end, confidence=one.confidence)


def _named_party(label: object, parties: Sequence[Mapping[str, Any]]) -> Said | None:
    """The one party of that name, or of that role."""
    wanted = key(label)
    all_ = [_party(index, parties) for index in range(len(parties))]
    for field in ("name", "label"):
        found = [one for one in all_ if getattr(one, field) is not None and key(getattr(one, field)) == wanted]
        if wanted and len(found) == 1:
            return found[0] if found[0].label is not None else replace(found[0], label=label)
    return None


def _placed(value: object, began: Moment | None) -> Moment | None:
    """A time in the recording, from when the dialog began if that is known."""
    found = moment(value)
    if found is None or began is None or found.kind == "epoch":
        return found
    return Moment(began.seconds + found.seconds, "epoch", began.zoned, "seconds")


READER = Reader("vcon", "vCon", (*SUFFIXES, ".vcon"), sniff, read)
