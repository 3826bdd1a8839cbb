"""The HTML report of a large run: size of the file, time to write it, and, with Chromium, to the first paint.

    python benchmarks/report.py [--conversations 10000] [--browser /usr/bin/chromium]

Conversations are those of data/training/corpus.jsonl over and over, each with an id of its own. The browser needs the
extra ``browser`` and is left out where playwright is not installed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import servicequal as sq
from servicequal.report.page import write_report

sys.path.insert(0, str(Path(__file__).parent))
from batch import generate

ROUNDS = 5
PAINTS = "performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)"


def first_paint(page: Path, chromium: str) -> float | None:
    """Median milliseconds from navigation to the first contentful paint, from disk; None without playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    found = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(ROUNDS):
            opened = browser.new_page()
            opened.goto(page.as_uri())
            while not (times := opened.evaluate(PAINTS)):  # the page's policy lets nothing wait inside it
                opened.wait_for_timeout(20)
            found.append(float(times[0]))
            opened.close()
        browser.close()
    return median(found)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--conversations", type=int, default=10_000)
    arguments.add_argument("--browser", default="/usr/bin/chromium")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, out, page = (Path(folder) / name for name in ("in.jsonl", "out", "report.html"))
        generate(source, given.conversations)
        run = sq.score_to(source, out, workers=2)
        began = time.perf_counter()
        made = write_report(out, page)
        took = time.perf_counter() - began
        print(
            f"{made.conversations:,} conversations of {run.turns:,} turns, {made.transcripts:,} with their transcript"
        )
        print(f"{made.bytes / 1e6:.1f} MB, written in {took:.0f} s")
        paint = first_paint(page, given.browser)
        print("first paint not measured: no playwright" if paint is None else f"first paint after {paint:.0f} ms")


if __name__ == "__main__":
    main()
