"""The documentation site builds without a warning and without a network, and has a page for every rule and cue."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import servicequal as sq
from servicequal.packs import builtin_packs
from servicequal.rules import RULES
from support import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)]
    offline = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    env = {**os.environ, **offline, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return target


def test_every_page_is_there_and_reached(site: Path) -> None:
    start = (site / "index.html").read_text("utf-8")
    pages = [p.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for p in (ROOT / "docs").rglob("*.md")]
    pages += [f"reference/rules/{rule.code}.html" for rule in RULES]
    pages += [f"reference/cues/{pack.cue}.html" for pack in builtin_packs()]
    assert len(pages) > 60
    for page in pages:
        assert (site / page).is_file(), page
        assert page == "index.html" or f'href="{page}"' in start, f"{page} is not in the navigation"


def test_a_rules_page_says_what_the_rule_says(site: Path) -> None:
    for rule in RULES:
        text = _plain(site / "reference" / "rules" / f"{rule.code}.html")
        for part in (rule.what, rule.why, rule.say_instead, rule.source, rule.name):
            assert _squeezed(part) in text, (rule.code, part)


def test_a_cues_page_has_its_reasons_and_examples(site: Path) -> None:
    for pack in builtin_packs():
        text = _plain(site / "reference" / "cues" / f"{pack.cue}.html")
        examples = pack.examples
        groups = (examples.flags, examples.passes, examples.known_misses, examples.known_false_alarms)
        said = [example.text for group in groups for example in group]
        for part in (pack.why, pack.say_instead or "", pack.source, *said, *pack.phrases):
            assert _squeezed(part) in text, (pack.cue, part)


def test_every_public_name_is_documented(site: Path) -> None:
    text = (site / "reference" / "python.html").read_text("utf-8")
    missing = [name for name in sq.__all__ if name != "__version__" and f'id="servicequal.{name}"' not in text]
    assert not missing


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        fetched = re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*\"", text)
        assert not fetched, page
    for sheet in site.rglob("*.css"):
        assert "@import" not in sheet.read_text("utf-8"), sheet
        assert not re.search(r"url\(['\"]?(?:https?:)?//", sheet.read_text("utf-8")), sheet


def _plain(page: Path) -> str:
    import html

    body = page.read_text("utf-8").split("<article", 1)[1].split("</article>", 1)[0]
    return _squeezed(html.unescape(re.sub(r"<[^>]+>", "", body)))


def _squeezed(text: str) -> str:
    """Without spaces and quotation marks, which Markdown may set in its own way."""
    return re.sub(r"[\s\"'“”‘’]+", "", text)
