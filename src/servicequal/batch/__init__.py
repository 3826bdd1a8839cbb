"""Batches: any number of conversations to datasets on disk, and reading them back."""

from .data import RunData, open_run

__all__ = ["RunData", "open_run"]
