"""The role map, inference that is marked and abstains, and times in every unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicequal.conversation import Conversation, Turn
from servicequal.errors import ReadError
from servicequal.readers import Draft, Roles, Said, build, read
from servicequal.readers.infer import with_inferred_roles
from servicequal.readers.roles import built_in, person
from servicequal.readers.times import align, clock, duration, moment, unit_of


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("AGENT", "agent"),
        ("Human_Agent", "agent"),
        ("customer service representative", "agent"),
        ("Agent 2", "agent"),
        ("Agent (Dana)", "agent"),
        ("Dana [Agent]", "agent"),
        ("END_USER", "customer"),
        ("end-user", "customer"),
        ("Visitor 4411", "customer"),
        ("AUTOMATED_AGENT", "bot"),
        ("IVR", "bot"),
        ("System", "system"),
        ("Action", "system"),
        ("Operator", "unknown"),
        ("Assistant", "unknown"),
        ("INTERNAL", "unknown"),
        ("Business", "unknown"),
        ("Agent Smith", "unknown"),
        ("Real Estate Agent", "unknown"),
        ("spk_0", "unknown"),
        ("User 1", "unknown"),
        ("", "unknown"),
    ],
)
def test_built_in_labels(label, role):
    assert built_in(label) == role


@pytest.mark.parametrize(
    ("label", "who"),
    [
        ("AGENT", None),
        ("Agent (Dana)", "Dana"),
        ("Dana [Agent]", "Dana"),
        ("Agent 2", "Agent 2"),
        ("Royalle G", "Royalle G"),
    ],
)
def test_who_a_label_names(label, who):
    assert person(label) == who


def test_the_more_particular_name_wins():
    roles = Roles.of({"Agent": "agent", "Fin": "bot", "p-1": "customer", "0": "system", "*": "customer"})
    assert roles.role("Agent", name="Fin") == "bot"
    assert roles.role("Agent", name="Fin", speaker_id="p-1") == "customer"
    assert roles.role(None, channel=0) == "system"
    assert roles.role("somebody") == "customer"
    assert roles.role("IVR") == "bot"
    assert roles.role("x", certain="agent") == "agent"
    assert Roles.of({"x": "customer"}).role("x", certain="agent") == "customer"


def test_role_map_from_csv(tmp_path):
    file = tmp_path / "roles.csv"
    file.write_text("label,role\nZed,agent\n\nAmy Poe,customer\n")
    roles = Roles.of(str(file))
    assert (roles.role("zed"), roles.role("AMY POE")) == ("agent", "customer")
    file.write_text("Zed,agent\nAmy,queen\n")
    with pytest.raises(ReadError, match=r"line 2.*'queen'"):
        Roles.of(file)
    with pytest.raises(ReadError, match="cannot be read"):
        Roles.of(tmp_path / "none.csv")
    with pytest.raises(ReadError, match="from your label to ours"):
        Roles.of({"agent": "Zed"})


def talk(*turns):
    return Conversation(id="c", turns=tuple(Turn(speaker="unknown", text=text, speaker_id=who) for who, text in turns))


def test_inference_is_marked_and_explains_itself():
    found = with_inferred_roles(
        talk(
            ("0", "Thank you for calling Acme, how can I help?"),
            ("1", "It's broken."),
            ("0", "Bear with me."),
        )
    )
    assert [turn.speaker for turn in found.turns] == ["agent", "customer", "agent"]
    assert "thank you for calling" in found.metadata["roles_inferred"]["0"]["reason"]
    assert found.metadata["roles_inferred"]["1"]["role"] == "customer"


@pytest.mark.parametrize(
    "turns",
    [
        [("0", "Hello."), ("1", "Hi.")],
        [("0", "How can I help?"), ("1", "It's broken.")],
        [("0", "Thanks for calling. I ordered a lamp, how can I help?"), ("1", "Hi.")],
        [(None, "Thank you for calling, how can I help?")],
        [
            ("0", "Thank you for calling, how can I help?"),
            ("1", "bear with me, can I have your name?"),
            ("2", "eh"),
        ],
    ],
)
def test_inference_abstains(turns):
    found = with_inferred_roles(talk(*turns))
    assert all(turn.speaker != "customer" for turn in found.turns)
    if len(turns) == 3:
        assert [turn.speaker for turn in found.turns] == ["agent", "agent", "unknown"]
    else:
        assert found == talk(*turns)


def test_inference_only_when_asked(tmp_path):
    file = tmp_path / "x.txt"
    file.write_text("Ann: Thank you for calling, how can I help?\nBo: Hi.\nAnn: Bear with me.\nBo: ok")
    assert {turn.speaker for turn in next(read(file)).turns} == {"unknown"}
    found = next(read(file, infer_roles=True))
    assert [turn.speaker for turn in found.turns] == ["agent", "customer", "agent", "customer"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:05", 5),
        ("1:02:03.5", 3723.5),
        ("0:05", 5),
        ("00:05.250", 5.25),
        ("06:59:755", 419.755),
        ("00:00:05,123", 5.123),
        ("10:30 AM", 37800),
        ("12:00:05 am", 5),
        ("125:00", 7500),
        ("0:75", None),
        ("1:2", None),
        ("13:00 PM", None),
        ("x", None),
    ],
)
def test_clocks(text, seconds):
    assert clock(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1M2.58S", 62.58),
        ("1.200s", 1.2),
        ("1m 13s", 73),
        ("1h 2m 3s", 3723),
        ("P1DT1S", 86401),
        ("", None),
        ("P", None),
    ],
)
def test_durations(text, seconds):
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    "value",
    [
        "2017-10-31T22:10:47+00:00",
        "2017-10-31T22:10:47Z",
        "Tue Oct 31 22:10:47 +0000 2017",
        "2017-10-31 22:10:47.000+0000",
        1509487847,
        1509487847000,
        "1509487847000000",
        "2017-10-31 22:10:47 UTC",
        "31/10/2017 22:10:47",
    ],
)
def test_epochs_by_magnitude_and_dates(value):
    found = moment(value)
    assert (found.kind, found.seconds) == ("epoch", 1509487847)


@pytest.mark.parametrize(
    "value",
    ["soon", float("nan"), float("inf"), "nan", "1e400", True, [], "03/04/2024 10:00", 10**400, -1e20],
)
def test_no_times(value):
    with pytest.raises(ValueError, match=r"time|day/month"):
        moment(value)


def test_units():
    assert moment(12_000_000, "ticks").seconds == pytest.approx(1.2)
    assert moment("2500", "ms").seconds == 2.5
    assert moment(1_600_000_000_000, "ms").kind == "epoch"
    assert moment("") is None
    assert [
        unit_of(name)
        for name in (
            "start_ms",
            "BeginOffsetMillis",
            "offsetInTicks",
            "startMs",
            "start",
            "start_s",
            "ts_usec",
        )
    ] == ["ms", "ms", "ticks", "ms", None, "s", "us"]


def test_alignment():
    day = align([moment("16:55:50"), moment("16:56:00")], [None, None])
    assert (day.starts, day.unit) == ((0.0, 10.0), "time of day")
    night = align([moment("23:59:50"), moment("0:00:10")], [None, None])
    assert night.starts == (0.0, 20.0)
    mixed = align([moment("2024-01-01T10:00:00Z"), moment("2024-01-01T10:00:00")], [None, None])
    assert mixed.starts == (None, None)
    assert mixed.warnings


@given(st.one_of(st.text(max_size=40), st.floats(), st.integers(), st.none(), st.lists(st.integers(), max_size=2)))
def test_any_value_is_a_moment_or_a_value_error(value):
    try:
        found = moment(value)
    except ValueError:
        return
    assert found is None or abs(found.seconds) < 1e13


@given(st.text(max_size=50))
def test_any_label_gets_a_role(label):
    assert Roles().role(label) in ("agent", "customer", "bot", "system", "unknown")


def test_draft_order_and_channel():
    draft = Draft(
        id=7,
        source=None,
        channel="Phone Call",
        order="time",
        turns=[Said(text="b", label="agent", start=2), Said(text="a", label="caller", start=1)],
    )
    found = build(draft, Roles())
    assert (found.id, found.channel, [turn.text for turn in found.turns]) == ("7", "call", ["a", "b"])
