"""The notebooks run from top to bottom, and what is stored in them is what they show now.

``UPDATE_NOTEBOOKS=1 pytest -m slow tests/test_notebooks.py`` stores what they show now. Pictures are not compared:
where letters stand depends on the fonts at hand.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ROOM = 250_000
"""Bytes of a notebook with its outputs at most."""

slow = pytest.mark.slow


@cache
def run(path: Path) -> Any:
    """The notebook after a run in a fresh kernel, without anything that differs from run to run."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("vl_convert")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    return tidy(notebook)


def tidy(notebook: Any) -> Any:
    count = 0
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]  # warnings about what else is installed
        for output in cell.outputs:
            output.pop("transient", None)
            if "execution_count" in output:
                output.execution_count = count
            if "metadata" in output:
                output.metadata = {}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def outputs(notebook: Any) -> list[list[Any]]:
    """What each code cell shows, as text."""
    return [[_shown(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def _shown(output: Any) -> Any:
    if output.output_type == "stream":
        return output.text
    kept = {kind: data for kind, data in output.get("data", {}).items() if not kind.startswith("image/")}
    return kept or output.output_type


def test_there_are_notebooks() -> None:
    assert [path.name[0] for path in NOTEBOOKS] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored_is_small_and_tells_nothing_of_the_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.encode()) < ROOM
    assert not re.search(r"/tmp/|/home/|/root/|/Users/|site-packages|Traceback|\"iopub", text)
    for line in re.findall(r"\.\./([\w./-]+)", text):
        assert line.startswith("data/samples"), f"{line}: notebooks use the samples only"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_between_them_and_into_the_documentation_resolve(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([\w.-]+\.ipynb)\)", text):
        assert (path.parent / target).is_file(), target
    for target in re.findall(r"`((?:docs/)?[\w-]+\.md)`", text):
        assert (ROOT / target).is_file(), target


@slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom_and_shows_what_is_stored(path: Path) -> None:
    now = run(path)
    if os.environ.get("UPDATE_NOTEBOOKS"):
        import nbformat

        nbformat.write(now, path)
        return
    import nbformat

    stored = nbformat.read(path, as_version=4)
    assert outputs(now) == outputs(stored), "UPDATE_NOTEBOOKS=1 stores what it shows now; read the difference"
