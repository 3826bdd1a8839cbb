"""The one role-mapping layer: what a file calls its speakers becomes agent, customer, bot, system.

The order is fixed: the caller's own map (by id, name, label, channel), then what the format itself
knows, then the built-in list of usual labels, then ``unknown``. An unknown label never becomes an
agent by itself. Labels that mean different things on different platforms (``Operator``,
``Assistant``, ``Internal``, ``Business``) stay ``unknown`` until somebody says what they are.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import cast

from servicequal.conversation import ROLES, Role
from servicequal.errors import ReadError, Rejected
from servicequal.readers.words import words

RolesArgument = Mapping[str, str] | str | PathLike[str] | None
"""What ``roles=`` takes: a map of label, name, id or channel to role, or a CSV file of the same."""

_LABELS: dict[Role, str] = {
    "agent": "agent humanagent rep representative advisor adviser csr admin teammate supervisor "
    "liveagent serviceagent supportagent callcenteragent callcentreagent customerserviceagent "
    "customersupportagent customerservicerepresentative customerservicerep customerservice "
    "customersupport customersupportrepresentative customercare customercarerepresentative "
    "servicerep servicerepresentative salesrep salesrepresentative salesagent support supportrep "
    "supportspecialist customerserviceadvisor customerserviceadviser customeradvisor callhandler",
    "customer": "customer client caller enduser user lead contact consumer visitor guest patient "
    "requester requestor external inbound cust shopper",
    "bot": "bot automatedagent custombot virtualagent virtualassistant ivr answerbot ai chatbot aiagent aiassistant",
    "system": "system event trigger action controller systemmessage",
    "unknown": "unknown",
}
BUILT_IN: dict[str, Role] = {label: role for role, all_ in _LABELS.items() for label in all_.split()}
"""Usual labels (lower case, without spaces and marks) and their role."""

AMBIGUOUS = frozenset({"operator", "assistant", "internal", "business"})
"""Labels that are a person on one platform and a bot on another."""

WEAK = frozenset(
    words(
        "action event trigger contact lead internal external business inbound ai admin controller",
        "support business user customerservice customersupport customercare unknown guest",
    )
)
"""Labels that are also ordinary words before a colon: in plain text they must be seen twice."""

_NUMBERED = frozenset(words("agent customer advisor adviser representative rep csr client bot visitor supervisor"))


def key(label: object) -> str:
    """A label without case, spaces and marks: ``Human_Agent`` is ``humanagent``."""
    return _key(str(label)) if not isinstance(label, str) or len(label) < 200 else _key.__wrapped__(label)


@lru_cache(maxsize=4096)
def _key(label: str) -> str:
    return "".join(c for c in label.casefold() if c.isalnum())


def built_in(label: object) -> Role:
    """The role of a usual label, ``unknown`` for any other.

    ``Agent 2``, ``Agent (Dana)`` and ``Dana (Agent)`` are agents; ``Agent Smith`` is a name.
    """
    return _built_in(str(label)[:200].strip())


@lru_cache(maxsize=4096)
def _built_in(text: str) -> Role:
    for part in (text, *_parts(text)):
        found = BUILT_IN.get(key(part))
        bare = key(part).rstrip("0123456789")
        if found is None and bare in _NUMBERED:
            found = BUILT_IN[bare]
        if found is not None:
            return found
    return "unknown"


def _parts(text: str) -> tuple[str, ...]:
    """``Agent (Dana)``, ``Dana [Agent]`` and ``Agent - Dana`` in their two halves."""
    for opening, closing in (("(", ")"), ("[", "]")):
        head, found, tail = text.partition(opening)
        if found and tail.rstrip().endswith(closing):
            return head.strip(), tail.rstrip()[:-1].strip()
    for dash in (" - ", " – ", " | ", "/"):
        head, found, tail = text.partition(dash)
        if found:
            return head.strip(), tail.strip()
    return ()


def person(label: object) -> str | None:
    """Who a label names beyond the bare role: ``Dana`` of ``Agent (Dana)``, None of ``AGENT``."""
    text = str(label).strip()
    if not text or key(text) in BUILT_IN:
        return None
    halves = [half for half in _parts(text) if key(half) not in BUILT_IN]
    return halves[0] if len(halves) == 1 and halves[0] else text


@dataclass(frozen=True)
class Roles:
    """The caller's map over the built-in labels. ``seen``, if given, counts (label, role)."""

    own: Mapping[str, Role] = field(default_factory=dict)
    infer: bool = False
    seen: Counter[tuple[str, Role]] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, roles: RolesArgument = None, infer: bool = False) -> Roles:
        """Read the ``roles=`` argument. Raises ReadError naming the entry that is no role."""
        if roles is None:
            return cls({}, infer)
        if isinstance(roles, Mapping):
            return cls(dict(_checked(k, v, None, None) for k, v in roles.items()), infer)
        if isinstance(roles, (str, PathLike)):
            return cls(_from_csv(Path(roles)), infer)
        raise ReadError(Rejected("roles= takes a map of label to role or the path of a CSV file"))

    def mapped(self, *names: object) -> Role | None:
        """The role that the caller's map gives to the first of these names that it knows."""
        for name in names:
            if name is not None and (role := self.own.get(_own_key(name))) is not None:
                return role
        return None

    def knows(self, label: object) -> bool:
        """True for a label in the caller's map or a usual one, ambiguous ones included."""
        half = next(iter(_parts(str(label)[:200])), label)
        return (
            self.mapped(label, half) is not None
            or built_in(label) != "unknown"
            or key(label) in AMBIGUOUS
            or key(half) in AMBIGUOUS
        )

    def role(
        self,
        label: object = None,
        *,
        name: object = None,
        speaker_id: object = None,
        channel: object = None,
        certain: Role | None = None,
    ) -> Role:
        """The role of one turn.

        ``certain`` is what the format itself knows (an id joined to a participant list). The
        caller's ``"*"`` stands for everybody who would otherwise be unknown.
        """
        own = self.mapped(speaker_id, name, label, None if label is None else person(label), channel)
        found = own or certain or "unknown"
        for candidate in (label, name):
            if found == "unknown" and own is None and candidate is not None:
                found = built_in(candidate)
        if found == "unknown" and own is None:
            found = self.own.get("*", "unknown")
        if self.seen is not None:
            shown = next((x for x in (label, name, speaker_id, channel) if x not in (None, "")), "")
            self.seen[str(shown)[:80], found] += 1
        return found


