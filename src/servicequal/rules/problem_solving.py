"""Problem-solving: named, understood, acted on, a time given, checked; whoever's problem it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from ..context import pattern
from .base import Verdict, not_applicable, rule, verdict, worded
from .common_sense import deflection_share, mood
from .view import BITS, COUNTING, HURTFUL, MOVING, View, bits


def _something_to_solve(view: View) -> bool:
    return bool(view.customer) and bool(view.agent)


_NOTHING = "no matter was brought by the customer, or no agent answered"

_ADVANCING = MOVING | bits("proactive", "ownership")
_ACTS = ("action", "ownership", "commitment", "make_good")
_ACTING, _DONE, _MEANT = bits(*_ACTS), bits("action", "make_good"), bits("commitment", "ownership")


@rule(
    "SOL101",
    "problem-solving.moves-it-forward",
    "problem_solving",
    weight=3.5,
    why="Each reply should leave the matter a step further than it was.",
    source="codebook: action, guidance, alternative, commitment, make_good; problem-solving 4 = 'solved or in hand'",
    say_instead="I've done …; next I'll …, and you'll have it by {time}.",
)
def moves_it_forward(view: View, params: Mapping[str, float]) -> Verdict:
    """The agent's turns carry actions, answers, options or commitments. Full credit where half of them do."""
    if not _something_to_solve(view):
        return not_applicable(_NOTHING)
    good = view.count(view.agent, _ADVANCING, HURTFUL)
    credit = min(1.0, 2 * good / len(view.agent))
    text = worded("{} of {} agent turns move the matter", good, len(view.agent))
    return verdict(credit, text, view.spans(view.agent, _ADVANCING))


@rule(
    "SOL102",
    "problem-solving.not-passed-on",
    "problem_solving",
    weight=3,
    why="Whoever answers is the company; a problem that is handed round belongs to nobody.",
    source="codebook: disowning, bouncing, noncommittal, helplessness; problem-solving 0 = 'dead end, bounced'",
    say_instead="I'll find out who can move this and come back to you by {time}.",
)
def not_passed_on(view: View, params: Mapping[str, float]) -> Verdict:
    """The agent neither hands the matter away nor leaves it hanging. The credit falls with the share of
    agent turns that do, and reaches zero where half of them do."""
    if not _something_to_solve(view):
        return not_applicable(_NOTHING)
    return deflection_share(view, view.agent)


@rule(
    "SOL103",
    "problem-solving.acts",
    "problem_solving",
    weight=2.5,
    why="Advice is good; something done for this customer is better.",
    source="codebook: action, commitment, ownership",
    say_instead="I'm doing that for you now.",
)
def acts(view: View, params: Mapping[str, float]) -> Verdict:
    """After a problem is reported the agent does, or promises to do, a concrete thing for this customer."""
    if not view.gone_wrong:
        return not_applicable("no problem was reported")
    if not view.later:
        return not_applicable("no agent turn after the problem was reported")
    said = view.later_said
    credit = min(1.0, 0.4 * (said & _DONE).bit_count() + 0.3 * (said & _MEANT).bit_count())
    text = f"acted on with: {named(said & _ACTING)}"
    return verdict(credit, text, view.spans(view.later, _ACTING) if said & _ACTING else (), view.later)


@lru_cache(maxsize=1024)
def named(cues: int) -> str:
    """The names of these cues, sorted."""
    return ", ".join(sorted(name for name, bit in BITS.items() if bit & cues)) or "nothing"


_ASKS_WHEN, _NONCOMMITTAL = bits("asks_when"), bits("noncommittal")
_PROMISED, _TOLD = bits("commitment", "make_good"), bits("guidance", "action")


@rule(
    "EXP101",
    "expectations.a-when-gets-a-time",
    "problem_solving",
    weight=1.5,
    within=2,
    why="Whoever asks when needs a time to plan by; an honest range is better than 'soon'.",
    source="codebook: asks_when, commitment, noncommittal",
    say_instead="It will be between {time} and {time}; I'll tell you at once if that changes.",
)
def when_gets_a_time(view: View, params: Mapping[str, float]) -> Verdict:
    """Each time the customer asks for a time, date or next step, one is given within two replies."""
    if not view.customer_said & _ASKS_WHEN or not view.agent:
        return not_applicable("the customer asked for no time")
    asked = [n for n in view.turns_with(view.customer, _ASKS_WHEN) if n < view.agent[-1]]
    if not asked:
        return not_applicable("the customer asked for no time")
    within = int(params["within"])
    missed = []
    for n in asked:
        given = view.answered(n, within) & _PROMISED or _told_a_time(view, n, view.replies(n, within))
        if not given or view.answered(n, 1) & _NONCOMMITTAL:
            missed.append(n)
    credit = 1 - len(missed) / len(asked)
    spans = tuple(m.span for n in missed for m in view.at(n, "asks_when"))
    text = worded("{} of {} questions for a time were given one", len(asked) - len(missed), len(asked))
    return verdict(credit, text, spans)


