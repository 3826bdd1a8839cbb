"""Three short conversations with every cue that a careful reader marks, written out by hand."""

from __future__ import annotations

import pytest

from servicequal.packs import HURTING
from support import said, talk

DEFLECTED = talk(
    "a: Good morning, how can I help?",
    "c: My blue bin wasn't emptied on Tuesday. When will they come?",
    "a: I couldn't say. That's down to the crews, it's nothing to do with us.",
    "c: That's ridiculous. I already rang you twice about this.",
    "a: There's nothing I can do. You'd have to take that up with the council.",
    "c: Can I speak to your manager?",
    "a: That's not how it works, it's our policy not to transfer calls.",
    channel="call",
)
OWNED = talk(
    "c: Hello, my parcel never arrived.",
    "a: I'm so sorry about that. What's your order number?",
    "c: It's 4471. When will I get it?",
    "a: I've sent you a new one today and refunded the delivery charge. You'll have it by Friday noon.",
    "c: Brilliant, thank you so much!",
    "a: You're welcome. I'll ring you on Friday to check it came.",
)
INNOCENT = talk(
    "c: My neighbour said you told him it's out of your hands. Is that right?",
    "a: No, and whoever said “it's nothing to do with us” was wrong. Leave it with me, I'll ring the depot now.",
    "c: You should have read the letter I sent, it's your policy to reply in five days.",
    "a: You're right, I'm sorry.",
)

GOLD = {
    "deflected": (
        DEFLECTED,
        {
            (0, "courtesy"), (1, "problem"), (1, "asks_when"), (2, "noncommittal"), (2, "disowning"),
            (3, "frustration"), (3, "repeat_contact"), (4, "helplessness"), (4, "bouncing"), (5, "escalation"),
            (6, "policy_shield"),
        },
        {(0, "diagnosis"), (2, "helplessness"), (3, "problem"), (5, "frustration"), (6, "dismissive")},
    ),
    "owned": (
        OWNED,
        {
            (0, "problem"), (1, "apology"), (1, "diagnosis"), (2, "asks_when"), (3, "action"), (3, "make_good"),
            (3, "commitment"), (4, "satisfied"), (5, "courtesy"), (5, "commitment"), (5, "check_back"),
        },
        {(1, "empathy"), (3, "guidance"), (3, "ownership"), (5, "action"), (5, "proactive"), (5, "ownership")},
    ),
    "innocent": (
        INNOCENT,
        {(1, "ownership"), (1, "action"), (3, "apology")},
        {(1, "proactive"), (1, "commitment"), (3, "ownership"), (3, "empathy"), (0, "problem"), (2, "problem"),
         (2, "frustration"), (2, "repeat_contact"), (0, "frustration"), (1, "guidance"), (0, "repeat_contact")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(GOLD))
def test_every_cue_that_a_reader_marks_is_found(finder, name):
    conversation, must, _ = GOLD[name]
    found = said(finder.find(conversation))
    assert must - found == set()


@pytest.mark.parametrize("name", sorted(GOLD))
def test_nothing_else_is_found(finder, name):
    """``may`` are marks that careful readers differ on; deflections beyond them are false alarms to be ashamed of."""
    conversation, must, may = GOLD[name]
    found = finder.find(conversation)
    extra = said(found) - must - may
    words = sorted({(m.turn, m.cue, m.text) for m in found if (m.turn, m.cue) in extra})
    assert not [w for w in words if w[1] in HURTING]
    assert len(words) <= 2, words


def test_the_three_are_scored_apart(scorer):
    deflected, owned = scorer.score(DEFLECTED), scorer.score(OWNED)
    assert deflected.overall < 20
    assert owned.overall > 75
    outcome = {f.code: f.outcome for f in deflected.findings}
    missed = {"CSE104", "FLX101", "SOL101", "EXP101", "SOL104", "REC101", "REC103", "REC106", "OWN101"}
    assert {c for c in missed if outcome[c] != "missed"} == set()
    met = {f.code: f.outcome for f in owned.findings}
    assert {c for c in missed - {"FLX101"} if met[c] != "met"} == set()
