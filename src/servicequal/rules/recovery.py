"""Recovery: after something went wrong, own it, apologise, put it right, make it up, restore confidence."""

from __future__ import annotations

from collections.abc import Mapping

from ..packs import HURTING
from .base import Verdict, not_applicable, rule
from .common_sense import deflection_share, mood
from .view import View, spans_of

_NOTHING_WRONG = "nothing had gone wrong"


def _after(view: View) -> tuple[int, ...]:
    """The agent's turns after the first failure was reported (all of them where a mistake came out later)."""
    first = view.first_failure
    return tuple(n for n in view.agent if first is not None and n > first)


@rule(
    "REC101",
    "recovery.owned",
    "recovery",
    weight=2,
    why="Who caused it doesn't matter to the customer; who owns it now does.",
    source="codebook: ownership; recovery: 'owned'",
    say_instead="That was our mistake, and I'll see it put right.",
)
def owned(view: View, params: Mapping[str, float]) -> Verdict:
    """After a failure somebody takes responsibility for the outcome, in words or by acting at once."""
    later = _after(view)
    if not later:
        return not_applicable(_NOTHING_WRONG)
    found = view.every(later, "ownership")
    if found:
        return Verdict(1.0, "responsibility taken in words", spans_of(found), later)
    acts = view.every(later, "action", "commitment")
    return Verdict(
        0.5 if acts else 0.0,
        "acted on without owning it" if acts else "nobody owned it",
        spans_of(acts),
        later,
    )


@rule(
    "REC102",
    "recovery.apologised",
    "recovery",
    weight=0.5,
    why="Sorry, said once and meant, is the cheapest part of putting things right.",
    source="codebook: apology, empathy; recovery: 'apologised for'",
    say_instead="I'm sorry, that shouldn't have happened to you.",
)
def apologised(view: View, params: Mapping[str, float]) -> Verdict:
    """After a failure the agent says sorry, or shows that they see what it meant to the customer."""
    later = _after(view)
    if not later:
        return not_applicable(_NOTHING_WRONG)
    found = view.every(later, "apology", "empathy")
    return Verdict(
        1.0 if found else 0.0,
        "said sorry or showed feeling" if found else "no word of regret",
        spans_of(found),
        later,
    )


@rule(
    "REC103",
    "recovery.put-right",
    "recovery",
    weight=2,
    why="An apology without a repair is only words.",
    source="codebook: action, make_good, commitment; recovery: 'put right'",
    say_instead="I've reset it from here; it will be working again within the hour.",
)
def put_right(view: View, params: Mapping[str, float]) -> Verdict:
    """After a failure the agent does something about it, with a date where it takes time. The credit grows
    with the kinds of repair: done, promised for a time, made good, another way."""
    later = _after(view)
    if not later:
        return not_applicable(_NOTHING_WRONG)
    found = view.every(later, "action", "commitment", "make_good", "alternative", "ownership", "proactive")
    kinds = {m.cue for m in found}
    turns = len({m.turn for m in found})
    credit = min(1.0, 0.2 * len(kinds) + 0.4 * min(1.0, 2 * turns / len(later))) if kinds else 0.0
    return Verdict(credit, f"put right with: {', '.join(sorted(kinds)) or 'nothing'}", spans_of(found), later)


@rule(
    "REC104",
    "recovery.more-than-expected",
    "recovery",
    weight=1.5,
    why="After a failure the same service as before is a loss; a little more than expected restores trust.",
    source="codebook: make_good, proactive; recovery 4 = 'put right with more than was expected'",
    say_instead="I've taken the fee off as well, for the trouble.",
)
def more_than_expected(view: View, params: Mapping[str, float]) -> Verdict:
    """After a failure something is given for the trouble, or something useful is done unasked."""
    later = _after(view)
    if not later:
        return not_applicable(_NOTHING_WRONG)
    found = view.every(later, "make_good", "proactive")
    kinds = {m.cue for m in found}
    credit = 1.0 if "make_good" in kinds else 0.75 if kinds else 0.0
    return Verdict(
        credit,
        "something beyond the repair" if kinds else "nothing beyond the ordinary",
        spans_of(found),
        later,
    )


@rule(
    "REC105",
    "recovery.confidence-restored",
    "recovery",
    weight=3,
    why="Recovery is complete when the customer believes again.",
    source="codebook: satisfied, frustration; recovery: 'confidence restored'",
    say_instead="Does that put your mind at rest?",
)
def confidence_restored(view: View, params: Mapping[str, float]) -> Verdict:
    """After a failure the customer ends satisfied rather than frustrated."""
    return mood(view) if _after(view) else not_applicable(_NOTHING_WRONG)


@rule(
    "REC106",
    "recovery.not-denied-or-deflected",
    "recovery",
    weight=3,
    why="After a failure a deflection is heard as: and we'd do it again.",
    source="codebook: recovery 0 = 'denied, deflected or made worse'",
    say_instead="You're right, that went wrong. Here is what I'm doing about it.",
)
def not_deflected(view: View, params: Mapping[str, float]) -> Verdict:
    """After a failure the agent's turns are free of deflection. The credit falls with the share that is not."""
    later = _after(view)
    return deflection_share(view, HURTING, later) if later else not_applicable(_NOTHING_WRONG)


@rule(
    "KND101",
    "kindness.grace-under-fire",
    "recovery",
    weight=0.5,
    why="Kindness a little beyond what is necessary, also to the unkind, is what turns them round.",
    source="codebook: empathy, courtesy ('keeps patient under fire'), dismissive, blaming",
    say_instead="I'd be cross too. Let me look for it.",
)
def grace_under_fire(view: View, params: Mapping[str, float]) -> Verdict:
    """A frustrated customer is met, in the next reply, with feeling, an apology or help, never with coldness
    or blame."""
    if not _after(view):
        return not_applicable(_NOTHING_WRONG)
    hot = [n for n in view.customer if view.has(n, "frustration", "escalation") and view.replies(n, 1)]
    if not hot:
        return not_applicable("the customer was not upset")
    total = 0.0
    cold = []
    for n in hot:
        reply = view.replies(n, 1)
        if view.every(reply, "dismissive", "blaming") or (
            view.every(reply, *HURTING) and not view.every(reply, "ownership", "make_good")
        ):
            cold.append(n)
        elif view.every(reply, "empathy", "apology", "ownership", "make_good"):
            total += 1.0
        elif view.every(reply, "action", "commitment", "alternative", "guidance", "courtesy"):
            total += 0.6
        else:
            cold.append(n)
    text = f"{len(hot) - len(cold)} of {len(hot)} upset turns were met with kindness or help"
    return Verdict(total / len(hot), text, tuple(view.whole(n) for n in cold))
