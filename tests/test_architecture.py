"""The one way through the house: nothing imports leftwards, and importing the package costs little."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ROOT, SOURCE

LAYERS = (
    "_version",
    "errors",
    "pool",
    "rendering",
    "_made",
    "made",
    "conversation",
    "masking",
    "readers",
    "_glance",
    "outline",
    "hygiene",
    "dynamics",
    "families",
    "_words",
    "normal",
    "forms",
    "language",
    "context",
    "packs",
    "phrases",
    "plan",
    "anchors",
    "_sieve",
    "sieve",
    "cues",
    "checkpack",
    "gold",
    "semantic",
    "detector",
    "rules",
    "rubric",
    "agents",
    "_account",
    "scoring",
    "_gather",
    "gather",
    "rows",
    "scorer",
    "live",
    "spacy_component",
    "batch",
    "verdicts",
    "sheets",
    "reviews",
    "agreement",
    "calibration",
    "coaching",
    "transformer",
    "report",
    "frame",
    "pandas",
    "plots",
    "spark",
    "cli_score",
    "cli_coach",
    "cli_calibrate",
    "cli_report",
    "cli",
    "__main__",
)
"""From left to right. A module may import what stands before it; a new module has to be given its place."""

HEAVY = {"pandas", "sklearn", "scipy", "spacy", "pyarrow", "joblib", "pyspark", "torch", "sentence_transformers"}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name inside servicequal) of every import of the package's own, wherever it is written."""
    package = path.relative_to(SOURCE).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [a.name.removeprefix("servicequal.") for a in node.names if a.name.startswith("servicequal.")]
            yield from ((node.lineno, name) for name in names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            stem = [*base, *(node.module.split(".") if node.module else [])]
            yield from ((node.lineno, ".".join([*stem, *([] if node.module else [a.name])])) for a in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "servicequal":
            inner = (node.module or "").removeprefix("servicequal").lstrip(".")
            yield from ((node.lineno, inner or a.name) for a in node.names)


def modules() -> list[Path]:
    return [p for p in sorted(SOURCE.rglob("*.py")) if p != SOURCE / "__init__.py"]


def home(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def test_every_module_has_its_place():
    unplaced = {home(p) for p in modules()} - set(LAYERS)
    assert not unplaced, f"give {sorted(unplaced)} a place in LAYERS, and in the README's architecture section"


def test_nothing_imports_leftwards():
    rank = {name: i for i, name in enumerate(LAYERS)}
    back = [
        f"{path.relative_to(ROOT)}:{line} ({home(path)}) imports {name}"
        for path in modules()
        for line, name in imports(path)
        if name.split(".")[0] != home(path)
        and rank.get(name.split(".")[0], len(rank)) >= rank.get(home(path), len(rank))
    ]
    assert not back, "\n".join(back)


def test_the_walk_sees_imports_however_they_are_written(tmp_path, monkeypatch):
    inner = tmp_path / "cues"
    inner.mkdir()
    source = inner / "x.py"
    source.write_text(
        "import servicequal.scorer\nfrom .. import cli\nfrom ..report.frames import a\nfrom . import b\n"
        "def f():\n    from servicequal.rules import RULES\n    from servicequal import frame\n"
    )
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    assert {n for _, n in imports(source)} == {"scorer", "cli", "report.frames", "cues.b", "rules", "frame"}


def test_heavy_packages_are_imported_only_where_they_are_used():
    def top_level(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
        for node in body:
            if isinstance(node, ast.Import):
                yield from ((node.lineno, a.name) for a in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.lineno, node.module or ""
            elif isinstance(node, ast.Try):
                yield from top_level(node.body)

    eager = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in modules()
        if path.name not in ("layers.py", "train.py", "spacy_component.py", "transformer.py", "pandas.py")
        for line, name in top_level(ast.parse(path.read_text("utf-8")).body)
        if name.split(".")[0] in HEAVY
    ]
    assert not eager, "\n".join(eager)


def test_import_and_score_stay_light():
    script = textwrap.dedent(
        """
        import sys, time
        began = time.perf_counter()
        import servicequal as sq
        took = time.perf_counter() - began
        heavy = {"pandas", "spacy", "sklearn", "scipy", "pyarrow", "joblib"}
        late = {"pydantic", "yaml", "re2", "numpy", "rich", "typer"}
        assert not (heavy | late) & set(sys.modules), sorted((heavy | late) & set(sys.modules))
        assert sq.Scorer and sq.read and sq.evaluate.__name__ == "evaluate"
        """
    )
    scoring = textwrap.dedent(
        """
        import sys
        import servicequal as sq
        talk = sq.Conversation(id="c", turns=[sq.Turn(speaker="customer", text="My parcel never came."),
                                              sq.Turn(speaker="agent", text="Leave it with me.")])
        sq.Scorer(model=False).score(talk)
        heavy = {"pandas", "spacy", "sklearn", "scipy", "pyarrow"} & set(sys.modules)
        assert not heavy, sorted(heavy)
        """
    )
    light = subprocess.run(
        [sys.executable, "-c", script + "\nprint(f'import servicequal: {took * 1000:.0f} ms')"],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=60,
    )
    assert light.returncode == 0, light.stderr
    print(light.stdout.strip())
    scored = subprocess.run([sys.executable, "-c", scoring], capture_output=True, text=True, env=os.environ, timeout=60)
    assert scored.returncode == 0, scored.stderr


def test_public_names_all_resolve():
    import servicequal as sq

    for name in sq.__all__:
        assert getattr(sq, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'scoer'"):
        _ = sq.scoer
