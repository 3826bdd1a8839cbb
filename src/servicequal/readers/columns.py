"""Which column (or JSON key) holds what: the usual names, and the caller's own.

Names are compared without case, spaces and marks, so ``Conversation ID``, ``conversationId`` and
``conversation_id`` are one name. Within a field the earlier alias wins; the order is the contract.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from servicequal.errors import ReadError, Rejected
from servicequal.readers.roles import key

_ALIASES = {
    "id": "conversationid convoid convid chatid callid contactid ticketid dialogueid dialogid sessionid "
    "interactionid threadid caseid incidentid transcriptid callsid chatsessionid emailthreadid id",
    "transcript": "transcript calltranscript chattranscript conversationtranscript transcription "
    "conversationtext chatlog calltext fulltranscript turns messages utterances dialogue dialog "
    "conversation",
    "text": "text utterance message body content messagetext messagebody utterancetext turntext plainbody "
    "plaintext phrase sentence",
    "agent_text": "agentresponse agentmessage agenttext agentreply agentutterance agent",
    "customer_text": "customermessage customertext customerutterance customerquery clientmessage usermessage customer",
    "speaker": "role speakerrole authorrole participantrole senderrole sendertype authortype speakertype "
    "participanttype usertype speaker author sender participant speakerlabel from who",
    "speaker_id": "speakerid authorid senderid participantid actorid userid speakername authorname "
    "sendername displayname name speaker author sender participant from",
    "start": "start starttime startsec startseconds startms starttimems begin begintime beginms "
    "beginoffset beginoffsetmillis startoffset startoffsetms timestamp time ts createdat created "
    "sentat datetime messagetime offset date",
    "end": "end endtime endsec endseconds endms endtimems endoffset endoffsetmillis endoffsetms stop stoptime",
    "order": "turn turnnumber turnindex turnno turnid sequence sequencenumber seq index messageindex "
    "messagenumber utteranceindex sentenceindex position order chatindex",
    "channel": "channel medium mediatype communicationtype",
    "confidence": "confidence asrconfidence",
    "kind": "kind",
}
ALIASES: dict[str, tuple[str, ...]] = {field: tuple(names.split()) for field, names in _ALIASES.items()}
"""Our field names and the usual names of the columns that hold them, best first."""

DELIMITERS = ("\t", ",", ";", "|")
TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".psv")


def column_key(name: object) -> str:
    """A column name without case, spaces and marks."""
    return key(name)


@lru_cache(maxsize=512)
def match(names: tuple[str, ...]) -> Mapping[str, str]:
    """Field to column for the usual names. No column serves two fields; pure, by name alone."""
    left = {column_key(name): name for name in reversed(names)}
    found: dict[str, str] = {}
    for field in ("id", "text", "transcript", *ALIASES):
        if field in found:
            continue
        for alias in ALIASES[field]:
            if alias in left:
                found[field] = left.pop(alias)
                break
    return found


def chosen(names: Sequence[str], columns: Mapping[str, str | None] | None, source: str | None) -> dict[str, str]:
    """Field to column, the caller's ``columns`` first; a field mapped to None is left out.

    Raises ReadError for a field we do not have or a column the table does not have.
    """
    own: dict[str, str | None] = {}
    for field, column in (columns or {}).items():
        own[_field(str(field), column, names, source)] = column
    taken = set(own.values())
    usual = match(tuple(name for name in names if name not in taken))
    found = {field: column for field, column in usual.items() if field not in own}
    found.update({field: column for field, column in own.items() if column is not None})
    return found


def _field(field: str, column: str | None, names: Sequence[str], source: str | None) -> str:
    known = field if field in ALIASES else None
    if known is None:
        known = next((ours for ours, all_ in ALIASES.items() if column_key(field) in all_), None)
    fields = ", ".join(ALIASES)
    if known is None:
        turned = f"; did you mean {{{column!r}: {field!r}}}?" if field in names else ""
        raise ReadError(
            Rejected(f"columns: there is no field {field!r:.80}", source, hint=f"fields are {fields}{turned}")
        )
    if column is not None and column not in names:
        turned = f"; did you mean {{{known!r}: {field!r}}}?" if field in names else ""
        raise ReadError(
            Rejected(
                f"columns: there is no column {column!r:.80}",
                source,
                column=str(column)[:80],
                hint=f"the columns are {listed(names)}{turned}",
            )
        )
    return known


def listed(names: Iterable[str]) -> str:
    """Column names for a message, the first thirty of them."""
    shown = [repr(str(name)[:60]) for name in names]
    return ", ".join(shown[:30]) + (" …" if len(shown) > 30 else "")


def header_of(head: str, suffix: str) -> tuple[str, ...]:
    """The header of a delimited table, or () if the text does not begin like one.

    A file named as a table has a header in any case; any other text needs a column of words beside
    another known column.
    """
    names = first_record(head, delimiter_of(head))
    if suffix in TABLE_SUFFIXES:
        return names
    found = match(names)
    words = "text" in found or "transcript" in found
    return names if words and len(found) >= 2 and len(names) >= 2 else ()


def delimiter_of(head: str) -> str:
    """The delimiter that makes most known columns of the first record, then most columns."""

    def worth(delimiter: str) -> tuple[int, int]:
        names = first_record(head, delimiter)
        return len(match(names)), len(names)

    return max(DELIMITERS, key=worth)


def first_record(head: str, delimiter: str) -> tuple[str, ...]:
    """The cells of the first record that has any; () if it cannot be parsed."""
    try:
        for record in csv.reader(io.StringIO(head.lstrip("\ufeff"), newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in record):
                return tuple(cell.strip().lstrip("\ufeff") for cell in record)
    except csv.Error:
        return ()
    return ()
