"""Recovery: after something went wrong, own it, apologise, put it right, make it up, restore confidence."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Verdict, not_applicable, rule, verdict, worded
from .common_sense import deflection_share, mood
from .problem_solving import named
from .view import HURTFUL, View, bits

_NOTHING_WRONG = "nothing had gone wrong"


_OWNERSHIP, _ACTED = bits("ownership"), bits("action", "commitment")
_REGRET, _MORE, _MAKE_GOOD = bits("apology", "empathy"), bits("make_good", "proactive"), bits("make_good")
_REPAIRS = bits("action", "commitment", "make_good", "alternative", "ownership", "proactive")


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
    later = view.later
    if not later:
        return not_applicable(_NOTHING_WRONG)
    if view.later_said & _OWNERSHIP:
        return verdict(1.0, "responsibility taken in words", view.spans(later, _OWNERSHIP), later)
    if view.later_said & _ACTED:
        return verdict(0.5, "acted on without owning it", view.spans(later, _ACTED), later)
    return verdict(0.0, "nobody owned it", (), later)


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
    later = view.later
    if not later:
        return not_applicable(_NOTHING_WRONG)
    if view.later_said & _REGRET:
        return verdict(1.0, "said sorry or showed feeling", view.spans(later, _REGRET), later)
    return verdict(0.0, "no word of regret", (), later)


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
    later = view.later
    if not later:
        return not_applicable(_NOTHING_WRONG)
    said = view.later_said & _REPAIRS
    if not said:
        return verdict(0.0, "put right with: nothing", (), later)
    turns = view.turns_with(later, _REPAIRS)
    credit = min(1.0, 0.2 * said.bit_count() + 0.4 * min(1.0, 2 * len(turns) / len(later)))
    return verdict(credit, f"put right with: {named(said)}", view.spans(turns, _REPAIRS), later)


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
    later = view.later
    if not later:
        return not_applicable(_NOTHING_WRONG)
    said = view.later_said & _MORE
    if not said:
        return verdict(0.0, "nothing beyond the ordinary", (), later)
    credit = 1.0 if said & _MAKE_GOOD else 0.75
    return verdict(credit, "something beyond the repair", view.spans(later, _MORE), later)


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
    return mood(view) if view.later else not_applicable(_NOTHING_WRONG)


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
    return deflection_share(view, view.later) if view.later else not_applicable(_NOTHING_WRONG)


_UPSET, _COLD, _MENDING = (
    bits("frustration", "escalation"),
    bits("dismissive", "blaming"),
    bits("ownership", "make_good"),
)
_KIND = _MENDING | bits("empathy", "apology")
_HELPFUL = bits("action", "commitment", "alternative", "guidance", "courtesy")


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
    if not view.later:
        return not_applicable(_NOTHING_WRONG)
    hot = [n for n in view.turns_with(view.customer, _UPSET) if n < view.agent[-1]]
    if not hot:
        return not_applicable("the customer was not upset")
    total = 0.0
    cold = []
    for n in hot:
        said = view.answered(n, 1)
        if said & _COLD or (said & HURTFUL and not said & _MENDING):
            cold.append(n)
        elif said & _KIND:
            total += 1.0
        elif said & _HELPFUL:
            total += 0.6
        else:
            cold.append(n)
    text = worded("{} of {} upset turns were met with kindness or help", len(hot) - len(cold), len(hot))
    return verdict(total / len(hot), text, tuple(view.whole(n) for n in cold))
