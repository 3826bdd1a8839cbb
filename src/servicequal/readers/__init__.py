"""Readers: every export becomes Conversations, through one registry and one role-mapping layer."""

from servicequal.readers.api import from_frame, read, to_jsonl
from servicequal.readers.draft import Draft, Said, build
from servicequal.readers.html import plain_text_of_html
from servicequal.readers.inspection import FileReport, Inspection, LabelReport, inspect
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.registry import Fit, Reader, Sniff, readers
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source

__all__ = [
    "Draft",
    "FileReport",
    "Fit",
    "Inspection",
    "LabelReport",
    "Place",
    "Reader",
    "Roles",
    "Said",
    "Sample",
    "Sniff",
    "Source",
    "build",
    "from_frame",
    "inspect",
    "json_reader",
    "plain_text_of_html",
    "read",
    "readers",
    "to_jsonl",
]
