"""A conversation that is going on is scored, after every turn, as if it had been read whole."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import servicequal as sq
from servicequal.detector.features import LONGEST_PLACE
from servicequal.live import strand
from servicequal.live.runs import Run
from servicequal.live.verdicts import CHECKS
from servicequal.rules import RULES
from servicequal.semantic import SemanticMatcher
from support import ROOT, talk

CUSTOMER = (
    "My parcel never arrived. When will I get it?",
    "I've already rung you twice about this, it's ridiculous!",
    "My order number is 8472913, and my email is jo@example.com.",
    "You said somebody would call me back.",
    "Can I speak to your manager?",
    "Brilliant, thank you so much, that's sorted it.",
    "Okay.",
    "What happens now?",
)
AGENT = (
    "Thank you for calling Acme, how can I help you?",
    "There's nothing I can do, it's our policy.",
    "That's nothing to do with us, you need to contact the courier.",
    "I'm so sorry about that. Leave it with me.",
    "I've sent you a new one today and refunded the charge. You'll have it by Friday noon.",
    "What's your order number, please?",
    "I couldn't say. Alternatively I've booked a collection for tomorrow, and I'll ring you on Friday.",
    "As I said, you should have read the letter.",
    "Whatever you want, it's free for life.",
    "Is there anything else I can help with?",
)
OTHER = ("Your call is important to us, please hold.", "Hello?", "   ", "")


@st.composite
def turns(draw: st.DrawFn) -> sq.Turn:
    speaker = draw(st.sampled_from(["agent"] * 5 + ["customer"] * 5 + ["bot", "unknown", "system"]))
    said = {"agent": AGENT, "customer": CUSTOMER}.get(speaker, OTHER)
    start = draw(st.none() | st.integers(0, 400).map(lambda n: n / 4))
    length = draw(st.none() | st.integers(0, 60).map(lambda n: n / 4))
    return sq.Turn(
        speaker=speaker,
        text=draw(st.sampled_from([*said * 4, *OTHER])),
        kind=draw(st.sampled_from(["message"] * 15 + ["note", "quote"])),
        start=start,
        end=None if start is None or length is None else start + length,
        speaker_id=draw(st.sampled_from(["ann", "bob", "cem", None])) if speaker == "agent" else None,
        confidence=draw(st.none() | st.sampled_from([0.4, 0.59, 0.61, 0.9])),
    )


def follow(scorer: sq.Scorer, conversation: sq.Conversation, at: Iterable[int] | None = None) -> None:
    """Every prefix of the conversation, or those of these lengths, has the batch's scorecard."""
    live = sq.LiveScorer(conversation.id, conversation.channel, scorer, conversation.metadata)
    lengths = set(range(len(conversation.turns) + 1) if at is None else at)
    for n in range(len(conversation.turns) + 1):
        card = live.add(conversation.turns[n - 1]) if n else live.scorecard
        assert card is live.scorecard
        if n in lengths:
            so_far = conversation.model_copy(update={"turns": conversation.turns[:n]})
            assert live.conversation == so_far
            whole = scorer.score(so_far)
            assert card == whole
            assert card.model_dump_json() == whole.model_dump_json()


def endless(*said: str) -> Iterator[sq.Turn]:
    return itertools.cycle(talk(*said).turns)


@pytest.fixture(scope="module")
def strict(packs) -> sq.Scorer:
    """A user's own packs and windows, without the detector."""
    own = next(p for p in packs if p.cue == "disowning").model_copy(
        update={"cue": "shrugging", "phrases": ("i could not say",), "softened_by": ("commitment", "alternative")}
    )
    wide = {"rules": {"CSE101": {"within": 4}, "FLX101": {"within": 1}, "EXP101": {"within": 0.5, "critical": True}}}
    return sq.Scorer(rubric=wide, packs=[own], model=False)


