"""Common sense: do the obvious, answer what was asked, don't make them say it twice."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from .. import families
from ..context import pattern
from ..conversation import Span
from .base import Verdict, not_applicable, rule, verdict, worded
from .view import HURTFUL, MOVING, View, bits

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
_FAMILIES = {
    "reference": families.REFERENCE,
    "order": families.ORDER,
    "account": families.ACCOUNT,
    "booking": families.BOOKING,
    "postcode": families.POSTCODE,
    "email": families.EMAIL,
    "phone": families.PHONE,
}
"""What words a detail cannot be named without."""
_SAID_IN_A_WORD = families.REFERENCE | families.ORDER
"""Details for which a word of their family is enough to name them."""
_FIGURES = families.FIGURES | families.ADDRESS


_HELPING = MOVING | bits("diagnosis", "ownership", "proactive")
_HELPING_AT_ONCE = MOVING | bits("ownership", "proactive")


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
    questions = [n for n in view.questions() if n < view.agent[-1]] if view.agent else []
    if not questions:
        return not_applicable("the customer asked nothing that the agent had a turn to answer")
    within = int(params["within"])
    open_questions = []
    searched: list[int] = []
    for n in questions:
        said = view.answered(n, within)
        if not said & _HELPING or (said & HURTFUL and not view.answered(n, 1) & _HELPING_AT_ONCE):
            open_questions.append(n)
            searched += view.replies(n, within)
    credit = 1 - len(open_questions) / len(questions)
    text = worded("{} of {} questions of the customer answered", len(questions) - len(open_questions), len(questions))
    return verdict(credit, text, tuple([view.whole(n) for n in open_questions]), tuple(dict.fromkeys(searched)))


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
    said = view.families()
    giving = [n for n in view.customer if said[n] & _FIGURES]
    given: dict[str, int] = {}
    for n in giving:
        before = bisect_left(view.agent, n) - 1
        asked = _wanted(view, view.agent[before]) if before >= 0 else None
        for kind in details(said[n], view.normal(n), asked):
            given.setdefault(kind, n)
    if not given:
        return not_applicable("the customer gave no number or address that could be asked for twice")
    asking = [n for n in view.agent if n > giving[0] and said[n] & families.DETAIL]
    again = [n for n in asking if given.get(_wanted(view, n) or "", n) < n]
    if again:
        spans = tuple(view.whole(n) for n in again)
        return verdict(0.0, "asked for something that the customer had already given", spans)
    spans = tuple(view.whole(n) for n in given.values())
    return verdict(1.0, "what the customer gave was not asked for again", spans)


def _wanted(view: View, turn: int) -> str | None:
    said = view.families()[turn]
    return wanted(said, view.normal(turn)) if said & families.DETAIL else None


def wanted(said: int, normal: str) -> str | None:
    """The kind of detail that an agent's turn, with these families of words, asks for."""
    kinds = _ASKED.items()
    return next((kind for kind, p in kinds if said & _FAMILIES[kind] and pattern(p).search(normal)), None)


def details(said: int, normal: str, asked: str | None) -> list[str]:
    """The kinds of detail that a customer's turn, with these families of words, gives: named beside figures, asked for
    just before, or an address."""
    kinds = []
    if said & families.FIGURES:
        for kind, p in _DETAILS.items():
            family = said & _FAMILIES[kind]
            if kind == asked or family & _SAID_IN_A_WORD or (family and pattern(p).search(normal)):
                kinds.append(kind)
    if said & families.ADDRESS and "email" not in kinds and _gives_address(normal):
        kinds.append("email")
    return kinds


def _gives_address(normal: str) -> bool:
    """Whether there is something like *me@example . org*: many write to *@somebody*, which is no address."""
    at = normal.find("@")
    while at >= 0:
        end = normal.find(" ", at)
        if end > at + 1 and normal.startswith(" . ", end) and "a" <= normal[end + 3 : end + 4] <= "z":
            return True
        at = normal.find("@", end) if end >= 0 else -1
    return False