def _told_a_time(view: View, question: int, replies: tuple[int, ...]) -> bool:
    """Whether a reply says what is done or to be done, with a time in it where one was asked for."""
    telling = view.turns_with(replies, _TOLD)
    if not telling or not _wants_time(view.normal(question)):
        return bool(telling)
    return any(_has_time(view.normal(n)) for n in telling)


_CHECK_BACK, _DONE_OR_OFFERED = bits("check_back"), bits("action", "make_good", "commitment", "alternative")


@rule(
    "SOL104",
    "problem-solving.not-closed-while-open",
    "problem_solving",
    weight=2.5,
    why="The last thing said is what the customer goes home with.",
    source="codebook: check_back; problem-solving 4 = 'with a concrete step, time and check'",
    say_instead="Before we close: is there anything about this that's still open for you?",
)
def not_closed_while_open(view: View, params: Mapping[str, float]) -> Verdict:
    """The agent's last words hold no deflection: the customer leaves with a step, an answer or a check."""
    if not _something_to_solve(view):
        return not_applicable(_NOTHING)
    last = view.agent[-2:] if len(view.agent) > 2 else view.agent[-1:]
    said = view.said_in(last)
    done = bool(view.agent_said & _DONE_OR_OFFERED)
    helps = _ADVANCING | _CHECK_BACK if done else _ADVANCING
    if view.gone_wrong and not done and said & _CHECK_BACK:
        return verdict(0.0, "a closing formula while nothing was done", view.spans(last, _CHECK_BACK))
    if said & HURTFUL:
        if view.said_in(last[-1:]) & HURTFUL:
            return verdict(0.0, "the agent's last words deflect", view.spans(last, HURTFUL), last)
        return verdict(0.3, "towards the end the agent deflects", view.spans(last, HURTFUL), last)
    if said & helps:
        text = "the agent's last words hold a step, an answer or a check"
        return verdict(1.0, text, view.spans(last, helps), last)
    return verdict(0.6, "the agent's last words neither help nor deflect", (), last)


@rule(
    "SOL105",
    "problem-solving.ends-solved",
    "problem_solving",
    weight=3.5,
    why="Solved is what the customer says is solved.",
    source="codebook: satisfied; problem-solving: 'moved to an end'",
    say_instead="Could you try it while I'm here, so that we know it works?",
)
def ends_solved(view: View, params: Mapping[str, float]) -> Verdict:
    """The customer ends satisfied rather than frustrated."""
    return mood(view) if _something_to_solve(view) else not_applicable(_NOTHING)


_UNDERSTANDING = bits("diagnosis", "action", "guidance")


@rule(
    "SOL106",
    "problem-solving.understands-first",
    "problem_solving",
    weight=0.5,
    why="A question at the right time saves three wrong answers.",
    source="codebook: diagnosis",
    say_instead="So that I fix the right thing: when did it start, and what do you see now?",
)
def understands_first(view: View, params: Mapping[str, float]) -> Verdict:
    """Where a problem is reported the agent asks what is needed to understand it, or already acts on it."""
    if view.first_failure is None:
        return not_applicable("no problem was reported")
    replies = view.replies(view.first_failure, 3)
    if not replies:
        return not_applicable("no agent turn after the problem was reported")
    if view.said_in(replies) & _UNDERSTANDING:
        return verdict(1.0, "asked about or acted on", view.spans(replies, _UNDERSTANDING), replies)
    return verdict(0.0, "neither asked about nor acted on", (), replies)


_CHECKABLE = bits("action", "make_good", "commitment")


@rule(
    "SOL107",
    "problem-solving.checks-that-it-worked",
    "problem_solving",
    weight=0.25,
    why="A fix that nobody checked is a hope.",
    source="codebook: check_back; problem-solving 4 = 'concrete step, time and check'",
    say_instead="I'll ring you on Friday to see that it's still working.",
)
def checks(view: View, params: Mapping[str, float]) -> Verdict:
    """After acting on a problem the agent checks that it worked or says how to come back."""
    if not view.gone_wrong or not view.agent_said & _CHECKABLE:
        return not_applicable("nothing was done that could be checked")
    if view.agent_said & _CHECK_BACK:
        return verdict(1.0, "checked, or a way back given", view.spans(view.agent, _CHECK_BACK))
    return verdict(0.0, "not checked")


