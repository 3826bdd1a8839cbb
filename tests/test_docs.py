"""The documentation is true: its code runs and prints what it says, its commands parse, its links resolve.

What a page's fenced blocks are for:

- ``python``: run in a fresh namespace, in a temporary folder with a copy of ``data/samples``;
- ``python no-run``: left alone;
- ``text output``, right after a ``python`` block: what it must print. ``UPDATE_DOCS=1 pytest tests/test_docs.py``
  writes what it prints now;
- ``yaml``, ``csv`` and ``toml`` with a first line ``# name.yaml``: a file of that name in the folder;
- ``console`` and ``bash``: each ``servicequal …`` in it must parse; it is run if all files that it names are in
  the folder. A comment ``# exit 1`` says that it ends so.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

import servicequal.packs
import servicequal.scorer
from servicequal.cli import app
from servicequal.conversation import CHANNELS, ROLES
from servicequal.cues import CueFinder, Status
from servicequal.errors import ServicequalError
from servicequal.packs import CUES, Example, Examples, Pack, builtin_macros, builtin_packs
from servicequal.rubric import Rubric, RuleSetting
from servicequal.rules import DIMENSIONS, RULES, Outcome
from support import ROOT, SAMPLES

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
PAGES = [page for page in PAGES if page.is_file()]
LINKED = [*sorted(ROOT.glob("*.md")), *(p for d in ("docs", "data", "benchmarks") for p in ROOT.glob(f"{d}/**/*.md"))]
FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
SLOW = {"train"}
"""Commands that are only parsed, whatever files they name."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, number from the end, line of the fence, info string, text with where it begins;
    and the block after it."""

    page: Path
    number: int
    line: int
    info: str
    text: str
    start: int = 0
    after: Block | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found: list[Block] = []
    for match in reversed(list(FENCE.finditer(text))):
        line = text.count("\n", 0, match.start()) + 1
        after = found[-1] if found else None
        found.append(Block(page, len(found), line, match[2].strip(), match[3], match.start(3), after))
    return found[::-1]


ALL = [block for page in PAGES for block in blocks(page)]
PYTHON = [block for block in ALL if block.info == "python"]
SHELL = [block for block in ALL if block.info in ("console", "bash")]


@cache
def _packs() -> tuple[Pack, ...]:
    return builtin_packs()


_finders: dict[tuple[str, ...], CueFinder] = {}


def _finder(packs: Sequence[Pack], nlp: Any = None) -> CueFinder:
    """Packs are compiled once for all blocks: it is most of the time that a Scorer takes to build."""
    if nlp is not None:
        return CueFinder(packs, nlp)
    key = tuple(pack.model_dump_json() for pack in packs)
    if key not in _finders:
        _finders[key] = CueFinder(packs)
    return _finders[key]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(SAMPLES, tmp_path / "data" / "samples")
    (tmp_path / "src").symlink_to(ROOT / "src")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(servicequal.packs, "builtin_packs", _packs)
    monkeypatch.setattr(servicequal.scorer, "CueFinder", _finder)
    return tmp_path


def _write_files(page: Path) -> None:
    for block in blocks(page):
        named = re.match(r"# ([\w.-]+\.\w+)\n", block.text)
        if named and block.info in ("yaml", "csv", "toml"):
            Path(named[1]).write_text(block.text, "utf-8")


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_runs_and_prints_what_the_page_says(block: Block, folder: Path) -> None:
    _write_files(block.page)
    printed = io.StringIO()
    code = compile("\n" * block.line + block.text, str(block.page), "exec", dont_inherit=True)
    with contextlib.redirect_stdout(printed):
        exec(code, {"__name__": "__main__"})
    if block.after is None or block.after.info != "text output":
        return
    now = printed.getvalue()
    if os.environ.get("UPDATE_DOCS"):
        text = block.page.read_text("utf-8")
        old = blocks(block.page)[-1 - block.after.number]
        block.page.write_text(text[: old.start] + now + text[old.start + len(old.text) :], "utf-8")
        return
    assert now == block.after.text, f"{block.after} is no longer what is printed (UPDATE_DOCS=1 rewrites it)"


def commands(block: Block) -> Iterator[tuple[list[str], int]]:
    """The servicequal commands of a block, as arguments, with the exit code that each should have."""
    joined = block.text.replace("\\\n", " ").splitlines()
    prompted = [line[2:] for line in joined if line.startswith("$ ")]
    for line in prompted or joined:
        code = re.search(r"# exit (\d)\s*$", line)
        for part in re.split(r"&&|\|\||[;|]", line):
            if re.match(r"\s*(\S*/)?servicequal\s", part):
                words = shlex.split(re.sub(r"\s\d?>.*", "", part), comments=True)
                yield words[1:], int(code[1]) if code else 0


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_commands_parse_and_run(block: Block, folder: Path) -> None:
    _write_files(block.page)
    for arguments, code in commands(block):
        if _parsed_and_there(arguments):
            result = CliRunner().invoke(app, arguments)
            ended = 2 if isinstance(result.exception, ServicequalError) else result.exit_code  # as main() does
            said = f"servicequal {shlex.join(arguments)}: {result.exception!r}\n{result.output}"
            assert ended == code, said


def _parsed_and_there(arguments: list[str]) -> bool:
    """Whether a command can be run here. Fails where it can't even be parsed."""
    group: Any = get_command(app)
    if arguments[0].startswith("-"):
        with pytest.raises(typer.Exit), contextlib.redirect_stdout(io.StringIO()):
            group.make_context("servicequal", list(arguments))
        return False
    assert arguments[0] in group.commands, f"no command {arguments[0]!r}"
    try:
        context = group.commands[arguments[0]].make_context(arguments[0], arguments[1:])
    except typer.Exit:  # --help
        return False
    except Exception as error:
        raise AssertionError(f"servicequal {shlex.join(arguments)}: {error!r}") from error
    return arguments[0] not in SLOW and all(any(Path().glob(name)) for name in _files(context.params))


