"""The spaCy component in anybody's pipeline: spans with labels and ids, however spaCy moves them about."""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys

import pytest
import spacy
from spacy import displacy
from spacy.tokens import Doc, DocBin

from servicequal.errors import PackError
from servicequal.packs import builtin_packs
from servicequal.spacy_component import CueComponent

TEXT = "I'm sorry. It's nothing to do with us, that's down to the crews."
JARGON = """\
cue: jargon
speaker: agent
effect: hurts
why: Only insiders know this word.
source: handbook
macros: {insider: [tier two, pick and pack]}
phrases: ["(with|in) {insider} $", "costs #"]
examples: {flags: ["It's with tier two."], passes: [Hello.]}
"""


@pytest.fixture(scope="module")
def nlp():
    made = spacy.blank("en")
    made.add_pipe("servicequal")
    return made


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A pipeline with a pack of one's own, whose file is gone."""
    file = tmp_path_factory.mktemp("packs") / "jargon.yaml"
    file.write_text(JARGON)
    made = spacy.blank("en")
    made.add_pipe("servicequal", config={"spans_key": "quality"}).add_packs([file])
    file.unlink()
    return made


def rows(doc, key="servicequal"):
    return [(s.text, s.label_, s.id_, s.start, s.end) for s in doc.spans[key]]


def test_cues_become_spans_with_labels_and_ids(nlp):
    doc = nlp(TEXT)
    found = rows(doc)
    assert [(text, label) for text, label, *_ in found] == [
        ("I'm sorry", "apology"),
        ("nothing to do with us", "disowning"),
        ("that's down to the crews", "disowning"),
    ]
    phrases = {pack.cue: pack.phrases for pack in builtin_packs()}
    for text, label, id_, *_ in found[1:]:
        cue, number = id_.split(".")
        assert cue == label
        assert ("nothing" in phrases[cue][int(number)]) == ("nothing" in text)
    assert doc.text == TEXT
    assert doc.spans["servicequal"].attrs["statuses"] == ["plain"] * len(found)


def test_what_does_not_count_is_no_span_unless_asked_for():
    talk = "Who told you it's not our department? It's down to the crews. I've rung them: they come by noon on Friday."
    strict = CueComponent()
    every = CueComponent(statuses=["plain", "softened", "excused"])
    blank = spacy.blank("en")
    assert "disowning" not in {label for _, label, *_ in rows(strict(blank(talk)))}
    doc = every(blank(talk))
    group = doc.spans["servicequal"]
    found = zip((s.text for s in group), group.attrs["statuses"], strict=True)
    assert [(text, status) for text, status in found if status != "plain"] == [
        ("it's not our department", "excused"),
        ("It's down to the crews", "softened"),
    ]


def test_the_customers_side_has_packs_of_its_own():
    customer = spacy.blank("en")
    customer.add_pipe("servicequal", config={"speaker": "customer"})
    assert "asks_when" in {label for _, label, *_ in rows(customer("When will you come?"))}
    assert not rows(customer("It's nothing to do with us."))


def test_both_sides_in_one_pipeline():
    both = spacy.blank("en")
    both.add_pipe("servicequal", name="agent")
    both.add_pipe("servicequal", name="customer", config={"speaker": "customer", "spans_key": "customer"})
    doc = both("When will they come? It's nothing to do with us.")
    assert "disowning" in {label for _, label, *_ in rows(doc)}
    assert [label for _, label, *_ in rows(doc, "customer")] == ["asks_when"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "…", "🙂", "nothing"])
def test_a_doc_without_cues_has_an_empty_group(nlp, text):
    assert rows(nlp(text)) == []


def test_words_inside_a_token_are_widened_to_it(nlp):
    doc = Doc(nlp.vocab, words=["x-nothing", "to", "do", "with", "us-y"])
    assert [(label, start, end) for _, label, _, start, end in rows(CueComponent()(doc))] == [("disowning", 0, 5)]


def test_displacy_draws_them(nlp):
    html = displacy.render(nlp(TEXT), style="span", options={"spans_key": "servicequal"}, jupyter=False)
    assert "disowning" in html
    hostile = nlp("<script>alert(1)</script> It's nothing to do with us.")
    drawn = displacy.render(hostile, style="span", options={"spans_key": "servicequal"}, jupyter=False)
    assert "<script>" not in drawn
    assert "disowning" in drawn


