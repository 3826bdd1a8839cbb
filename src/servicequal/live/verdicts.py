"""The rules over a growing conversation: the same verdicts as :mod:`servicequal.rules`, from kept lists.

What is said about each rule stands there; a test holds the two together. A rule that is not here is asked in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..conversation import Span
from ..packs import HURTING
from ..rules import Verdict
from ..rules.base import not_applicable
from ..rules.common_sense import how_it_ends, how_much_deflects
from ..rules.flexibility import _NO_OCCASION, REFUSALS
from ..rules.problem_solving import _NOTHING
from ..rules.recovery import _NOTHING_WRONG
from ..rules.view import MOVES
from .board import Board

Params = Mapping[str, float]
Check = Callable[[Board, Params], Verdict]


# -- what several rules share ------------------------------------------------------------------------


def _mood(board: Board) -> Verdict:
    heard = board.after(board.customer, board.agent[0]) if board.agent else range(0)
    if not heard:
        return not_applicable("the customer did not speak again after the agent")
    half = heard[len(heard) // 2 :] if len(heard) > 1 else heard
    first = board.customer[half[0]] - 1
    glad = board.found("satisfied", agent=False)
    cross = board.found("frustration", "escalation", "repeat_contact", agent=False)
    happy, angry = glad.count_after(first), cross.count_after(first)
    last_glad, last_cross = (found.turns[-1] if found.count_after(first) else -1 for found in (glad, cross))
    credit, text = how_it_ends(happy, angry, last_glad, last_cross, len(half))
    return Verdict(credit, text, cross.after(first) if credit < 0.5 else glad.after(first) or cross.after(first))


def _deflection_share(board: Board, first: int) -> Verdict:
    """Of the agent's turns after turn ``first``."""
    turns = len(board.after(board.agent, first))
    if not turns:
        return not_applicable("no agent turn")
    plain, apart = board.found(*HURTING), board.found(*HURTING, mode="apart")
    hard, soft = plain.count_after(first), board.found(*HURTING, mode="mild").count_after(first)
    credit, text = how_much_deflects(hard, soft, turns)
    return Verdict(credit, text, board.joined(plain.after(first), apart.after(first)))


def _counted(*cues: str, what: str) -> Check:
    def check(board: Board, params: Params) -> Verdict:
        if not _occasion(board):
            return not_applicable(_NO_OCCASION)
        plain, apart = board.found(*cues), board.found(*cues, mode="apart")
        hard, soft = plain.count_after(), board.found(*cues, mode="softened").count_after()
        credit = max(0.0, 1 - 0.5 * hard - 0.1 * soft)
        return Verdict(credit, f"{hard} {what}, {soft} softened by help", board.joined(plain.after(), apart.after()))

    return check


def _occasion(board: Board) -> bool:
    gone_wrong = board.first_failure is not None
    return bool(board.found(*REFUSALS, mode="any")) or (gone_wrong and bool(board.found("alternative")))


def _to_solve(board: Board) -> bool:
    return bool(board.customer) and bool(board.agent)


def _kinds(board: Board, first: int, *cues: str) -> list[str]:
    """Those of these cues that the agent says after turn ``first``, sorted."""
    return sorted(cue for cue in cues if board.found(cue).count_after(first))


def _plain_at(board: Board, turn: int, cue: str) -> list[Span]:
    return [m.span for m in board.cues.at(turn) if m.cue == cue and m.status == "plain"]


def _windowed(params: Params) -> int:
    return int(params["within"])


# -- common sense --------------------------------------------------------------------------------------


def _answers(board: Board, params: Params) -> Verdict:
    within = _windowed(params)

    def judge(n: int) -> tuple[float, Sequence[Span], Sequence[int]] | None:
        first, replies = board.replies(n, 1), board.replies(n, within)
        if not first:
            return None
        helped = board.has(replies, *MOVES, "diagnosis", "ownership", "proactive")
        dodged = board.has(replies, *HURTING) and not board.has(first, *MOVES, "ownership", "proactive")
        return (0.0, (), ()) if helped and not dodged else (1.0, [board.whole(n)], replies)

    kept = board.judgements("CSE101", board.questions.turns, judge)
    asked, unanswered = len(kept.turns), len(kept.items)
    if not asked:
        return not_applicable("the customer asked nothing that the agent had a turn to answer")
    text = f"{asked - unanswered} of {asked} questions of the customer answered"
    return Verdict(1 - unanswered / asked, text, tuple(kept.items), tuple(kept.searched))


