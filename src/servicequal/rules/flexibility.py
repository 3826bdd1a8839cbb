"""Flexibility: rules are guidelines; a "no" comes with a reason and a way; nobody loses face."""

from __future__ import annotations

from collections.abc import Mapping

from ..context import pattern
from ..conversation import Span
from ..families import RECKLESS, WHATEVER, WISHING
from .base import Verdict, not_applicable, rule, verdict, worded
from .common_sense import mood
from .view import COUNTING, View, bits

REFUSALS = ("policy_shield", "helplessness", "blaming", "bouncing", "disowning")
"""Cues with which an agent refuses, or says that something stands in the way."""


_REFUSING, _ALTERNATIVE, _MAKE_GOOD = bits(*REFUSALS), bits("alternative"), bits("make_good")
_WAY = _ALTERNATIVE | _MAKE_GOOD
_ANSWER = _WAY | bits("ownership")


def _occasion(view: View) -> bool:
    """Something was refused, constrained or unusual: a refusal in any form, or another way after a failure."""
    refused = (view.agent_said | view.agent_softened) & _REFUSING
    return bool(refused or (view.gone_wrong and view.agent_said & _ALTERNATIVE))


_WALL, _UNDIGNIFIED = bits("policy_shield", "helplessness"), bits("blaming", "dismissive")
_SENDING_AWAY = bits("bouncing", "disowning", "noncommittal")
_NO_OCCASION = "nothing was refused, constrained or unusual"


@rule(
    "FLX101",
    "flexibility.looks-for-a-way",
    "flexibility",
    weight=2,
    within=2,
    why="A refusal that ends the matter leaves the customer with nothing; almost always there is something.",
    source="codebook: alternative; good service: a 'no' comes with a reason and an alternative",
    say_instead="I can't do that one, but what I can do is …",
)
def looks_for_a_way(view: View, params: Mapping[str, float]) -> Verdict:
    """After a refusal or an obstacle the agent offers another way, an exception or a step of their own.
    The credit is the share of refusals that are followed so."""
    if not _occasion(view):
        return not_applicable(_NO_OCCASION)
    refusals = view.counting_with(view.agent, _REFUSING)
    if not refusals:
        return verdict(1.0, "another way was offered, and nothing was refused", view.spans(view.agent, _WAY))
    within = int(params["within"])
    walls = [
        n
        for n in refusals
        if not (view.softened_in((n,)) & _REFUSING or (view.said_in((n,)) | view.answered(n, within)) & _ANSWER)
    ]
    credit = 1 - len(walls) / len(refusals)
    text = worded("{} of {} refusals came with another way", len(refusals) - len(walls), len(refusals))
    return verdict(credit, text, view.spans(walls, _REFUSING, COUNTING) or view.spans(view.agent, _WAY))


@rule(
    "FLX102",
    "flexibility.no-wall-of-rules",
    "flexibility",
    weight=1.5,
    why="'That's the policy' tells the customer that the rule matters more than they do.",
    source="codebook: policy_shield, helplessness; good service: rules are guidelines",
    say_instead="The rule is there because …; for your case I'll ask for an exception and tell you by {time}.",
)
def no_wall_of_rules(view: View, params: Mapping[str, float]) -> Verdict:
    """No rule, script or system is the reason for refusing, and nobody stops at 'nothing can be done'.
    Each plain one costs half of the credit, each softened one a tenth."""
    if not _occasion(view):
        return not_applicable(_NO_OCCASION)
    return counted(view, _WALL, "{} walls of rules or helplessness, {} softened by help")


@rule(
    "FLX103",
    "flexibility.wrong-with-dignity",
    "flexibility",
    weight=1.5,
    why="A customer who is wrong and is told so without dignity is lost, even where the agent is right.",
    source="codebook: blaming, dismissive; good service: a customer who is wrong is wrong with dignity",
    say_instead="Easily done, the two look alike. Let me put it right.",
)
def wrong_with_dignity(view: View, params: Mapping[str, float]) -> Verdict:
    """The agent neither blames the customer nor is cold, sarcastic or belittling."""
    if not _occasion(view):
        return not_applicable(_NO_OCCASION)
    return counted(view, _UNDIGNIFIED, "{} words that take the customer's dignity, {} softened by help")


