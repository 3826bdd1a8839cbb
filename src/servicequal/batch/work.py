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
from ..scorer import Scorer
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
    for item in job.chunk.items():
        refused = item if isinstance(item, Rejected) else _scored(item, position, scorer, part)
        if refused is not None:
            part.reject(position, refused)
            rejected += 1
        elif isinstance(item, Conversation):
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


def _scored(conversation: Conversation, position: int, scorer: Scorer, part: Part) -> Rejected | None:
    """Put what is made of a conversation into the part. A bug that it brings out costs it alone, not the batch."""
    try:
        judged = scorer.judge(conversation)
    except MemoryError:
        raise
    except Exception as error:
        source = conversation.metadata.get("file")
        reason = f"could not be scored: {type(error).__name__}: {str(error)[:200]}"
        return Rejected(
            printable(reason),
            printable(source) if isinstance(source, str) else None,
            conversation.id,
            hint="please report this with the conversation's shape",
        )
    part.add(position, conversation, judged)
    return None
