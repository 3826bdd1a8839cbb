"""The packs keep their own word: every example as the file says, and the contract of the folder."""

from __future__ import annotations

from collections import defaultdict

import pytest

from servicequal.checkpack import check_pack, run_example
from servicequal.cues import CueFinder
from servicequal.errors import PackError
from servicequal.packs import CUES, CUSTOMER, HELPING, HURTING, load_pack


@pytest.fixture(scope="module")
def by_cue(packs):
    return {pack.cue: pack for pack in packs}


def test_all_25_cues_of_the_codebook_have_a_pack(packs):
    assert tuple(p.cue for p in packs) == CUES
    assert len(set(CUES)) == 25
    for pack in packs:
        side = "customer" if pack.cue in CUSTOMER else "agent"
        effect = "hurts" if pack.cue in HURTING else "helps" if pack.cue in HELPING else "tells"
        assert (pack.speaker, pack.effect) == (side, effect), pack.cue
        assert pack.effect != "hurts" or pack.say_instead, f"{pack.cue} hurts and says nothing better"
        assert set(pack.softened_by) <= set(HELPING), f"{pack.cue} is softened by what is no help"


@pytest.mark.parametrize("cue", CUES)
def test_every_example_does_what_the_pack_says(by_cue, cue):
    pack = by_cue[cue]
    assert len(pack.examples.flags) >= 8
    assert len(pack.examples.passes) >= 8
    wrong = [
        f"{r.kind}: {r.text!r} {[(m.text, m.status, m.reason or m.pattern) for m in r.matches]}"
        for r in check_pack(pack, tuple(by_cue.values()))
        if not r.right
    ]
    assert not wrong, "\n".join(wrong)


def test_no_example_is_shared(packs):
    owners = defaultdict(list)
    for pack in packs:
        for kind in ("flags", "passes", "known_misses", "known_false_alarms"):
            for example in getattr(pack.examples, kind):
                owners[example.text.strip().lower()].append(f"{pack.cue}.{kind}")
    shared = {text: names for text, names in owners.items() if len(names) > 1}
    assert not shared


def test_near_misses_are_near(packs):
    """Passes that hold the words of a phrase and are excused: else they prove nothing of the context."""
    near = 0
    for pack in packs:
        if pack.effect == "hurts":
            finder = CueFinder([pack])
            near += sum(bool(run_example(finder, pack, e)) for e in pack.examples.passes)
    assert near >= 12


PACK = """
cue: parroting
speaker: agent
effect: hurts
why: Reading the script back tells the customer that nobody listens.
source: our own handbook
phrases: [as per the script, "{us} (always )?say so"]
examples:
  flags: [As per the script I have to read this.]
  passes: [The script for the play is on our site.]
"""


def test_a_users_pack_obeys_the_same_contract(tmp_path):
    path = tmp_path / "parroting.yaml"
    path.write_text(PACK, "utf-8")
    pack = load_pack(path)
    assert all(r.right for r in check_pack(pack, others=()))
    (match,) = CueFinder([pack]).find_in_text("Well, as per, um, the Script…", "agent")
    assert (match.cue, match.text, match.pattern) == ("parroting", "as per, um, the Script", "as per the script")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("effect: hurts", "effect: hurtz"), "effect"),
        (("why:", "wy:"), "why"),
        (("speaker: agent", "speaker: bot"), "speaker"),
        (("phrases: [as per the script,", "phrases: [as per (the script,"), "as per \\(the script"),
        (("{us}", "{uss}"), "uss"),
        (("cue: parroting", "cue: [parroting"), "not valid YAML"),
        (("phrases: [as per the script, \"{us} (always )?say so\"]", "phrases: []"), "phrases"),
        (("flags: [As per the script I have to read this.]", "flags: [{txt: x}]"), "examples"),
        (("flags: [As per the script I have to read this.]", "flags: As per the script"), "flags"),
        (("examples:\n", "examples: [a]\nx:\n"), "examples|x"),
        (("flags: [As per the script I have to read this.]", "flags: 5"), "flags"),
    ],
)  # fmt: skip
def test_a_bad_pack_is_an_error_that_names_file_and_key(tmp_path, change, said):
    path = tmp_path / "bad.yaml"
    assert change[0] in PACK
    path.write_text(PACK.replace(*change), "utf-8")
    with pytest.raises(PackError, match=said) as caught:
        list(check_pack(load_pack(path), others=()))
    assert "bad.yaml" in str(caught.value) or "parroting" in str(caught.value)


def test_a_missing_or_undecodable_pack_says_so(tmp_path):
    with pytest.raises(PackError, match=r"none\.yaml: cannot be read"):
        load_pack(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"cue: caf\xe9")
    with pytest.raises(PackError, match=r"latin\.yaml: is not UTF-8"):
        load_pack(tmp_path / "latin.yaml")
