"""Common sense: do the obvious, answer what was asked, don't make them say it twice."""

from __future__ import annotations

from collections.abc import Mapping

from .. import families
from ..context import pattern
from ..conversation import Span
from ..packs import HURTING
from .base import Verdict, not_applicable, rule
from .view import MOVES, View, spans_of

_DETAILS: dict[str, str] = {
    "reference": r" (?:reference|ref|case|ticket|claim|complaint|job)(?: number| no| id| code)?\b",
    "order": r" order(?: number| no| id)?\b",
    "account": r" (?:account|customer|member|membership|policy|contract|client)(?: number| no| id)\b",
    "booking": r" (?:booking|reservation|confirmation|flight|ticket)(?: number| no| id| code| reference)\b",
    "postcode": r" (?:postcode|post code|zip|zip code)\b",
    "email": r" (?:email|e mail)(?: address)?\b",
    "phone": r" (?:phone|mobile|telephone|contact)(?: number| no)\b",
}
_ASKS = (
    r"(?: can i| could i| may i| can you| could you| would you| please| what is| what was| do you have| have you got"
    r"| provide| confirm| tell me| give me| share| send| need| have)(?: [^ .?:]+){{0,6}}{0}"
    r"|(?:^| [.?:])(?: and| okay| right| thanks| thank you| so)*(?: the| your)(?: [^ .?:]+){{0,2}}{0}"
    r"(?: [^ .?:]+){{0,3}} [?]"
)
_ASKED = {kind: _ASKS.format(words) for kind, words in _DETAILS.items()}

_FIGURES = r" [^ ]*[0-9][^ ]*[0-9][^ ]*[0-9]"
_ADDRESS = r"@[^ ]+ [.] [a-z]"


@rule(
    "CSE101",
    "common-sense.answers-what-was-asked",
    "common_sense",
    weight=1.5,
    within=2,
    why="A question that gets no answer has to be asked again; people remember being talked past.",
    source="codebook: answer what was asked; good service: don't make them say it twice",
    say_instead="Answer the question in your first sentence, then add what else helps.",
)
def answers_what_was_asked(view: View, params: Mapping[str, float]) -> Verdict:
    """Each question of the customer is followed, within two replies, by an answer, a step, a question that
    leads to one, or an action. A deflection is no answer. The credit is the share of questions answered."""
    questions = [n for n in view.questions() if view.replies(n, 1)]
    if not questions:
        return not_applicable("the customer asked nothing that the agent had a turn to answer")
    open_questions = []
    for n in questions:
        replies = view.replies(n, int(params["within"]))
        helped = view.every(replies, *MOVES, "diagnosis", "ownership", "proactive")
        dodged = view.every(replies, *HURTING)
        first = view.replies(n, 1)
        if not helped or (dodged and not view.every(first, *MOVES, "ownership", "proactive")):
            open_questions.append(n)
    credit = 1 - len(open_questions) / len(questions)
    text = f"{len(questions) - len(open_questions)} of {len(questions)} questions of the customer answered"
    spans = tuple(view.whole(n) for n in open_questions)
    searched = tuple(r for n in open_questions for r in view.replies(n, int(params["within"])))
    return Verdict(credit, text, spans, tuple(dict.fromkeys(searched)))


@rule(
    "CSE102",
    "common-sense.does-not-ask-again",
    "common_sense",
    weight=0.5,
    why="Asking for what the customer has just given says that nobody listened.",
    source="good service: don't make them say it twice",
    say_instead="I have your order number from above, so I'm looking it up now.",
)
def does_not_ask_again(view: View, params: Mapping[str, float]) -> Verdict:
    """The agent does not ask for a reference, order, account or booking number, e-mail, phone number or
    postcode that the customer has already given in this conversation."""
    given: dict[str, int] = {}
    asked: str | None = None
    again: list[int] = []
    for n, turn in enumerate(view.turns):
        if not turn.scorable or turn.speaker not in ("agent", "customer"):
            continue
        if turn.speaker == "customer":
            for kind in _given(view.normal(n), asked):
                given.setdefault(kind, n)
            continue
        wants = None
        if view.flags(n) & families.DETAIL:
            normal = view.normal(n)
            wants = next((k for k, p in _ASKED.items() if pattern(p).search(normal)), None)
        if wants is not None and wants in given:
            again.append(n)
        asked = wants
    if not given:
        return not_applicable("the customer gave no number or address that could be asked for twice")
    if again:
        spans = tuple(view.whole(n) for n in again)
        return Verdict(0.0, "asked for something that the customer had already given", spans)
    spans = tuple(view.whole(n) for n in given.values())
    return Verdict(1.0, "what the customer gave was not asked for again", spans)


def _given(normal: str, asked: str | None) -> list[str]:
    """The kinds of detail that a customer's turn gives: named beside figures, asked for just before, or an address."""
    kinds = []
    if any(map(normal.__contains__, "0123456789")) and pattern(_FIGURES).search(normal):
        kinds += [kind for kind, p in _DETAILS.items() if kind == asked or pattern(p).search(normal)]
    if "@" in normal and "email" not in kinds and pattern(_ADDRESS).search(normal):
        kinds.append("email")
    return kinds