def test_it_survives_the_disk_and_a_process_that_never_imported_servicequal(tmp_path, own):
    text = f"{TEXT} It is with tier two."
    expected = rows(own(text), "quality")
    assert ("with tier two", "jargon", "jargon.0", 21, 24) in expected
    own.to_disk(tmp_path / "nlp")
    assert rows(spacy.load(tmp_path / "nlp")(text), "quality") == expected
    script = (
        "import sys, spacy\n"
        f"nlp = spacy.load({str(tmp_path / 'nlp')!r})\n"
        f"doc = nlp({text!r})\n"
        "print([(s.text, s.label_, s.id_, s.start, s.end) for s in doc.spans['quality']])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(expected)


def test_it_survives_bytes(nlp, own):
    blank = spacy.blank("en")
    blank.add_pipe("servicequal")
    blank.from_bytes(nlp.to_bytes())
    assert rows(blank(TEXT)) == rows(nlp(TEXT))
    again = spacy.util.load_model_from_config(own.config, auto_fill=True).from_bytes(own.to_bytes())
    assert rows(again("It costs 5."), "quality") == rows(own("It costs 5."), "quality")
    assert "jargon" in {label for _, label, *_ in rows(again("It costs 5."), "quality")}


def test_docs_keep_their_spans(tmp_path, nlp):
    doc = nlp(TEXT)
    expected = rows(doc)
    moved = [
        pickle.loads(pickle.dumps(doc)),
        Doc(nlp.vocab).from_bytes(doc.to_bytes()),
        Doc(spacy.blank("en").vocab).from_bytes(doc.to_bytes()),
        doc.copy(),
    ]
    doc.to_disk(tmp_path / "doc")
    moved.append(Doc(spacy.blank("en").vocab).from_disk(tmp_path / "doc"))
    store = DocBin(docs=[doc], store_user_data=True).to_bytes()
    moved += DocBin().from_bytes(store).get_docs(spacy.blank("en").vocab)
    for other in moved:
        assert rows(other) == expected
        assert other.spans["servicequal"].attrs["statuses"] == ["plain"] * len(expected)


def test_the_pipeline_is_picklable(nlp, own):
    assert rows(pickle.loads(pickle.dumps(nlp))(TEXT)) == rows(nlp(TEXT))
    assert rows(pickle.loads(pickle.dumps(own))("It costs 5."), "quality")


def test_many_docs_in_one_process_and_in_two(nlp):
    texts = [TEXT, "", "Leave it with me.", "Who knows."] * 3
    one = [rows(doc) for doc in nlp.pipe(texts)]
    assert one == [rows(nlp(text)) for text in texts]
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("processes start anew here")
    assert [rows(doc) for doc in nlp.pipe(texts, n_process=2, batch_size=4)] == one


def test_settings_that_are_none_are_refused():
    with pytest.raises(ValueError, match="not 'bot'"):
        spacy.blank("en").add_pipe("servicequal", config={"speaker": "bot"})
    with pytest.raises(ValueError, match="not 'sorry'"):
        CueComponent(statuses=["sorry"])
    with pytest.raises(PackError, match=r"nowhere\.yaml: cannot be read"):
        CueComponent().add_packs(["nowhere.yaml"])


def test_a_pack_of_ones_own_replaces_the_built_in_one():
    component = CueComponent()
    apology = next(pack for pack in builtin_packs() if pack.cue == "apology")
    component.add_packs([apology.model_copy(update={"phrases": ("mea culpa",)})])
    blank = spacy.blank("en")
    assert [label for _, label, *_ in rows(component(blank("Mea culpa. I'm sorry.")))] == ["apology"]


def test_it_declares_what_it_assigns(nlp):
    assert nlp.get_factory_meta("servicequal").assigns == ["doc.spans"]
    assert nlp.analyze_pipes()["summary"]["servicequal"]["assigns"] == ["doc.spans"]


@pytest.mark.parametrize("name", ["en_core_web_sm", "en_core_web_md", "en_core_web_lg", "en_core_web_trf"])
def test_it_works_behind_a_trained_pipeline(name):
    if not spacy.util.is_package(name):
        pytest.skip(f"{name} is not installed")
    trained = spacy.load(name)
    trained.add_pipe("servicequal")
    doc = trained(TEXT)
    assert "disowning" in {s.label_ for s in doc.spans["servicequal"]}
    assert doc.has_annotation("DEP")


def test_it_works_beside_other_components():
    made = spacy.blank("en")
    made.add_pipe("sentencizer")
    ruler = made.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "TEAM", "pattern": "crews"}])
    made.add_pipe("servicequal", first=True)
    doc = made(TEXT)
    assert [e.label_ for e in doc.ents] == ["TEAM"]
    assert len(list(doc.sents)) == 2
    assert rows(doc)