@rule(
    "FLX104",
    "flexibility.no-sending-away",
    "flexibility",
    weight=2,
    why="Sending somebody elsewhere is the standard option; looking for a way is doing a part of it for them.",
    source="codebook: bouncing, disowning",
    say_instead="I'll ring them for you now and tell you what they say.",
)
def no_sending_away(view: View, params: Mapping[str, float]) -> Verdict:
    """The customer is not sent to somebody else, nor told that it is somebody else's, as the answer."""
    if not _occasion(view):
        return not_applicable(_NO_OCCASION)
    return counted(view, _SENDING_AWAY, "{} times sent away or put off, {} softened by help")


@rule(
    "FLX105",
    "flexibility.no-blank-cheque",
    "flexibility",
    weight=1,
    critical=True,
    why="Promising the earth is not flexibility; somebody will have to break the promise.",
    source="good service: flexible, but not a blank cheque",
    say_instead="I can do … today; for the rest I'll ask and tell you by {time}.",
)
def no_blank_cheque(view: View, params: Mapping[str, float]) -> Verdict:
    """The agent does not promise whatever the customer wants, certainty about things nobody can be certain
    of, or gifts without measure."""
    families = view.families()
    reckless = [n for n in view.agent if _may_be_reckless(families[n]) and is_reckless(families[n], view.normal(n))]
    if reckless:
        return verdict(0.0, "promised without measure", tuple(view.whole(n) for n in reckless))
    if not view.agent_said & _MAKE_GOOD or not _occasion(view):
        return not_applicable("nothing was promised beyond the ordinary")
    return verdict(1.0, "what was given is named and has a measure", view.spans(view.agent, _MAKE_GOOD))


@rule(
    "FLX106",
    "flexibility.accepts-the-way",
    "flexibility",
    weight=4,
    why="A way that was found shows in the customer; a wall shows too.",
    source="codebook: flexibility 4 = 'a no that leaves the customer respected and provided for'",
    say_instead="Would that work for you?",
)
def accepts_the_way(view: View, params: Mapping[str, float]) -> Verdict:
    """Where something was refused or constrained, the customer ends content rather than frustrated."""
    return mood(view) if _occasion(view) else not_applicable(_NO_OCCASION)


def counted(view: View, wanted: int, what: str) -> Verdict:
    """Half of the credit for each turn with a plain one of these cues, a tenth for each with a softened one; at most
    all of it. ``what`` is worded with the numbers of both."""
    hard = soft = 0
    spans: tuple[Span, ...] = ()
    if (view.agent_said | view.agent_softened) & wanted:
        hard, soft = view.count(view.agent, wanted), view.count_softened(view.agent, wanted)
        spans = view.spans_hard_first(view.agent, wanted)
    credit = max(0.0, 1 - 0.5 * hard - 0.1 * soft)
    return verdict(credit, worded(what, hard, soft), spans)


_RECKLESS = (
    r" (?:whatever you (?:want|like|need)|anything you (?:want|like|ask)|all of it free|everything free"
    r"|free for (?:life|ever)|name your price|as much as you (?:want|like)|no limits?|(?:a )?blank cheque"
    r"|you will never (?:have|need) to .{0,40}again|hundred percent no question|(?:i would )?bet my"
    r"|i can do what i (?:want|like)|all of it(?: for)? free|the lot for free|free of charge for ever)\b"
)


def _may_be_reckless(said: int) -> bool:
    return bool(said & RECKLESS or (said & WISHING and said & WHATEVER))


def is_reckless(said: int, normal: str) -> bool:
    """Whether a turn, with these families of words, promises without measure."""
    if not _may_be_reckless(said):
        return False
    return pattern(_RECKLESS).search(normal) is not None