@rule(
    "CSE103",
    "common-sense.said-once-is-enough",
    "common_sense",
    weight=1,
    why="Having to repeat oneself within one conversation is the plainest sign of not being heard.",
    source="codebook: common sense, 'not make them repeat themselves'",
    say_instead="You've told me that already, thank you; here is what I'm doing about it.",
)
def said_once(view: View, params: Mapping[str, float]) -> Verdict:
    """Once the agent has spoken, the customer does not have to say again what they said, asked or waited for."""
    if not view.agent:
        return not_applicable("no agent turn")
    later = [n for n in view.customer if n > view.agent[0]]
    if not later:
        return not_applicable("the customer did not speak again after the agent")
    repeats = view.every(later, "repeat_contact")
    credit = max(0.0, 1 - 0.5 * len({m.turn for m in repeats}))
    text = f"the customer had to repeat themselves in {len({m.turn for m in repeats})} turns after the agent spoke"
    return Verdict(credit, text, spans_of(repeats))


@rule(
    "CSE104",
    "common-sense.straight-talk",
    "common_sense",
    weight=3.5,
    why="Dodging, cold or belittling words leave the customer where they were, and hurt besides.",
    source="codebook: noncommittal, dismissive, disowning; common sense 0 = 'ignores or contradicts the plain need'",
    say_instead="Here is what I know, here is what I don't, and this is when you'll hear from me.",
)
def straight_talk(view: View, params: Mapping[str, float]) -> Verdict:
    """The agent's turns are free of deflection. The credit falls with the share of agent turns that
    deflect, and reaches zero where half of them do."""
    return deflection_share(view, HURTING, view.agent)


@rule(
    "CSE105",
    "common-sense.sees-the-need-behind",
    "common_sense",
    weight=2,
    why="Good service meets the need behind the words: news, a warning or a next step nobody had to ask for.",
    source="codebook: proactive; common sense 4 = 'sees the need behind the words and meets it unasked'",
    say_instead="While I'm here: you'll also need …, so I've done that too.",
)
def sees_the_need(view: View, params: Mapping[str, float]) -> Verdict:
    """Where a customer has a problem or asks something, the agent volunteers something useful."""
    if not (view.gone_wrong or view.questions()):
        return not_applicable("no problem and no question")
    if len(view.agent) < 1:
        return not_applicable("no agent turn")
    found = view.every(view.agent, "proactive", "ownership")
    turns = len({m.turn for m in found})
    credit = min(1.0, 0.25 + turns / max(2.0, len(view.agent) / 3)) if turns else 0.0
    return Verdict(credit, f"something useful volunteered or taken on in {turns} agent turns", spans_of(found))


@rule(
    "CSE106",
    "common-sense.customer-leaves-content",
    "common_sense",
    weight=2.5,
    why="Whether a customer was served is something the customer knows best.",
    source="codebook: satisfied, frustration; 'would a fair customer come away better served?'",
    say_instead="Has that sorted it for you?",
)
def leaves_content(view: View, params: Mapping[str, float]) -> Verdict:
    """In the second half of what the customer says there is satisfaction rather than frustration."""
    return mood(view)


def mood(view: View) -> Verdict:
    """Credit 1 for a customer who ends satisfied, 0 for one who ends frustrated, 0.5 for neither."""
    later = [n for n in view.customer if view.agent and n > view.agent[0]]
    if not later:
        return not_applicable("the customer did not speak again after the agent")
    half = later[len(later) // 2 :] if len(later) > 1 else later
    glad = view.every(half, "satisfied")
    cross = view.every(half, "frustration", "escalation", "repeat_contact")
    happy, angry = len({m.turn for m in glad}), len({m.turn for m in cross})
    last_glad, last_cross = (max((m.turn for m in found), default=-1) for found in (glad, cross))
    credit, text = how_it_ends(happy, angry, last_glad, last_cross, len(half))
    return Verdict(credit, text, spans_of(cross if credit < 0.5 else glad or cross))


def how_it_ends(happy: int, angry: int, last_glad: int, last_cross: int, heard: int) -> tuple[float, str]:
    """Credit and explanation of a mood: of ``heard`` turns towards the end, how many are satisfied and frustrated, and
    the last one of either kind (-1 where there is none)."""
    if happy and last_glad > last_cross:
        credit = 1.0 if not angry else 0.85
    elif happy and last_glad == last_cross:
        credit = 0.5
    else:
        credit = max(0.0, 0.5 - angry / max(2, heard) + (0.2 if happy else 0.0))
    return credit, f"towards the end {happy} satisfied and {angry} frustrated turns of the customer"


def deflection_share(view: View, cues: tuple[str, ...], turns: tuple[int, ...]) -> Verdict:
    """Credit 1 where no turn deflects, 0 where half of them do; softened ones count a quarter."""
    if not turns:
        return not_applicable("no agent turn")
    plain = view.every(turns, *cues)
    softened = [m for m in view.every(turns, *cues, softened=True) if m.status == "softened"]
    hard = {m.turn for m in plain}
    soft = {m.turn for m in softened} - hard
    credit, text = how_much_deflects(len(hard), len(soft), len(turns))
    spans: tuple[Span, ...] = spans_of([*plain, *softened])
    return Verdict(credit, text, spans)


def how_much_deflects(hard: int, soft: int, turns: int) -> tuple[float, str]:
    """Credit and explanation of a share of deflection: how many turns deflect, and how many more are softened."""
    share = (hard + 0.25 * soft) / turns
    return max(0.0, 1 - 2 * share), f"{hard} of {turns} agent turns deflect, {soft} more are softened by help"