def _asks_again(board: Board, params: Params) -> Verdict:
    if not board.given:
        return not_applicable("the customer gave no number or address that could be asked for twice")
    if board.again:
        return Verdict(0.0, "asked for something that the customer had already given", board.again.after())
    spans = tuple(board.whole(n) for n in board.given.values())
    return Verdict(1.0, "what the customer gave was not asked for again", spans)


def _said_once(board: Board, params: Params) -> Verdict:
    if not board.agent:
        return not_applicable("no agent turn")
    if not board.after(board.customer, board.agent[0]):
        return not_applicable("the customer did not speak again after the agent")
    repeats = board.found("repeat_contact", agent=False)
    turns = repeats.count_after(board.agent[0])
    text = f"the customer had to repeat themselves in {turns} turns after the agent spoke"
    return Verdict(max(0.0, 1 - 0.5 * turns), text, repeats.after(board.agent[0]))


def _straight_talk(board: Board, params: Params) -> Verdict:
    return _deflection_share(board, -1)


def _sees_the_need(board: Board, params: Params) -> Verdict:
    if board.first_failure is None and not board.questions:
        return not_applicable("no problem and no question")
    if not board.agent:
        return not_applicable("no agent turn")
    found = board.found("proactive", "ownership")
    turns = found.count_after()
    credit = min(1.0, 0.25 + turns / max(2.0, len(board.agent) / 3)) if turns else 0.0
    return Verdict(credit, f"something useful volunteered or taken on in {turns} agent turns", found.after())


def _leaves_content(board: Board, params: Params) -> Verdict:
    return _mood(board)


# -- flexibility ---------------------------------------------------------------------------------------


def _looks_for_a_way(board: Board, params: Params) -> Verdict:
    if not _occasion(board):
        return not_applicable(_NO_OCCASION)
    refusals, ways = board.found(*REFUSALS, mode="any"), board.found("alternative", "make_good")
    if not refusals:
        return Verdict(1.0, "another way was offered, and nothing was refused", ways.after())
    softened, within = board.found(*REFUSALS, mode="softened"), _windowed(params)

    def judge(n: int) -> tuple[float, Sequence[Span], Sequence[int]]:
        answered = softened.at(n) or board.has((n, *board.replies(n, within)), "alternative", "make_good", "ownership")
        return (0.0, (), ()) if answered else (1.0, refusals.at(n), ())

    kept = board.judgements("FLX101", refusals.turns, judge)
    turns, walls = len(kept.turns), int(kept.credit)
    text = f"{turns - walls} of {turns} refusals came with another way"
    return Verdict(1 - walls / turns, text, tuple(kept.items) or ways.after())


def _no_blank_cheque(board: Board, params: Params) -> Verdict:
    if board.reckless:
        return Verdict(0.0, "promised without measure", board.reckless.after())
    generous = board.found("make_good")
    if not generous or not _occasion(board):
        return not_applicable("nothing was promised beyond the ordinary")
    return Verdict(1.0, "what was given is named and has a measure", generous.after())


def _accepts_the_way(board: Board, params: Params) -> Verdict:
    return _mood(board) if _occasion(board) else not_applicable(_NO_OCCASION)


# -- problem-solving -----------------------------------------------------------------------------------


def _moves_forward(board: Board, params: Params) -> Verdict:
    if not _to_solve(board):
        return not_applicable(_NOTHING)
    moves = board.found(*MOVES, "proactive", "ownership")
    good, turns = board.found(*MOVES, "proactive", "ownership", mode="clean").count_after(), len(board.agent)
    return Verdict(min(1.0, 2 * good / turns), f"{good} of {turns} agent turns move the matter", moves.after())


def _not_passed_on(board: Board, params: Params) -> Verdict:
    return _deflection_share(board, -1) if _to_solve(board) else not_applicable(_NOTHING)


def _acts(board: Board, params: Params) -> Verdict:
    first = board.first_failure
    if first is None:
        return not_applicable("no problem was reported")
    later = board.agent_after(first)
    if not later:
        return not_applicable("no agent turn after the problem was reported")
    found = board.found("action", "ownership", "commitment", "make_good")
    kinds = _kinds(board, first, "action", "ownership", "commitment", "make_good")
    done, meant = {"action", "make_good"}.intersection(kinds), {"commitment", "ownership"}.intersection(kinds)
    credit = min(1.0, 0.4 * len(done) + 0.3 * len(meant))
    return Verdict(credit, f"acted on with: {', '.join(kinds) or 'nothing'}", found.after(first), later)


