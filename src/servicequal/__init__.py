"""servicequal: a linter for service conversations.

Reads call and chat transcripts, marks the exact words that deflect ownership or that help, and scores each
conversation for common sense, flexibility, problem-solving and recovery. Every point is explained by words
on the page. Names are imported when first used, so ``import servicequal`` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

_HOME = {
    "Channel": "conversation", "Conversation": "conversation", "Role": "conversation",
    "Span": "conversation", "Turn": "conversation",
    "CueMatch": "cues",
    "Run": "batch", "RunData": "batch", "open_run": "batch", "score_to": "batch",
    "BatchError": "errors", "MissingExtraError": "errors", "PackError": "errors", "ReadError": "errors",
    "Rejected": "errors", "RubricError": "errors", "ServicequalError": "errors",
    "Evaluation": "agreement", "evaluate": "agreement",
    "AgentShare": "agents", "of_agent": "agents",
    "Calibration": "calibration", "calibrate": "calibration",
    "AgentHabits": "coaching", "habits": "coaching",
    "Dynamics": "dynamics",
    "Masker": "masking", "mask": "masking",
    "Pack": "packs", "load_pack": "packs",
    "from_frame": "readers", "inspect": "readers", "read": "readers", "to_jsonl": "readers",
    "Rubric": "rubric", "load_rubric": "rubric",
    "Finding": "scoring", "LedgerLine": "scoring", "Scorecard": "scoring",
    "Scorer": "scorer", "score": "scorer", "score_many": "scorer",
    "agents_frame": "report", "cues_frame": "report", "findings_frame": "report", "ledger_frame": "report",
    "scores_frame": "report",
    "score_frame": "frame",
    "ConversationFeatures": "transformer",
}  # fmt: skip

__all__ = ["__version__", *sorted(_HOME)]

if TYPE_CHECKING:
    from .agents import AgentShare, of_agent
    from .agreement import Evaluation, evaluate
    from .batch import Run, RunData, open_run, score_to
    from .calibration import Calibration, calibrate
    from .coaching import AgentHabits, habits
    from .conversation import Channel, Conversation, Role, Span, Turn
    from .cues import CueMatch
    from .dynamics import Dynamics
    from .errors import BatchError, MissingExtraError, PackError, ReadError, Rejected, RubricError, ServicequalError
    from .frame import score_frame
    from .masking import Masker, mask
    from .packs import Pack, load_pack
    from .readers import from_frame, inspect, read, to_jsonl
    from .report import agents_frame, cues_frame, findings_frame, ledger_frame, scores_frame
    from .rubric import Rubric, load_rubric
    from .scorer import Scorer, score, score_many
    from .scoring import Finding, LedgerLine, Scorecard
    from .transformer import ConversationFeatures


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'servicequal' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
