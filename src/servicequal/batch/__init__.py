"""Batches: any number of conversations to datasets on disk, and reading them back."""

from .data import RunData, open_run
from .run import Progress, Run, score_to

__all__ = ["Progress", "Run", "RunData", "open_run", "score_to"]