_REPEATED, _VOLUNTEERED = bits("repeat_contact"), bits("proactive", "ownership")


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
    if not view.heard:
        return not_applicable("the customer did not speak again after the agent")
    repeats = view.turns_with(view.heard, _REPEATED) if view.customer_said & _REPEATED else []
    credit = max(0.0, 1 - 0.5 * len(repeats))
    text = worded("the customer had to repeat themselves in {} turns after the agent spoke", len(repeats))
    return verdict(credit, text, view.spans(repeats, _REPEATED) if repeats else ())


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
    return deflection_share(view, view.agent)


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
    found = view.turns_with(view.agent, _VOLUNTEERED) if view.agent_said & _VOLUNTEERED else []
    turns = len(found)
    credit = min(1.0, 0.25 + turns / max(2.0, len(view.agent) / 3)) if turns else 0.0
    text = worded("something useful volunteered or taken on in {} agent turns", turns)
    return verdict(credit, text, view.spans(found, _VOLUNTEERED) if found else ())


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


_GLAD, _CROSS = bits("satisfied"), bits("frustration", "escalation", "repeat_contact")


def mood(view: View) -> Verdict:
    """Credit 1 for a customer who ends satisfied, 0 for one who ends frustrated, 0.5 for neither."""
    found: Verdict | None = view.answers.get("mood")
    if found is None:
        found = view.answers["mood"] = _mood(view)
    return found


def _mood(view: View) -> Verdict:
    later = view.heard
    if not later:
        return not_applicable("the customer did not speak again after the agent")
    half = later[len(later) // 2 :]
    glad = view.turns_with(half, _GLAD) if view.customer_said & _GLAD else []
    cross = view.turns_with(half, _CROSS) if view.customer_said & _CROSS else []
    last_glad, last_cross = glad[-1] if glad else -1, cross[-1] if cross else -1
    credit, text = how_it_ends(len(glad), len(cross), last_glad, last_cross, len(half))
    if glad and credit >= 0.5:
        return verdict(credit, text, view.spans(glad, _GLAD))
    return verdict(credit, text, view.spans(cross, _CROSS) if cross else ())


def how_it_ends(happy: int, angry: int, last_glad: int, last_cross: int, heard: int) -> tuple[float, str]:
    """Credit and explanation of a mood: of ``heard`` turns towards the end, how many are satisfied and frustrated, and
    the last one of either kind (-1 where there is none)."""
    if happy and last_glad > last_cross:
        credit = 1.0 if not angry else 0.85
    elif happy and last_glad == last_cross:
        credit = 0.5
    else:
        credit = max(0.0, 0.5 - angry / max(2, heard) + (0.2 if happy else 0.0))
    return credit, worded("towards the end {} satisfied and {} frustrated turns of the customer", happy, angry)


def deflection_share(view: View, turns: Sequence[int]) -> Verdict:
    """Credit 1 where none of the agent's last turns, which are given, deflects, 0 where half of them do; softened ones
    count a quarter."""
    key = ("deflections", len(turns))
    found: Verdict | None = view.answers.get(key)
    if found is None:
        found = view.answers[key] = _deflection_share(view, turns)
    return found


def _deflection_share(view: View, turns: Sequence[int]) -> Verdict:
    if not turns:
        return not_applicable("no agent turn")
    hard = soft = 0
    spans: tuple[Span, ...] = ()
    if (view.agent_said | view.agent_softened) & HURTFUL:
        hard, soft = view.count(turns, HURTFUL), view.count_softened(turns, HURTFUL, HURTFUL)
        spans = view.spans_hard_first(turns, HURTFUL)
    credit, text = how_much_deflects(hard, soft, len(turns))
    return verdict(credit, text, spans)


def how_much_deflects(hard: int, soft: int, turns: int) -> tuple[float, str]:
    """Credit and explanation of a share of deflection: how many turns deflect, and how many more are softened."""
    share = (hard + 0.25 * soft) / turns
    text = worded("{} of {} agent turns deflect, {} more are softened by help", hard, turns, soft)
    return max(0.0, 1 - 2 * share), text
