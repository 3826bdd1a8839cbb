"""The report in a real browser, opened from disk: found, read, judged and saved; nothing runs, nothing overflows.

Needs the extra ``browser`` and a Chromium of the system (``apt-get install chromium``).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

import servicequal as sq
from servicequal.batch import score_to
from servicequal.report.page import write_report
from servicequal.verdicts import digest_of, read_verdicts
from support import hostile_talk

pytestmark = [pytest.mark.slow, pytest.mark.browser]
CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
FLAGGED = "#conversation mark.hurts"
POOR = "call-closed-while-open-poor"


@pytest.fixture(scope="module")
def talks(samples) -> list[sq.Conversation]:
    """The samples with agents, over two pages of the list, and a hostile one at the end."""
    named = [
        c.model_copy(
            update={
                "turns": tuple(
                    t.model_copy(update={"speaker_id": t.speaker_id or ("Ada", "Ben", "Cleo")[n % 3]})
                    if t.speaker == "agent"
                    else t
                    for t in c.turns
                )
            }
        )
        for n, c in enumerate(samples.values())
    ]
    again = [c.model_copy(update={"id": f"{c.id}-again"}) for c in named]
    return [*named, *again, hostile_talk()]


@pytest.fixture(scope="module")
def url(tmp_path_factory, scorer, talks) -> str:
    folder = tmp_path_factory.mktemp("report")
    rejected = sq.Rejected("no turns with words", "week.csv", line=7)
    run = score_to([*talks, rejected], folder / "out", scorer=scorer)
    write_report(run.out, folder / "report.html", title="Support team")
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra 'browser'")
    if CHROMIUM is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, url) -> Iterator[Any]:
    """Opens the report at a hash; afterwards nothing may have gone wrong, been asked for or popped up."""
    contexts, trouble = [], []

    def go(where: str = "", width: int = 1280, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("console", lambda said: said.type in ("error", "warning") and trouble.append(f"console: {said.text}"))
        page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda sent: sent.url.startswith(("file:", "blob:")) or trouble.append(sent.url[:99]))
        page.goto(url + where)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield go
    pwned = [p.evaluate("'pwned' in window") for c in contexts for p in c.pages if not p.is_closed()]
    for context in contexts:
        context.close()
    assert not trouble, trouble
    assert not any(pwned)


def rows(page: Any) -> list[str]:
    return page.locator("#rows tbody a.open").all_inner_texts()


def overflow(page: Any) -> int:
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def until(page: Any, what: str, arg: Any = None) -> None:
    """Wait for an expression; Playwright's own way evaluates strings, which the page's policy forbids."""
    for _ in range(300):
        if page.evaluate(what, arg):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {what} {arg}")


def settled(page: Any, text: str) -> None:
    until(page, "text => document.getElementById('count').textContent.includes(text)", text)


def test_searching_and_filtering_narrow_the_list_and_the_address_keeps_it(visit, talks):
    page = visit("#list")
    settled(page, f"{len(talks)} conversations, 1 to 50 shown")
    page.get_by_label("Search").fill("stair-lift no such")
    settled(page, "No conversation is like that")
    page.get_by_label("Search").fill("closed-while ada")
    page.get_by_label("Search").fill("closed-while")
    settled(page, f"2 of {len(talks)}")
    assert rows(page) == [POOR, f"{POOR}-again"]
    page.reload()
    settled(page, f"2 of {len(talks)}")
    page.get_by_role("button", name="Clear").click()
    settled(page, f"{len(talks)} conversations")
    page.get_by_label("Rule missed").select_option("CSE104")
    page.get_by_label("Score to").fill("40")
    until(page, "document.querySelectorAll('#rows tbody tr').length < 50")
    scores = page.locator("#rows tbody td:nth-child(2)").all_inner_texts()
    assert scores
    assert all(int(score) <= 40 for score in scores)


def test_the_list_is_sorted_and_paged(visit, talks):
    page = visit("#list")
    page.get_by_role("button", name="Overall", exact=True).click()
    first = page.locator("#rows tbody td:nth-child(2)").all_inner_texts()
    assert first == sorted(first, key=int)
    assert page.locator("#rows th[data-key=s0]").get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="Next").click()
    settled(page, f"51 to {len(talks)} shown")
    assert page.get_by_text("Page 2 of 2").is_visible()
    page.get_by_role("button", name="Overall", exact=True).click()
    known = [int(s) for s in page.locator("#rows tbody td:nth-child(2)").all_inner_texts() if s != "–"]
    assert known == sorted(known, reverse=True)


def test_a_click_opens_a_conversation_and_back_returns_to_the_same_list(visit):
    page = visit("#list")
    page.get_by_label("Agent", exact=True).select_option(label="Ben")
    until(page, "document.querySelectorAll('#rows tbody tr').length < 50")
    before = rows(page)
    page.locator("#rows a.open").nth(1).click()
    page.wait_for_selector("#conversation h1")
    assert page.locator("#conversation h1").inner_text() == before[1]
    assert "#c=" in page.url
    page.get_by_role("link", name="Next").click()
    until(page, "id => document.querySelector('#conversation h1').textContent === id", before[2])
    page.go_back()
    until(page, "id => document.querySelector('#conversation h1').textContent === id", before[1])
    page.get_by_role("link", name="All conversations").click()
    page.wait_for_selector("#overview:not([hidden])")
    assert rows(page) == before
    assert "agent=" in page.url


def test_a_deep_link_opens_the_turn_and_the_ledger_adds_up(visit, talks):
    position = [c.id for c in talks].index(POOR)
    page = visit(f"#c={position}&t=10")
    turn = page.locator("#t10")
    assert "here" in turn.get_attribute("class")
    assert page.evaluate("document.activeElement.id") == "t10"
    assert turn.locator(".words").inner_text() == talks[position].turns[10].text
    for account in page.locator(".account").all():
        points = account.locator(".line .points").all_inner_texts()
        total = account.locator(".sum span:last-child")
        if points:
            got = sum(float(p.split(" of ")[0].replace("+", "").replace("−", "-")) for p in points)
            assert got == pytest.approx(float(total.inner_text()), abs=1e-6)


def test_a_deep_link_to_nothing_says_so(visit):
    page = visit("#c=999999")
    assert "not in the report" in page.locator("#conversation h1").inner_text()


def test_a_flag_is_explained_by_pointing_and_by_keyboard_alone(visit, talks):
    page = visit(f"#c={[c.id for c in talks].index(POOR)}")
    page.locator(FLAGGED).first.hover()
    assert "Say instead" in page.locator("#tip").inner_text()
    page.mouse.move(0, 0)
    page.locator(FLAGGED).first.focus()
    assert page.locator("#tip").is_visible()
    page.keyboard.press("Enter")
    panel = page.locator(".panel")
    assert "Say instead" in panel.text_content()
    assert panel.locator(".small").first.text_content()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Close"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Agree"
    page.keyboard.press("Escape")
    assert panel.count() == 0
    assert page.evaluate("document.activeElement.tagName") == "MARK"


def test_the_whole_way_with_the_keyboard(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("#q").focus()
    page.keyboard.type("closed-while")
    until(page, "document.querySelectorAll('#rows tbody tr').length === 2")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "open":
            break
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("#conversation h1")
    assert page.evaluate("document.activeElement.id") == "conversation-title"
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName"))
    assert {"A", "BUTTON", "MARK"} <= seen


def test_verdicts_are_cast_kept_saved_and_taken_up_again(visit, talks, tmp_path):
    position = [c.id for c in talks].index(POOR)
    page = visit(f"#c={position}")
    page.locator(FLAGGED).first.click()
    page.locator(".panel").get_by_role("button", name="Disagree").click()
    page.locator(".panel").get_by_role("button", name="Close").click()
    page.locator(".line").filter(has_text="CSE104").get_by_role("button", name="Agree", exact=True).click()
    page.get_by_role("button", name="Mark what was missed in turn 8").click()
    page.get_by_label("Words").fill("nothing like this")
    page.get_by_role("button", name="Mark", exact=True).click()
    assert page.get_by_text("These words are not in the turn").is_visible()
    words = talks[position].turns[8].text[5:18]
    page.get_by_label("Words").fill(words)
    page.get_by_label("What it is").select_option("dismissive")
    page.get_by_role("button", name="Mark", exact=True).click()
    assert page.locator("#t8 mark.added").inner_text().strip() == words.strip()
    page.locator("#grade-overall").select_option("1")
    page.locator("#grade-flexibility").select_option("na")
    page.get_by_label("Comment").fill("Left alone </script>")
    page.get_by_label("I have read all of it").check()
    page.get_by_label("Reviewer").last.fill("Ada L.")
    page.get_by_label("Reviewer").last.press("Tab")
    with page.expect_download() as download:
        page.locator("#conversation .save").click()
    path = tmp_path / "verdicts.json"
    download.value.save_as(path)

    verdict = read_verdicts(path).verdicts[0]
    assert (verdict.position, verdict.conversation_id, verdict.reviewer) == (position, POOR, "Ada L.")
    assert verdict.digest == digest_of(talks[position])
    assert verdict.grades == {"overall": 1.0, "flexibility": None}
    assert [(f.code, f.agree) for f in verdict.findings] == [("CSE104", True)]
    assert verdict.complete
    assert verdict.comment == "Left alone </script>"
    disputed = [cue for cue in verdict.cues if not cue.agree]
    assert len(disputed) == 1
    assert disputed[0].text == talks[position].turns[disputed[0].turn].text[disputed[0].start : disputed[0].end]
    assert [(m.cue, m.turn, m.text) for m in verdict.missed] == [("dismissive", 8, words.strip())]

    page.reload()
    page.wait_for_selector("#t8 mark.added")
    assert page.get_by_label("Comment").input_value() == "Left alone </script>"

    fresh = visit("#review")
    fresh.locator("#import").set_input_files(path)
    fresh.get_by_text("1 verdict loaded").first.wait_for()
    assert fresh.get_by_label("Reviewer").first.input_value() == "Ada L."
    with fresh.expect_download() as again:
        fresh.locator("#review .save").click()
    again.value.save_as(tmp_path / "again.json")
    assert read_verdicts(tmp_path / "again.json").verdicts == read_verdicts(path).verdicts


def test_a_file_that_holds_no_verdicts_is_refused_with_a_reason(visit, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"schema": "other"}))
    page = visit("#review")
    page.locator("#import").set_input_files(path)
    page.get_by_text("The file can't be used: it isn't servicequal-verdicts/1").first.wait_for()


def test_selected_words_after_an_emoji_keep_their_place(visit, talks, tmp_path):
    position = len(talks) - 1
    text = talks[position].turns[3].text
    page = visit(f"#c={position}")
    page.evaluate(
        """() => {
          const paragraph = document.querySelector('#t3 .words');
          const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const at = node.data.indexOf('desrever');
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + 8);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
          }
        }"""
    )
    page.get_by_role("button", name="Mark these words").click()
    page.get_by_label("What it is").select_option("disowning")
    page.get_by_role("button", name="Mark", exact=True).click()
    with page.expect_download() as download:
        page.locator("#conversation .save").click()
    download.value.save_as(tmp_path / "v.json")
    mark = read_verdicts(tmp_path / "v.json").verdicts[0].missed[0]
    assert text[mark.start : mark.end] == "desrever"


@pytest.mark.parametrize("width", [1280, 360])
def test_hostile_words_run_nowhere_and_never_widen_the_page(visit, talks, width):
    hostile = talks[-1]
    page = visit(f"#c={len(talks) - 1}", width=width)
    assert page.locator("#conversation h1").text_content() == hostile.id
    for number, turn in enumerate(hostile.turns):
        shown = page.locator(f"#t{number} .words").text_content()
        assert shown == turn.text
    assert overflow(page) <= 0
    assert page.locator("#conversation img, #conversation script, #conversation textarea:not(#comment)").count() == 0
    page.evaluate("location.hash = '#list'")
    page.get_by_label("Search").fill("pwned")
    until(page, "document.querySelectorAll('#rows tbody tr').length === 1")
    assert overflow(page) <= 0


@pytest.mark.parametrize("where", ["", "#c=5"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_width_needs_scrolling_sideways(visit, where, width):
    page = visit(where, width=width)
    assert overflow(page) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", ["", "#c=5"])
def test_axe_finds_no_serious_violation(visit, where, scheme):
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="needs the extra 'browser'")
    page = visit(where, color_scheme=scheme)
    if where:
        page.locator(FLAGGED).first.click()
    else:
        for summary in page.locator("#overview summary").all()[:2]:
            summary.click()
    found = axe.Axe().run(page)["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not serious, [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in serious]


def test_the_switch_changes_the_colours_and_lasts(visit):
    page = visit(color_scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(colour)
    assert dark != light
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert page.evaluate(colour) == dark
    assert visit(color_scheme="dark").evaluate(colour) == dark


def test_print_leaves_out_what_paper_cannot_do(visit):
    page = visit("#c=5", color_scheme="dark")
    page.emulate_media(media="print")
    assert page.locator(".top").is_hidden()
    assert page.locator(".verdict-form").is_hidden()
    assert page.locator(".transcript").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf()[:4] == b"%PDF"


def test_first_paint_comes_early(visit):
    page = visit()
    paints = page.evaluate("performance.getEntriesByType('paint').map(p => [p.name, p.startTime])")
    assert dict(map(tuple, paints))["first-contentful-paint"] < 4000
