"""What a process does with a chunk: parse, score, write its part, and tell how much it was."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..conversation import Conversation
from ..errors import Rejected
from ..readers.draft import printable
from ..scorer import Scorer, judged_each
from ..scoring import Judgement
from .chunks import Chunk
from .files import Folder, part_name
from .part import Part
from .tables import write

Summary = dict[str, Any]
"""What the journal says of a part: its name, position, conversations, scored, rejected, turns, digest, sizes."""


@dataclass(frozen=True, slots=True)
class Job:
    """A chunk and the position of its first conversation in the whole input."""

    chunk: Chunk
    position: int


def worker(scorer: Scorer, folder: Folder) -> Callable[[Job], Summary]:
    """The function that does jobs; made once in each process."""
    threads = ThreadPoolExecutor(len(folder.datasets))
    return lambda job: score_part(job, scorer, folder, threads)


def score_part(job: Job, scorer: Scorer, folder: Folder, threads: Executor) -> Summary:
    """Score a chunk and publish its part. Raises BatchError where it can't be written."""
    part = Part(turns="turns" in folder.datasets)
    position, turns, rejected = job.position, 0, 0
    for item, judged in judged_each(scorer, job.chunk.items()):
        refused = _refused(item, judged)
        if refused is not None:
            part.reject(position, refused)
            rejected += 1
        elif isinstance(item, Conversation) and isinstance(judged, Judgement):
            part.add(position, item, judged)
            turns += len(item.turns)
        position += 1
    read = position - job.position
    said = {
        "part": part_name(job.chunk.number),
        "position": job.position,
        "conversations": read,
        "scored": read - rejected,
        "rejected": rejected,
        "turns": turns,
        "digest": job.chunk.digest(),
    }
    writers = {name: partial(write, part.table(name), name) for name in part.datasets}
    return folder.publish(job.chunk.number, said, writers, threads)


def _refused(item: Conversation | Rejected, judged: Judgement | Exception | None) -> Rejected | None:
    """What is put down of an item that has no scorecard."""
    if isinstance(item, Rejected):
        return item
    if not isinstance(judged, Exception):
        return None
    source = item.metadata.get("file")
    reason = f"could not be scored: {type(judged).__name__}: {str(judged)[:200]}"
    return Rejected(
        printable(reason),
        printable(source) if isinstance(source, str) else None,
        item.id,
        hint="please report this with the conversation's shape",
    )