_COMMITMENT, _OWNERSHIP = bits("commitment"), bits("ownership")


@rule(
    "EXP102",
    "expectations.promise-kept",
    "problem_solving",
    weight=1,
    why="A promise that is forgotten costs more trust than one that was never made.",
    source="good service: expectations met, or renegotiated in time",
    say_instead="I said I'd have it by four: here it is.",
)
def promise_kept(view: View, params: Mapping[str, float]) -> Verdict:
    """A commitment made early is kept or renegotiated later in the conversation; a customer who comes back
    to it finds it forgotten where the agent has nothing to show."""
    first = next(iter(view.turns_with(view.agent, _COMMITMENT)), None) if view.agent_said & _COMMITMENT else None
    reminder = None if first is None else _reminder(view, first)
    if first is None or reminder is None:
        return not_applicable("no promise came up again in this conversation")
    after = view.replies(reminder, 2)
    said = view.said_in(after)
    spans = (*(m.span for m in view.at(first, "commitment")), view.whole(reminder))
    if said & _ACTING and not said & HURTFUL:
        return verdict(0.6, "the promise came up again and was put right or renewed", spans, after)
    return verdict(0.0, "the promise came up again and was not kept", spans, after)


def _reminder(view: View, promise: int) -> int | None:
    """The first turn after a promise in which the customer comes back to it."""
    return next((n for n in view.customer if n > promise and mentions_promise(view.normal(n))), None)


_OTHERS = bits("disowning", "bouncing")


@rule(
    "OWN101",
    "ownership.takes-it-on",
    "problem_solving",
    weight=0.5,
    why="People calm down when they hear that somebody has it, even if it isn't that person's fault.",
    source="codebook: ownership; 'business problems and those that are none of your business'",
    say_instead="Leave it with me; I'll see it through and tell you by {time}.",
)
def takes_it_on(view: View, params: Mapping[str, float]) -> Verdict:
    """Where a problem is reported, or the agent says whose it is, the agent takes it on in person."""
    others = (view.agent_said | view.agent_softened) & _OTHERS
    if not (view.gone_wrong or others):
        return not_applicable("nothing to take on")
    said = view.agent_said
    if said & _OWNERSHIP:
        return verdict(1.0, "taken on in person", view.spans(view.agent, _OWNERSHIP))
    if said & _OTHERS:
        return verdict(0.0, "handed to somebody else", view.spans(view.agent, _OTHERS, COUNTING))
    if said & _CHECKABLE:
        return verdict(0.5, "acted on, not taken on in words", view.spans(view.agent, _CHECKABLE))
    return verdict(0.2, "not taken on")


_TIME = (
    r" (?:[0-9]+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|half|few|couple of|within|by|at) (?:[^ ]+ )?"
    r"(?:seconds?|mins?|minutes?|hours?|hrs?|days?|weeks?|months?|am|pm|oclock|th|st|nd|rd|thirty|fifteen)\b"
    r"| (?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tonight|tomorrow|noon|midnight)\b"
    r"| (?:january|february|march|april|june|july|august|september|october|november|december)\b"
    r"| next week\b| this (?:morning|afternoon|evening)\b| [0-9]+ : [0-9]+| at [0-9]+\b"
)


def _has_time(normal: str) -> bool:
    return pattern(_TIME).search(normal) is not None


def _wants_time(normal: str) -> bool:
    wanted = r" (?:when|how (?:long|soon|many)|what (?:time|day|date)|which day|eta|by what)\b"
    return pattern(wanted).search(normal) is not None


_PROMISE = (
    r" (?:you|they|he|she|somebody|someone|i was) (?:said|told|promised|were going to|was going to|were meant to"
    r"|would|guaranteed|swore)| promised| supposed to| meant to"
)
_REMINDING = (
    " said", " told", " promised", " going to", " meant to", " would", " guaranteed", " swore", " supposed to",
)  # fmt: skip
"""What nobody comes back to a promise without."""


def mentions_promise(normal: str) -> bool:
    """Whether a customer comes back to a promise."""
    return any(map(normal.__contains__, _REMINDING)) and pattern(_PROMISE).search(normal) is not None
