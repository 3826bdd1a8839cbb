"""The built-in phrases as flat tables: what ships is what would be worked out, and nothing is used for other packs."""

from __future__ import annotations

import numpy as np
import pytest

from servicequal.cues import CueFinder
from servicequal.packs import builtin_macros, builtin_packs
from servicequal.plan import FILE, builtin_plan, digest_of, save_plans
from support import ROOT

TEXT = "Honestly, it's nothing to do with us, that's down to the crews. £20 off, refund#1, call back in 5 days?"


def test_the_file_that_ships_is_of_these_packs_to_the_byte(tmp_path):
    save_plans(CueFinder(builtin_packs()).plans(), tmp_path / FILE)
    shipped = ROOT / "src" / "servicequal" / "packs" / FILE
    assert (tmp_path / FILE).read_bytes() == shipped.read_bytes(), "run python training/build_sieve.py"


@pytest.mark.parametrize("side", ["agent", "customer"])
def test_a_changed_pack_or_macro_is_no_ground_for_it(side):
    packs = [p for p in builtin_packs() if p.speaker == side]
    macros = builtin_macros()
    digest = digest_of(packs, macros)
    assert builtin_plan(side, digest) is not None
    changed = packs[0].model_copy(update={"phrases": (*packs[0].phrases, "purple monkey dishwasher")})
    for others, words in (([changed, *packs[1:]], macros), (packs[1:], macros), (packs, {**macros, "us": ("us",)})):
        assert builtin_plan(side, digest_of(others, words)) is None


def test_phrases_of_ones_own_are_found_beside_the_built_in_ones():
    packs = list(builtin_packs())
    at = next(n for n, p in enumerate(packs) if p.cue == "disowning")
    packs[at] = packs[at].model_copy(update={"phrases": (*packs[at].phrases, "purple monkey dishwasher")})
    own, plain = CueFinder(packs), CueFinder(builtin_packs())
    assert own.find_in_text(TEXT, "agent") == plain.find_in_text(TEXT, "agent")
    assert [m.cue for m in own.find_in_text("Purple monkey, um, dishwasher!", "agent")] == ["disowning"]
    assert plain.find_in_text("Purple monkey, um, dishwasher!", "agent") == []


def test_tables_point_inside_one_another():
    for _, plan in CueFinder(builtin_packs()).plans().values():
        tables = plan.tables
        assert tables["sequences"][-1] == len(tables["steps"])
        assert tables["owner_at"][-1] == len(tables["owners"])
        assert len(tables["owner_at"]) == len(plan.words) + 2
        assert np.all(tables["owners"] < plan.units)
        assert np.all(tables["set_words"] < len(plan.words))
        assert np.all(tables["others"] < len(plan.words))
        assert tables["ranges"].shape == (plan.phrases, 2 * tables["needs"].shape[1])
        assert np.all(tables["ranges"][:, :4] <= tables["ranges"][:, 4:])