def _own_key(name: object) -> str:
    return key(name) or str(name).strip()


def _checked(label: object, role: object, source: str | None, line: int | None) -> tuple[str, Role]:
    wanted = str(role).strip().lower()
    if wanted in ROLES:
        return _own_key(label), cast(Role, wanted)
    hint = f"roles are {', '.join(ROLES)}"
    if str(label).strip().lower() in ROLES:
        hint += f"; the map goes from your label to ours: {{{str(role)!r}: {str(label)!r}}}"
    raise ReadError(
        Rejected(f"roles: {label!r:.80} is mapped to {role!r:.80}, which is no role", source, line=line, hint=hint)
    )


def _from_csv(path: Path) -> dict[str, Role]:
    """A file of two columns, label and role; a first line that is a header is skipped."""
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeError, csv.Error) as error:
        raise ReadError(
            Rejected(f"the role map cannot be read: {error}", str(path), hint="a UTF-8 CSV file: label,role")
        ) from error
    found: dict[str, Role] = {}
    for line, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (line == 1 and len(cells) > 1 and cells[1].lower() == "role"):
            continue
        if len(cells) < 2:
            raise ReadError(Rejected("the role map needs two columns", str(path), line=line, hint="label,role"))
        label, role = _checked(cells[0], cells[1], str(path), line)
        found[label] = role
    return found