def _files(params: dict[str, Any]) -> Iterator[str]:
    for name, given in params.items():
        values = given if isinstance(given, (list, tuple)) else [given]
        for value in values:
            if name == "out" or value is None:
                continue
            if isinstance(value, Path) or name in ("paths", "model") or (name == "roles" and "=" not in value):
                yield str(value)


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text("utf-8")))
    wrong = []
    for target in re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", text):
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            wrong.append(target)
    assert not wrong


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    if page.suffix != ".md":
        return set()
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _undocumented(page: str, names: Iterable[str]) -> list[str]:
    text = (ROOT / "docs" / page).read_text("utf-8")
    return [name for name in names if not re.search(rf"`[^`\n]*(?<!\w){re.escape(name)}(?!\w)[^`\n]*`", text)]


def test_every_key_macro_cue_and_outcome_is_documented() -> None:
    macros = [f"{{{name}}}" for name in builtin_macros()]
    assert not _undocumented("packs.md", [*Pack.model_fields, *Examples.model_fields, *Example.model_fields])
    assert not [name for name in macros if f"| `{name}` |" not in (ROOT / "docs/packs.md").read_text("utf-8")]
    thresholds = {name for rule in RULES for name in rule.params} | {r.code for r in RULES if r.params}
    assert not _undocumented("rubric.md", [*Rubric.model_fields, *RuleSetting.model_fields, *sorted(thresholds)])
    critical = {rule.code for rule in RULES if rule.critical}
    assert not _undocumented("rubric.md", critical)
    assert not _undocumented("concepts.md", critical)
    statuses, outcomes = get_args(Status), get_args(Outcome)
    assert not _undocumented("concepts.md", [*CUES, *DIMENSIONS, *statuses, *outcomes, *CHANNELS, *ROLES])


def test_the_check_sees_what_is_wrong(tmp_path: Path) -> None:
    page = ROOT / "docs" / "none.md"
    bad = Block(page, 0, 1, "console", "$ servicequal score x.txt --rubrik r.yaml\nservicequal prints\n")
    assert list(commands(bad)) == [(["score", "x.txt", "--rubrik", "r.yaml"], 0)]
    for arguments in (["score", "x.txt", "--rubrik", "r.yaml"], ["score"], ["prints"]):
        with pytest.raises(AssertionError):
            _parsed_and_there(arguments)
    assert not _parsed_and_there(["score", "nowhere/x.txt"])
    joined = Block(
        page, 0, 1, "bash", "python -m venv .venv && .venv/bin/servicequal score a \\\n  -o b > c  # exit 1\n"
    )
    assert list(commands(joined)) == [(["score", "a", "-o", "b"], 1)]