def _when_gets_a_time(board: Board, params: Params) -> Verdict:
    within = _windowed(params)

    def judge(n: int) -> tuple[float, Sequence[Span], Sequence[int]] | None:
        first, replies = board.replies(n, 1), board.replies(n, within)
        if not first:
            return None
        given = board.has(replies, "commitment", "make_good") or any(
            not board.facts[n].wants_time() or board.facts[r].has_time()
            for r in replies
            if board.has((r,), "guidance", "action")
        )
        missed = not given or board.has(first, "noncommittal")
        return (1.0, _plain_at(board, n, "asks_when"), ()) if missed else (0.0, (), ())

    kept = board.judgements("EXP101", board.found("asks_when", agent=False).turns, judge)
    asked, missed = len(kept.turns), int(kept.credit)
    if not asked:
        return not_applicable("the customer asked for no time")
    text = f"{asked - missed} of {asked} questions for a time were given one"
    return Verdict(1 - missed / asked, text, tuple(kept.items))


def _not_closed_while_open(board: Board, params: Params) -> Verdict:
    if not _to_solve(board):
        return not_applicable(_NOTHING)
    last = tuple(board.agent[-2:] if len(board.agent) > 2 else board.agent[-1:])
    bad = board.spans(last, *HURTING)
    done = bool(board.found("action", "make_good", "commitment", "alternative"))
    polite = ("check_back",) if done else ()
    good = board.spans(last, *MOVES, *polite, "ownership", "proactive")
    if board.first_failure is not None and not done and board.has(last, "check_back"):
        return Verdict(0.0, "a closing formula while nothing was done", board.spans(last, "check_back"))
    if bad and board.has(last[-1:], *HURTING):
        return Verdict(0.0, "the agent's last words deflect", bad, last)
    if bad:
        return Verdict(0.3, "towards the end the agent deflects", bad, last)
    if good:
        return Verdict(1.0, "the agent's last words hold a step, an answer or a check", good, last)
    return Verdict(0.6, "the agent's last words neither help nor deflect", (), last)


def _ends_solved(board: Board, params: Params) -> Verdict:
    return _mood(board) if _to_solve(board) else not_applicable(_NOTHING)


def _understands_first(board: Board, params: Params) -> Verdict:
    if board.first_failure is None:
        return not_applicable("no problem was reported")
    replies = tuple(board.replies(board.first_failure, 3))
    if not replies:
        return not_applicable("no agent turn after the problem was reported")
    found = board.found("diagnosis", "action", "guidance").within(replies)
    text = "asked about or acted on" if found else "neither asked about nor acted on"
    return Verdict(1.0 if found else 0.0, text, found, replies)


def _checks(board: Board, params: Params) -> Verdict:
    if board.first_failure is None or not board.found("action", "make_good", "commitment"):
        return not_applicable("nothing was done that could be checked")
    found = board.found("check_back").after()
    return Verdict(1.0 if found else 0.0, "checked, or a way back given" if found else "not checked", found)


def _promise_kept(board: Board, params: Params) -> Verdict:
    promised = board.found("commitment").turns
    again = board.after(board.reminders, promised[0]) if promised else range(0)
    reminder = board.reminders[again[0]] if again else None
    if reminder is None:
        return not_applicable("no promise came up again in this conversation")
    after = tuple(board.replies(reminder, 2))
    kept = board.found("action", "make_good", "commitment", "ownership").within(after)
    spans = (*_plain_at(board, promised[0], "commitment"), board.whole(reminder))
    if kept and not board.found(*HURTING).within(after):
        return Verdict(0.6, "the promise came up again and was put right or renewed", spans, after)
    return Verdict(0.0, "the promise came up again and was not kept", spans, after)


def _takes_it_on(board: Board, params: Params) -> Verdict:
    others = board.found("disowning", "bouncing", mode="any")
    if board.first_failure is None and not others:
        return not_applicable("nothing to take on")
    found = board.found("ownership")
    if found:
        return Verdict(1.0, "taken on in person", found.after())
    if board.found("disowning", "bouncing"):
        return Verdict(0.0, "handed to somebody else", others.after())
    done = board.found("action", "commitment", "make_good").after()
    return Verdict(0.5 if done else 0.2, "acted on, not taken on in words" if done else "not taken on", done)


# -- recovery ------------------------------------------------------------------------------------------