@given(said=st.lists(turns(), max_size=30), channel=st.sampled_from([None, "call", "social"]))
@settings(max_examples=25)
def test_equal_after_every_turn(scorer, said, channel):
    follow(scorer, sq.Conversation(id="c", channel=channel, turns=tuple(said)))


@given(said=st.lists(turns(), max_size=20))
@settings(max_examples=10)
def test_equal_with_own_packs_and_rubric(strict, said):
    marks = {"ann": {"role": "agent", "reason": "greets"}, "x": 1}
    follow(strict, sq.Conversation(id="c", turns=tuple(said), metadata={"roles_inferred": marks}))


@given(said=st.lists(turns(), max_size=12), channel=st.sampled_from(["chat", "social"]))
@settings(max_examples=10)
def test_equal_with_the_detector(whole, said, channel):
    follow(whole, sq.Conversation(id="c", channel=channel, turns=tuple(said)))


def test_equal_on_the_samples(scorer, samples):
    for conversation in list(samples.values())[::5]:
        follow(scorer, conversation)


def test_equal_on_the_corpus(whole):
    read = [c for c in sq.read(ROOT / "data" / "training" / "corpus.jsonl") if isinstance(c, sq.Conversation)]
    for conversation in read[::100]:
        follow(whole, conversation)


