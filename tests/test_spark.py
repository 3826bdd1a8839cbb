"""On a cluster of two executors, each in a process of its own, a table gives the same rows as it does here."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import servicequal as sq
from servicequal.errors import ReadError, ServicequalError
from servicequal.readers.gathered import Gathered
from servicequal.readers.roles import Roles
from support import SOURCE

NAMES = ("call_id", "who", "said", "at", "nr")
COLUMNS = {"id": "call_id", "speaker": "who", "text": "said", "start": "at", "order": "nr"}


def table(conversations: list[sq.Conversation]) -> pd.DataFrame:
    """A row per turn, the conversations' rows shuffled among one another as a table's are."""
    rows = [
        (c.id, {"agent": "Rep", "customer": "Caller"}.get(t.speaker, t.speaker), t.text, t.start, n)
        for c in conversations
        for n, t in enumerate(c.turns)
        if t.kind == "message"
    ]
    rows.sort(key=lambda row: (hash_of(row[2]), row[0], row[4]))
    return pd.DataFrame(rows, columns=list(NAMES))


def hash_of(text: str) -> int:
    return sum(ord(c) * (i + 1) for i, c in enumerate(text)) % 1009


ROLES = {"Rep": "agent", "Caller": "customer"}


def test_columns_are_found_by_name_alone():
    found = Gathered.of(["conversation_id", "speaker", "text", "start", "city"], None, Roles.of())
    assert (found.at("id"), found.at("text"), found.at("start")) == ("conversation_id", "text", "start")
    both = list(found.read([("7", "agent", "Hello", 1.0, "Leeds"), ("7", "customer", "Hi", 0.0, "Leeds")]))
    assert [(c.id, [t.text for t in c.turns], c.metadata["city"]) for c in both] == [("7", ["Hi", "Hello"], "Leeds")]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["id", "text", "start"], "conversation id"),
        (["conversation_id", "text", "speaker"], "in which order turns come"),
        (["conversation_id", "text", "message", "start"], "could be the words said"),
        (["conversation_id", "transcript"], "whole transcripts"),
        (["conversation_id", "start"], "no column holds the words said"),
    ],
)
def test_what_stays_open_is_said_at_once(names, says):
    with pytest.raises(ReadError, match=says):
        Gathered.of(names, None, Roles.of())


def test_a_group_that_cannot_be_read_is_rejected():
    found = Gathered.of(["conversation_id", "text", "turn"], None, Roles.of())
    (rejected,) = found.read([("7", "Hello", "first"), ("7", "Hi", "second")])
    assert isinstance(rejected, sq.Rejected)
    assert (rejected.conversation_id, rejected.line) == ("7", None)
    (missing,) = found.read([(None, "Hello", 1)])
    assert "no conversation id" in missing.reason


# -- a cluster -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pyspark = pytest.importorskip("pyspark", reason="pip install 'servicequal[spark]' for the tests on Spark")
    from pyspark.sql import SparkSession

    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.executorEnv.PYTHONPATH", str(SOURCE.parent))
        .config("spark.sql.shuffle.partitions", 4)
        .config("spark.ui.enabled", False)
        .config("spark.sql.session.timeZone", "Europe/Berlin")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture(scope="module")
def turns(samples) -> pd.DataFrame:
    return table([c for c in samples.values() if any(t.kind == "message" for t in c.turns)])


def plain(value: Any) -> Any:
    """Spark's rows and pandas' cells as one kind of value."""
    if hasattr(value, "asDict"):
        return {name: plain(cell) for name, cell in value.asDict().items()}
    if isinstance(value, list):
        return [plain(cell) for cell in value]
    return None if value is None or (isinstance(value, float) and value != value) else value


def rows_of(frame: Any, names: list[str]) -> list[tuple[Any, ...]]:
    found = frame.select(names).collect() if hasattr(frame, "collect") else frame[names].itertuples(index=False)
    return sorted((tuple(map(plain, row)) for row in found), key=repr)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["scores", "findings", "cues", "ledger", "agents"])
def test_the_same_rows_as_here(spark, turns, whole, what):
    from servicequal.spark import score_table

    cards = list(sq.score_many(sq.from_frame(turns, columns=COLUMNS, roles=ROLES), scorer=whole))
    here = {
        "scores": sq.scores_frame, "findings": sq.findings_frame, "cues": sq.cues_frame,
        "ledger": sq.ledger_frame, "agents": sq.agents_frame,
    }[what](cards)  # fmt: skip
    there = score_table(spark.createDataFrame(turns), columns=COLUMNS, roles=ROLES, what=what)
    assert rows_of(there, list(here.columns)) == rows_of(here, list(here.columns))


@pytest.mark.slow
def test_two_processes_work(spark, turns):
    from servicequal.spark import score_table

    def process(batches):
        import pyarrow

        for _ in batches:
            yield pyarrow.RecordBatch.from_pydict({"process": [os.getppid()], "version": [sq.__version__]})

    seen = spark.range(0, 8, 1, 8).mapInArrow(process, "process long, version string").distinct().collect()
    assert len({row.process for row in seen}) == 2
    assert score_table(spark.createDataFrame(turns), columns=COLUMNS, roles=ROLES, model=False).count() > 30


@pytest.mark.slow
def test_own_settings_and_several_datasets_at_once(spark, turns, packs):
    from servicequal.spark import score_table

    own = packs[0].model_copy(update={"cue": "biscuits", "phrases": ("thank you",)})
    rubric = {"rules": {"CSE104": {"weight": 0}}, "name": "ours"}
    scorer = sq.Scorer(rubric=rubric, packs=[own], model=False)
    cards = list(sq.score_many(sq.from_frame(turns, columns=COLUMNS, roles=ROLES), scorer=scorer))
    at_once = score_table(
        spark.createDataFrame(turns), COLUMNS, ROLES, rubric, [own], False, what=("scores", "cues", "rejected")
    )
    rows = {row.conversation_id: row for row in at_once.collect()}
    assert {c.conversation_id: c.overall for c in cards} == {name: row.scores.overall for name, row in rows.items()}
    assert all(row.rejected is None for row in rows.values())
    found = {name: [(cue.turn, cue.start, cue.cue) for cue in row.cues] for name, row in rows.items()}
    assert found == {c.conversation_id: [(m.turn, m.start, m.cue) for m in c.cues] for c in cards}
    assert any(m.cue == "biscuits" for c in cards for m in c.cues)


@pytest.mark.slow
def test_bad_groups_are_rejected_and_the_others_scored(spark):
    from servicequal.spark import score_table

    rows = [
        ("good", "agent", "There's nothing I can do.", 2),
        ("good", "customer", "Where is my parcel?", 1),
        ("bad number", "agent", "Hello", None),
        ("no text", "agent", None, 1),
        ("  good ", "agent", "It's our policy.", 3),
        (None, "agent", "lost", 1),
        ("", "agent", "lost too", 2),
        ("silent", "Rep", "Nobody says who Rep is.", 1),
    ]
    df = spark.createDataFrame(rows, "conversation_id string, speaker string, text string, turn int")
    scores = score_table(df, model=False).collect()
    rejected = score_table(df, model=False, what="rejected").collect()
    by_id = {row.conversation_id: row for row in scores}
    assert set(by_id) == {"good", "bad number", "silent"}
    assert by_id["good"].deflections == 2
    assert by_id["silent"].overall is None, "no role is guessed"
    assert sorted((row.conversation_id or "", row.reason.split(" (")[0]) for row in rejected) == [
        ("", "the row has no conversation id"),
        ("", "the row has no conversation id"),
        ("no text", "the text is missing"),
    ]


@pytest.mark.slow
def test_a_conversation_of_100_000_turns_among_small_ones(spark, whole):
    from pyspark.sql import functions as f

    from servicequal.spark import score_table

    many = spark.range(100_000).select(
        f.lit("long").alias("conversation_id"),
        f.when(f.col("id") % 2 == 0, "customer").otherwise("agent").alias("speaker"),
        f.when(f.col("id") % 20 == 1, "There's nothing I can do.").otherwise("Okay.").alias("text"),
        f.col("id").alias("turn"),
    )
    few = spark.range(4000).select(
        f.concat(f.lit("short "), (f.col("id") / 4).cast("int")).alias("conversation_id"),
        f.when(f.col("id") % 2 == 0, "customer").otherwise("agent").alias("speaker"),
        f.lit("It's our policy.").alias("text"),
        f.col("id").alias("turn"),
    )
    df = many.unionByName(few)
    scores = {row.conversation_id: row for row in score_table(df, model=False).collect()}
    assert len(scores) == 1001
    assert scores["long"].deflections == 5000
    assert {row.deflections for name, row in scores.items() if name != "long"} == {2}


@pytest.mark.slow
def test_a_column_of_json(spark, samples, whole):
    from servicequal.spark import score_json_column

    texts = [c.model_dump_json() for c in list(samples.values())[:6]]
    broken = json.dumps({"id": "general", "turns": [{"speaker": "agent", "text": "It's our policy."}]})
    df = spark.createDataFrame([(text,) for text in [*texts, broken, "{", None]], "body string")
    scores = {row.conversation_id: row.overall for row in score_json_column(df, "body").collect()}
    want = {c.id: whole.score(c).overall for c in list(samples.values())[:6]}
    assert {name: score for name, score in scores.items() if name != "general"} == want
    assert "general" in scores
    rejected = score_json_column(df, "body", what="rejected").collect()
    assert len(rejected) == 2
    assert all(row.source is None and row.line is None for row in rejected)


@pytest.mark.slow
def test_times_in_a_session_of_another_clock(spark, whole):
    """Timestamps order the turns and are told as the session shows them, as in the frame of the same table."""
    from servicequal.spark import score_table

    said = [("c", "agent", "It's our policy.", "2024-03-01 10:00:07"), ("c", "customer", "Hi", "2024-03-01 10:00:00")]
    df = spark.createDataFrame(said, "conversation_id string, speaker string, text string, at string")
    df = df.withColumn("at", df["at"].cast("timestamp"))
    here = sq.score_frame(df.toPandas(), columns={"start": "at"}, scorer=whole)
    there = score_table(df, columns={"start": "at"})
    assert rows_of(there, list(here.columns)) == rows_of(here, list(here.columns))
    assert there.first().started_at == "2024-03-01T10:00:00"


@pytest.mark.slow
def test_what_is_wrong_with_the_call_is_said_at_once(spark):
    from servicequal.spark import score_json_column, score_table

    df = spark.createDataFrame([(1.5, "agent", "Hi", 1)], "call_id double, speaker string, text string, turn int")
    with pytest.raises(ReadError, match="cast them to string"):
        score_table(df)
    with pytest.raises(ServicequalError, match="none of scores"):
        score_table(df.withColumn("call_id", df.call_id.cast("string")), what="marks")
    with pytest.raises(ReadError, match="no column 'body'"):
        score_json_column(df, "body")
