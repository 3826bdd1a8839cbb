"""Conversation, Turn and Span: the only owner of transcript text and of offsets into it.

Everything else in servicequal points back here: a cue, a finding or a highlighted word is a
:class:`Span`, a turn number plus character offsets into the *original* text of that turn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .rendering import Rendered

Role = Literal["agent", "customer", "bot", "system", "unknown"]
"""Who speaks. ``unknown`` is an honest answer: nothing is scored on a turn whose role is unknown."""

Channel = Literal["call", "chat", "email", "social"]

Kind = Literal["message", "note", "notice", "survey", "quote"]
"""What a turn is. Only ``message`` turns are scored; the others are kept so that nothing vanishes."""

ROLES: tuple[str, ...] = get_args(Role)
CHANNELS: tuple[str, ...] = get_args(Channel)


_HALF = re.compile("[\ud800-\udfff]")


def _whole(value: object) -> object:
    """Half a character (a lone surrogate) can't be written to any file: it becomes U+FFFD, and offsets stay."""
    return _HALF.sub("\ufffd", value) if isinstance(value, str) and not value.isascii() else value


def _lowered(value: object) -> object:
    """Spelling of the closed vocabularies is forgiven for case and outer space, for nothing else."""
    return value.strip().lower() if isinstance(value, str) else value


class _Whole:
    """A text whose half characters are made whole; JSON has none, so there nothing is called for it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = handler(source)
        mended = core_schema.no_info_before_validator_function(_whole, text)
        return core_schema.json_or_python_schema(json_schema=text, python_schema=mended)


class _Spelled:
    """A word of a closed vocabulary: as it stands, or lowered where it is none. So hardly any is lowered."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        word = handler(source)
        *most, last = map(repr, get_args(source))
        return core_schema.union_schema(
            [word, core_schema.no_info_before_validator_function(_lowered, word)],
            mode="left_to_right",
            custom_error_type="literal_error",
            custom_error_context={"expected": f"{', '.join(most)} or {last}"},
        )


class Turn(BaseModel):
    """One uninterrupted contribution by one speaker. Frozen.

    ``start`` and ``end`` are seconds from the start of the conversation, or None where the source
    has no times. ``speaker_id`` tells several agents (or customers) apart. ``confidence`` is the
    speech recogniser's, 0-1, or None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    speaker: Annotated[Role, _Spelled()]
    text: Annotated[str, _Whole()]
    start: float | None = Field(default=None, allow_inf_nan=False)
    end: float | None = Field(default=None, allow_inf_nan=False)
    speaker_id: str | None = None
    kind: Annotated[Kind, _Spelled()] = "message"
    confidence: float | None = Field(default=None, ge=0.0, le=1.0)

    @property
    def scorable(self) -> bool:
        """True for a message with words in it; notes, notices, surveys and quotes never are."""
        return self.kind == "message" and not self.text.isspace() and self.text != ""


class Conversation(Rendered, BaseModel):
    """One service conversation: an id, a channel and its turns in order. Frozen.

    A turn's number everywhere in servicequal is its position in ``turns``, from 0. ``channel`` is
    None where the source does not say. ``metadata`` is carried along and never read by a rule.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    channel: Annotated[Channel | None, BeforeValidator(_lowered)] = None
    turns: tuple[Turn, ...] = ()
    metadata: dict[str, Any] = Field(default_factory=dict)

    def text_at(self, span: Span) -> str:
        """The exact words a span points to. Raises IndexError where it points outside the text."""
        text = self.turns[span.turn].text
        if not 0 <= span.start <= span.end <= len(text):
            raise IndexError(
                f"span {span.start}:{span.end} is outside turn {span.turn}, which has {len(text)} characters"
            )
        return text[span.start : span.end]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters ``start`` to ``end`` (end excluded) of the original text of turn ``turn``."""

    turn: int
    start: int
    end: int