def test_equal_beyond_the_turns_whose_place_is_told(whole):
    """Four agents, pauses with customers only, and lengths on either side of the boundary."""
    said = []
    for n in range(LONGEST_PLACE + 25):
        customer = n % 2 == 0 or n % 17 > 13
        text = CUSTOMER[n % 7] if customer else AGENT[(n * 7) % 10]
        who = None if customer else "abcd"[n // 40]
        said.append(sq.Turn(speaker="customer" if customer else "agent", text=text, speaker_id=who))
    checked = [42, LONGEST_PLACE, LONGEST_PLACE + 1, LONGEST_PLACE + 14, len(said)]
    follow(whole, sq.Conversation(id="c", channel="call", turns=tuple(said)), checked)


def test_a_refusal_softened_long_after(whole, scorer):
    """Help comes in the agent's next turn, however many customer's turns lie between."""
    waiting = ["c: Hello? Anybody there?"] * (LONGEST_PLACE + 20)
    refused = "a: There's nothing I can do, that's not our department."
    helped = "a: I've ordered a new one for you, and I'll ring you by Friday. Alternatively you could collect it."
    said = talk("c: My parcel never arrived.", refused, *waiting, helped)
    for use in (scorer, whole):
        follow(use, said, [len(said.turns) - 1, len(said.turns)])
    live = sq.LiveScorer(scorer=scorer)
    cards = [live.add(turn) for turn in said.turns]
    statuses = [[m.status for m in card.cues if m.turn == 1 and m.cue == "helplessness"] for card in cards]
    assert (statuses[-2], statuses[-1]) == (["plain"], ["softened"])


def test_more_agents_than_are_scored_apart(scorer):
    said = [
        sq.Turn(speaker="agent", text=AGENT[n % 10], speaker_id=f"agent {n % 23}") if n % 3 else t
        for n, t in enumerate(itertools.islice(endless("c: When will it come?"), 90))
    ]
    follow(scorer, sq.Conversation(id="c", turns=tuple(said)), [2, 3, 27, 30, 31, 32, 60, 90])


def test_every_rule_is_kept_and_an_unknown_one_is_asked_in_full(scorer, samples, monkeypatch):
    assert set(CHECKS) == {rule.code for rule in RULES}
    monkeypatch.setattr(strand, "CHECKS", {code: c for code, c in CHECKS.items() if code not in ("CSE101", "REC103")})
    follow(scorer, samples["chat-bounced-harmful"])


class Letters:
    """An encoder for tests: how often each letter is said."""

    name = "letters"

    def encode(self, texts, **_):
        return [[float(text.lower().count(c)) + 0.01 for c in "etaoinshrdlu"] for text in texts]


def test_with_meaning_on_the_whole_is_scored_again(packs, samples):
    scorer = sq.Scorer(model=False, semantic=SemanticMatcher(Letters(), packs, threshold=0.9))
    follow(scorer, samples["chat-bounced-harmful"])


def test_a_mapping_is_a_turn_and_a_bad_one_changes_nothing(scorer):
    live = sq.LiveScorer("c", "chat", scorer)
    before = live.add({"speaker": "agent", "text": "It's our policy.", "start": 1})
    with pytest.raises(ValidationError, match="speaker"):
        live.add({"speaker": "nobody", "text": "x"})
    assert live.scorecard is before
    assert [t.text for t in live.conversation.turns] == ["It's our policy."]
    with pytest.raises(ValidationError, match="channel"):
        sq.LiveScorer(channel="fax")


def test_cards_given_out_stay_as_they_are(scorer):
    live = sq.LiveScorer(scorer=scorer)
    given_out = [live.add(t) for t in itertools.islice(endless("c: " + CUSTOMER[0], "a: " + AGENT[1]), 12)]
    told = [card.model_dump_json() for card in given_out]
    for turn in itertools.islice(endless("a: " + AGENT[4], "c: " + CUSTOMER[5]), 12):
        live.add(turn)
    assert [card.model_dump_json() for card in given_out] == told


def _calls(live: sq.LiveScorer, turn: sq.Turn) -> int:
    """Functions called, Python's and C's, while one turn is taken."""
    count = 0

    def seen(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        live.add(turn)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("agents", [1, 3])
def test_the_work_for_a_turn_does_not_grow(scorer, agents):
    """As many calls at turn 1000 as at turn 200: counted, not timed, so that a busy machine can't change it."""
    said = [f"{'ca'[k % 2]}: {(CUSTOMER, AGENT)[k % 2][k // 2 % 7]}" for k in range(14)]
    live = sq.LiveScorer("c", "call", scorer)
    counts = []
    for n, turn in enumerate(itertools.islice(endless(*said), 1052)):
        who = f"agent {n // 14 % agents}" if turn.speaker == "agent" else None
        timed = turn.model_copy(update={"speaker_id": who, "start": 4.0 * n, "end": 4.0 * n + 3})
        counts.append(_calls(live, timed) if 210 <= n % 800 < 252 else live.add(timed) and 0)
    early, late = sum(counts[:500]), sum(counts[500:])
    assert early
    assert late <= 1.05 * early


def test_the_detector_is_asked_about_a_few_turns_only(whole, monkeypatch):
    asked = []
    decide = strand.decide

    def recorded(conversation, *rest):
        asked.append(len(conversation.turns))
        return decide(conversation, *rest)

    monkeypatch.setattr(strand, "decide", recorded)
    live = sq.LiveScorer("c", "call", whole)
    for turn in itertools.islice(endless("c: " + CUSTOMER[0], "a: " + AGENT[3]), LONGEST_PLACE + 30):
        live.add(turn)
    assert max(asked) == LONGEST_PLACE + 1
    assert max(asked[LONGEST_PLACE + 1 :]) <= 16


@given(
    puts=st.lists(st.tuples(st.integers(0, 8), st.lists(st.integers(0, 9), max_size=3)), max_size=30),
    cut=st.integers(-1, 8),
)
def test_a_run_is_a_dictionary_of_lists(puts, cut):
    run: Run[int] = Run()
    plain: dict[int, list[int]] = {}
    for turn, items in puts:
        run.put(turn, items)
        plain[turn] = items
        later = [n for n in sorted(plain) if n > cut and plain[n]]
        assert run.after(cut) == tuple(x for n in later for x in plain[n])
        assert run.count_after(cut) == len(later)
        assert all(list(run.at(n)) == plain.get(n, []) for n in range(9))
    assert run.within([2, 6]) == tuple(x for n in range(2, 7) for x in plain.get(n, []))