def _after_failure(judge: Callable[[Board, int, tuple[int, ...]], Verdict]) -> Check:
    """A rule about the agent's turns after the first failure."""

    def check(board: Board, params: Params) -> Verdict:
        first = board.first_failure
        later = board.agent_after(first) if first is not None else ()
        return judge(board, first or 0, later) if later else not_applicable(_NOTHING_WRONG)

    return check


def _owned(board: Board, first: int, later: tuple[int, ...]) -> Verdict:
    found = board.found("ownership").after(first)
    if found:
        return Verdict(1.0, "responsibility taken in words", found, later)
    acts = board.found("action", "commitment").after(first)
    return Verdict(0.5 if acts else 0.0, "acted on without owning it" if acts else "nobody owned it", acts, later)


def _apologised(board: Board, first: int, later: tuple[int, ...]) -> Verdict:
    found = board.found("apology", "empathy").after(first)
    text = "said sorry or showed feeling" if found else "no word of regret"
    return Verdict(1.0 if found else 0.0, text, found, later)


_REPAIRS = ("action", "commitment", "make_good", "alternative", "ownership", "proactive")


def _put_right(board: Board, first: int, later: tuple[int, ...]) -> Verdict:
    found = board.found(*_REPAIRS)
    kinds, turns = _kinds(board, first, *_REPAIRS), found.count_after(first)
    credit = min(1.0, 0.2 * len(kinds) + 0.4 * min(1.0, 2 * turns / len(later))) if kinds else 0.0
    return Verdict(credit, f"put right with: {', '.join(kinds) or 'nothing'}", found.after(first), later)


def _more(board: Board, first: int, later: tuple[int, ...]) -> Verdict:
    kinds = _kinds(board, first, "make_good", "proactive")
    credit = 1.0 if "make_good" in kinds else 0.75 if kinds else 0.0
    text = "something beyond the repair" if kinds else "nothing beyond the ordinary"
    return Verdict(credit, text, board.found("make_good", "proactive").after(first), later)


def _restored(board: Board, first: int, later: tuple[int, ...]) -> Verdict:
    return _mood(board)


def _not_deflected(board: Board, first: int, later: tuple[int, ...]) -> Verdict:
    return _deflection_share(board, first)


def _grace(board: Board, first: int, later: tuple[int, ...]) -> Verdict:
    def judge(n: int) -> tuple[float, Sequence[Span], Sequence[int]] | None:
        reply = board.replies(n, 1)
        if not reply:
            return None
        deflects = board.has(reply, *HURTING) and not board.has(reply, "ownership", "make_good")
        if not board.has(reply, "dismissive", "blaming") and not deflects:
            if board.has(reply, "empathy", "apology", "ownership", "make_good"):
                return 1.0, (), ()
            if board.has(reply, "action", "commitment", "alternative", "guidance", "courtesy"):
                return 0.6, (), ()
        return 0.0, [board.whole(n)], ()

    kept = board.judgements("KND101", board.found("frustration", "escalation", agent=False).turns, judge)
    hot, cold = len(kept.turns), len(kept.items)
    if not hot:
        return not_applicable("the customer was not upset")
    text = f"{hot - cold} of {hot} upset turns were met with kindness or help"
    return Verdict(kept.credit / hot, text, tuple(kept.items))


CHECKS: Mapping[str, Check] = {
    "CSE101": _answers,
    "CSE102": _asks_again,
    "CSE103": _said_once,
    "CSE104": _straight_talk,
    "CSE105": _sees_the_need,
    "CSE106": _leaves_content,
    "FLX101": _looks_for_a_way,
    "FLX102": _counted("policy_shield", "helplessness", what="walls of rules or helplessness"),
    "FLX103": _counted("blaming", "dismissive", what="words that take the customer's dignity"),
    "FLX104": _counted("bouncing", "disowning", "noncommittal", what="times sent away or put off"),
    "FLX105": _no_blank_cheque,
    "FLX106": _accepts_the_way,
    "SOL101": _moves_forward,
    "SOL102": _not_passed_on,
    "SOL103": _acts,
    "SOL104": _not_closed_while_open,
    "SOL105": _ends_solved,
    "SOL106": _understands_first,
    "SOL107": _checks,
    "EXP101": _when_gets_a_time,
    "EXP102": _promise_kept,
    "OWN101": _takes_it_on,
    "REC101": _after_failure(_owned),
    "REC102": _after_failure(_apologised),
    "REC103": _after_failure(_put_right),
    "REC104": _after_failure(_more),
    "REC105": _after_failure(_restored),
    "REC106": _after_failure(_not_deflected),
    "KND101": _after_failure(_grace),
}
"""By rule code."""
