"""Batches: the same bytes whatever the workers and however often they are killed; nothing lost, nothing twice."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import servicequal as sq
from batch_run import Quick
from servicequal import pool
from servicequal.batch import chunks as chunks_module
from servicequal.batch import files, work
from servicequal.batch.chunks import chunks
from servicequal.batch.tables import COLUMNS, DATASETS, schema
from servicequal.readers.bulk import Reading
from support import ROOT, SAMPLES

TALK = (("customer", "My parcel never came."), ("agent", "I'm sorry. I've sent a new one, you'll have it by Friday."))


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def talk(name, *turns, **more):
    return sq.Conversation(id=name, turns=[{"speaker": s, "text": t} for s, t in turns or TALK], **more)


def written(path, count, **more):
    talks = [talk(f"c{n}", *TALK[: 1 + n % 2], ("agent", "é" * (n % 11)), **more) for n in range(count)]
    sq.to_jsonl(talks, path)
    return talks


def tree(folder):
    """Every file below a folder with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


NASTY = [
    talk("own").model_dump_json(),
    "",
    "   ",
    "\u2003",
    '{"id": "general", "turns": [{"speaker": "agent", "text": "Hello."}], "started": "2024-01-01"}',
    '{"id": "no turns", "turns": []}',
    talk("x").model_copy(update={"turns": ()}).model_dump_json(),
    '{"id": "cut", "turns": [{"speaker": "ag',
    "[]",
    "nonsense",
    '{"a": ' * 1500,
    talk("=1+1").model_dump_json().replace("Friday", "\\ud800 Friday"),
    talk("dup").model_dump_json().replace('"id":', '"id":"first","id":'),
    talk("meta", metadata={"file": "else.txt", "started_at": "2024-05-01T10:00:00", "n": [1, 2.5]}).model_dump_json(),
    talk("nan").model_dump_json().replace('"metadata":{}', '"metadata":{"x":NaN,"y":1e999}'),
    talk("start").model_dump_json().replace('"start":null', '"start":"1.5"'),
    talk("half").model_dump_json().replace('"metadata":{}', '"metadata":{"x":"\\udc00"}'),
    talk("role").model_dump_json().replace('"speaker":"agent"', '"speaker":" AGENT "'),
    talk("king").model_dump_json().replace('"speaker":"agent"', '"speaker":"king"'),
    talk("long", ("agent", "x" * 500_001)).model_dump_json(),
    talk("extra").model_dump_json().replace('"metadata":{}', '"metadata":{},"grade":3'),
    talk("last").model_dump_json() + " ",
]  # fmt: skip


def items(path, **how):
    return [item for chunk in chunks(Reading(path, **how).pieces(), 5) for item in chunk.items()]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("how", [{}, {"roles": {"agent": "bot"}}, {"infer_roles": True}])
def test_lines_parsed_by_a_worker_are_what_read_gives(tmp_path, end, how):
    path = tmp_path / "nasty.jsonl"
    path.write_bytes(end.join(NASTY).encode())
    expected = [repr(item) for item in sq.read(path, on_error="collect", **how)]
    assert [repr(item) for item in items(path, **how)] == expected
    assert len(expected) == len(NASTY) - 3
    assert sum("Rejected" in text for text in expected) >= 6


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b'{"id": "one", "turns": [{"speaker": "agent", "text": "Hello."}]}',
        b'{"turns": [{"speaker": "agent", "text": "Hello."}]}\n{"turns": [{"speaker": "agent", "text": "Bye."}]}',
        b'{"conversations": [{"id": "a", "turns": [["agent", "Hi."]]}, {"id": "b", "turns": [["agent", "Hi."]]}]}',
        b'{"speaker": "agent", "text": "one row a turn", "conversation_id": "r"}\n' * 3,
        talk("latin").model_dump_json().replace("sorry", "caf\u00e9").encode("latin-1"),
        b"\xef\xbb\xbf" + talk("bom").model_dump_json().encode() + b"\n" + talk("b").model_dump_json().encode(),
    ],
)
def test_other_files_come_as_read_gives_them(tmp_path, content):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    kept = chunks_module.KEPT

    def trimmed(item):
        if isinstance(item, sq.Rejected):
            return repr(item)
        return repr(item.model_copy(update={"metadata": {k: v for k, v in item.metadata.items() if k in kept}}))

    assert list(map(trimmed, items(path))) == list(map(trimmed, sq.read(path, on_error="collect")))


def test_the_input_alone_decides_where_parts_begin_and_a_long_conversation_stands_alone(monkeypatch):
    grown = [chunk.count for chunk in chunks((talk(f"c{n}") for n in range(1200)), 300)]
    assert grown == [250, 250, 300, 300, 100]
    monkeypatch.setattr(chunks_module, "_HEAVIEST", 3000)
    talks = [talk(f"c{n}") for n in range(7)]
    talks[3] = talk("long", *TALK * 60)
    sizes = [chunk.count for chunk in chunks(talks, 3)]
    assert sizes == [3, 1, 3]
    assert [chunk.count for chunk in chunks([], 3)] == [0], "an empty run has an empty part: files that can be opened"


def test_real_scores_are_the_same_with_one_process_and_with_two_and_as_the_frames_say(tmp_path, scorer):
    talks = list(sq.read([SAMPLES / "social-threads.jsonl", *sorted(SAMPLES.glob("c*.txt"))]))
    sq.to_jsonl(talks, tmp_path / "in.jsonl")
    for workers in (1, 2):
        run = sq.score_to(tmp_path / "in.jsonl", tmp_path / str(workers), scorer, workers, chunk=9)
        assert run.scored == len(talks) > 18
    assert tree(tmp_path / "1") == tree(tmp_path / "2")

    cards = list(sq.score_many(talks, scorer=scorer))
    data = run.open()
    frames = {"scores": sq.scores_frame, "agents": sq.agents_frame, "findings": sq.findings_frame}
    frames |= {"cues": sq.cues_frame, "ledger": sq.ledger_frame}
    for name, frame in frames.items():
        expected = frame(cards).astype(object)
        found = data.table(name, list(expected.columns)).to_pandas().astype(object)
        assert found.where(found.notna(), None).equals(expected.where(expected.notna(), None)), name
    plain = [card.model_copy(update={"dynamics": None, "agents": ()}) for card in cards]
    assert data.scorecards(range(len(cards))) == plain
    assert data.scorecard(11) == plain[11]
    assert [c.turns for c in data.conversations([10, 3])] == [talks[10].turns, talks[3].turns]
    assert data.conversation(4).metadata == {"file": talks[4].metadata["file"]}
    assert [p["position"] for p in data.run["parts"]] == list(range(0, len(cards), 9))


def test_every_dataset_has_its_schema_even_where_it_is_empty(tmp_path):
    import pyarrow.parquet as pq

    assert list(DATASETS) == list(COLUMNS)
    sq.score_to([], tmp_path / "out", Quick())
    for name in DATASETS:
        (part,) = (tmp_path / "out" / name).iterdir()
        assert pq.read_schema(part).equals(schema(name)), name
        assert pq.read_metadata(part).num_rows == 0
    run = sq.open_run(tmp_path / "out").run
    assert run["totals"] == {"conversations": 0, "scored": 0, "rejected": 0, "turns": 0}
    assert run["schema_version"] == 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted([*DATASETS, "run.json"])


def test_scored_or_rejected_each_at_its_own_position_even_with_the_same_id(tmp_path):
    talks = [
        talk("same"),
        sq.Rejected("broken", "a.jsonl", line=7),
        talk("same", ("agent", "Hi.")),
        talk("bad", ("agent", "raise")),
        sq.Conversation.model_construct(id="\ud800", channel=None, turns=(), metadata={}),
        sq.Rejected("broken", "b.jsonl", turn=3, hint="mend it"),
        talk("same"),
    ]
    run = sq.score_to(iter(talks), tmp_path / "out", Quick(), chunk=2, show=2)
    assert (run.conversations, run.scored, run.rejected) == (7, 3, 4)
    data = run.open()
    assert data.table("scores", ["position"])["position"].to_pylist() == [0, 2, 6]
    refused = data.table("rejected").to_pylist()
    assert [r["position"] for r in refused] == [1, 3, 4, 5]
    assert (refused[0]["line"], refused[3]["turn"], refused[3]["hint"]) == (7, 3, "mend it")
    assert "ValueError: a bug" in refused[1]["reason"]
    assert refused[1]["conversation_id"] == "bad"
    assert [len(c.turns) for c in data.conversations([0, 2])] == [2, 1]
    assert [card.conversation_id for card, _ in run.shown] == ["same", "same"]
    assert [item.line for item in run.refused][:1] == [7]
    assert set(data.table("turns", filters=[("position", "==", 2)])["text"].to_pylist()) == {"Hi."}
    with pytest.raises(sq.BatchError, match="position 3"):
        data.conversation(3)
    with pytest.raises(sq.BatchError, match="no dataset 'scroes'"):
        data.table("scroes")


def test_lines_that_hold_several_conversations_move_what_follows(tmp_path):
    path = tmp_path / "in.jsonl"
    lines = [talk(f"c{n}").model_dump_json() for n in range(70)]
    several = json.dumps({"conversations": [json.loads(talk(f"in {n}").model_dump_json()) for n in range(3)]})
    path.write_text("\n".join([*lines[:60], several, *lines[60:]]) + "\n")
    ids = [c.id for c in sq.read(path)]
    assert len(ids) == 73
    for workers in (1, 2):
        run = sq.score_to(path, tmp_path / f"out{workers}", Quick(), workers=workers, chunk=9)
        scores = run.open().table("scores", ["position", "conversation_id"])
        assert scores["conversation_id"].to_pylist() == ids
        assert scores["position"].to_pylist() == list(range(73))
    assert tree(tmp_path / "out1") == tree(tmp_path / "out2")


def test_no_more_is_read_ahead_than_a_few_chunks(tmp_path):
    read = []
    done = []

    def endless():
        for n in range(1000):
            read.append(n)
            yield talk(f"c{n}")

    def note(now):
        done.append(len(read) - now.conversations)

    sq.score_to(endless(), tmp_path / "out", Quick(), chunk=20, progress=note)
    assert max(done) <= 2 * 20 + 1


def test_progress_ends_at_all_the_bytes(tmp_path):
    import gzip

    written(tmp_path / "a.jsonl", 300)
    written(tmp_path / "b.jsonl", 40)
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress((tmp_path / "b.jsonl").read_bytes()))
    (tmp_path / "d.csv").write_text("conversation_id,speaker,text\n" + "x,agent,Hello.\n" * 5)
    told = []
    sq.score_to(tmp_path, tmp_path.parent / "out", Quick(), chunk=30, progress=told.append)
    size = sum(p.stat().st_size for p in tmp_path.iterdir())
    assert told[-1].bytes == told[-1].all_bytes == size
    assert told[-1].conversations == 381
    assert [t.bytes for t in told] == sorted(t.bytes for t in told)


KILLED = [pytest.param(2, 1, 60, id="2 kills"), pytest.param(20, 2, 700, id="20 kills", marks=pytest.mark.slow)]


@pytest.mark.parametrize(("kills", "workers", "count"), KILLED)
def test_killed_and_resumed_ends_byte_for_byte_as_undisturbed(tmp_path, kills, workers, count):
    path, out, log = tmp_path / "in.jsonl", tmp_path / "out", tmp_path / "log"
    written(path, count)
    undisturbed = sq.score_to(path, tmp_path / "whole", Quick(), chunk=7)
    assert undisturbed.scored == count
    chance = random.Random(20240229)
    command = [sys.executable, "tests/batch_run.py", str(path), str(out), str(workers), "0.012", str(log)]
    killed = 0
    while True:
        before = done_before(out, path)
        log.write_text("")
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
        if killed < kills:
            process.stdout.readline()
            time.sleep(chance.uniform(0.0, 1.2 if workers > 1 else 0.35))
            killed += process.poll() is None
            (os.killpg if chance.random() < 0.7 else os.kill)(process.pid, signal.SIGKILL)
        code = process.wait(timeout=120)
        process.stdout.close()
        again = before & set(log.read_text().split())
        assert not again, f"scored twice: {sorted(again)[:5]}"
        if code != -signal.SIGKILL:
            assert code == 0
            break
    assert killed == kills, f"the run was over after {killed} kills: make it longer"
    assert tree(out) == tree(tmp_path / "whole")


def done_before(out, path):
    """The ids of the conversations whose parts a run has finished."""
    ids = [json.loads(line)["id"] for line in path.read_text().splitlines()]
    found = set()
    for file in (out / "journal").glob("part-??????.json"):
        said = json.loads(file.read_text())
        found |= set(ids[said["position"] : said["position"] + said["conversations"]])
    return found


def full_disk_after(monkeypatch, calls):
    left = iter(range(calls))
    write = work.write

    def full(table, name, stream):
        if next(left, None) is None:
            stream.write(b"half a fi")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(table, name, stream)

    monkeypatch.setattr(work, "write", full)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_full_disk_is_said_and_resuming_completes_the_run(tmp_path, monkeypatch, kind):
    path, out = tmp_path / "in.jsonl", tmp_path / "out"
    written(path, 50)
    sq.score_to(path, tmp_path / "whole", Quick(), chunk=7, kind=kind)
    with monkeypatch.context() as patch:
        full_disk_after(patch, 20)
        with pytest.raises(sq.BatchError, match=r"No space left on device.*--resume"):
            sq.score_to(path, out, Quick(), chunk=7, kind=kind)
    with pytest.raises(sq.BatchError, match="not finished"):
        sq.open_run(out)
    with pytest.raises(sq.BatchError, match=r"not finished.*--resume"):
        sq.score_to(path, out, Quick(), chunk=7, kind=kind)
    run = sq.score_to(path, out, Quick(), chunk=7, kind=kind, resume=True)
    assert run.skipped == 14
    assert (run.scored, run.rejected) == (50, 0)
    assert tree(out) == tree(tmp_path / "whole")


def stopped(path, out, monkeypatch, **more):
    """A run that ends in the middle."""
    with monkeypatch.context() as patch:
        full_disk_after(patch, 30)
        with pytest.raises(sq.BatchError):
            sq.score_to(path, out, Quick(), chunk=7, **more)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.write_text(p.read_text() + "\n"), "has changed"),
        (lambda p: p.write_text(p.read_text().replace("Friday", "Monday")), "has changed"),
        (lambda p: p.with_name("new.jsonl").write_text(p.read_text()), "new.jsonl is new"),
        (lambda p: p.rename(p.with_name("moved.jsonl")), "is new|is missing"),
    ],
)
def test_changed_input_is_noticed(tmp_path, monkeypatch, change, said):
    folder = tmp_path / "in"
    folder.mkdir()
    written(folder / "a.jsonl", 50)
    stopped(folder, tmp_path / "out", monkeypatch)
    before = tree(tmp_path / "out")
    change(folder / "a.jsonl")
    with pytest.raises(sq.BatchError, match=said):
        sq.score_to(folder, tmp_path / "out", Quick(), chunk=7, resume=True)
    assert tree(tmp_path / "out") == before


def test_changed_conversations_in_memory_are_noticed_too(tmp_path, monkeypatch):
    talks = [talk(f"c{n}") for n in range(50)]
    stopped(talks, tmp_path / "out", monkeypatch)
    other = [talks[0], talk("other"), *talks[2:]]
    with pytest.raises(sq.BatchError, match="conversation 0 on it has changed"):
        sq.score_to(other, tmp_path / "out", Quick(), chunk=7, resume=True)
    assert sq.score_to(talks, tmp_path / "out", Quick(), chunk=7, resume=True).skipped > 0
    assert sq.score_to(talks, tmp_path / "out", Quick(), chunk=7, resume=True).skipped == 50
    with pytest.raises(sq.BatchError, match="other conversations"):
        sq.score_to(other, tmp_path / "out", Quick(), chunk=7, resume=True)


def test_an_input_that_changes_under_the_run_is_noticed(tmp_path):
    path = tmp_path / "in.jsonl"
    written(path, 50)

    def append(_):
        with path.open("a") as stream:
            stream.write("\n")

    with pytest.raises(sq.BatchError, match="changed while"):
        sq.score_to(path, tmp_path / "out", Quick(), chunk=7, progress=append)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"scorer": Quick(rules="r2")}, "rules was 'r1', is 'r2'"),
        ({"chunk": 8}, "chunk was 7, is 8"),
        ({"turns": False}, "turns was True, is False"),
        ({"kind": "csv"}, "as was 'parquet', is 'csv'"),
    ],
)
def test_a_run_is_not_continued_with_other_rules_or_options(tmp_path, monkeypatch, more, said):
    written(tmp_path / "in.jsonl", 50)
    stopped(tmp_path / "in.jsonl", tmp_path / "out", monkeypatch)
    how = {"scorer": Quick(), "chunk": 7, "resume": True, **more}
    with pytest.raises(sq.BatchError, match=said):
        sq.score_to(tmp_path / "in.jsonl", tmp_path / "out", **how)


def test_a_finished_run_is_replaced_whole_or_left_alone(tmp_path):
    out = tmp_path / "out"
    written(tmp_path / "long.jsonl", 80)
    written(tmp_path / "short.jsonl", 9)
    for kind in ("parquet", "csv", "jsonl", "parquet"):
        sq.score_to(tmp_path / "long.jsonl", out, Quick(), chunk=7, kind=kind)
        sq.score_to(tmp_path / "short.jsonl", out, Quick(), chunk=7, kind=kind, turns=False)
        sq.score_to(tmp_path / "short.jsonl", tmp_path / kind, Quick(), chunk=7, kind=kind, turns=False)
        assert tree(out) == tree(tmp_path / kind), kind
    before = tree(out)
    again = sq.score_to(tmp_path / "short.jsonl", out, Quick(), chunk=7, turns=False, resume=True)
    assert (again.skipped, again.scored) == (9, 9)
    with pytest.raises(sq.BatchError, match=r"(short|long)\.jsonl is (missing|new)"):
        sq.score_to(tmp_path / "long.jsonl", out, Quick(), chunk=7, turns=False, resume=True)
    assert tree(out) == before


@pytest.mark.parametrize("name", ["scores/mine.txt", "cues.csv", "journal/notes.txt"])
def test_what_somebody_else_wrote_is_not_touched(tmp_path, name):
    file = tmp_path / "out" / name
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(sq.BatchError, match="no run of servicequal wrote"):
        sq.score_to([talk("a")], tmp_path / "out", Quick())
    assert tree(tmp_path / "out") == {name: b"mine"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    sq.score_to([talk("a")], tmp_path / "other", Quick())
    assert (tmp_path / "other" / "notes.txt").read_text() == "mine"


def test_two_processes_do_not_write_to_one_folder(tmp_path):
    pytest.importorskip("fcntl")
    folder = files.Folder(tmp_path / "out")
    with folder.locked(), pytest.raises(sq.BatchError, match="another process"):
        sq.score_to([talk("a")], tmp_path / "out", Quick())


def test_what_the_input_raises_is_raised_and_what_was_before_it_is_kept(tmp_path):
    def broken():
        yield from (talk(f"c{n}") for n in range(20))
        raise KeyError("the database is gone")

    with pytest.raises(KeyError, match="database"):
        sq.score_to(broken(), tmp_path / "out", Quick(), chunk=7)
    again = sq.score_to((talk(f"c{n}") for n in range(20)), tmp_path / "out", Quick(), chunk=7, resume=True)
    assert again.skipped >= 7
    assert again.scored == 20


def test_a_file_that_is_not_there_is_rejected_and_the_rest_is_scored(tmp_path):
    written(tmp_path / "a.jsonl", 5)
    paths = [tmp_path / "none.jsonl", tmp_path / "a.jsonl"]
    run = sq.score_to(Reading(paths), tmp_path / "out", Quick())
    assert (run.scored, run.rejected) == (5, 1)
    assert "none.jsonl" in str(run.refused[0])
    assert [i["bytes"] is None for i in run.open().run["inputs"]] == [True, False]
    written(tmp_path / "none.jsonl", 1)
    with pytest.raises(sq.BatchError, match=r"none\.jsonl has changed"):
        sq.score_to(Reading(paths), tmp_path / "out", Quick(), resume=True)


def test_duckdb_polars_and_pandas_open_the_datasets_as_they_are(tmp_path):
    import pandas as pd

    duckdb = pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    out = tmp_path / "out"
    sq.score_to([talk(f"c{n}") for n in range(30)], out, Quick(), chunk=7)
    assert len(pd.read_parquet(out / "scores")) == 30
    (row,) = duckdb.sql(
        f"select count(*), max(position), sum(len(spans)) from '{out}/findings/*.parquet' join "
        f"'{out}/scores/*.parquet' using (position)"
    ).fetchall()
    assert row == (120, 29, 240)
    assert polars.scan_parquet(f"{out}/cues/*.parquet").select(polars.len()).collect().item() == 60
    assert polars.read_parquet(f"{out}/findings/*.parquet")["name"].dtype == polars.String


def test_csv_and_json_lines_say_what_parquet_says(tmp_path):
    import csv

    talks = [talk("=1+1", ("agent", '+49 is, "quoted"\nand goes on')), talk("b"), sq.Rejected("@ no", line=3)]
    for kind in ("parquet", "csv", "jsonl"):
        sq.score_to(talks, tmp_path / kind, Quick(), kind=kind)
    data = sq.open_run(tmp_path / "parquet")
    for name in DATASETS:
        rows = data.table(name).to_pylist()
        lines = (tmp_path / "jsonl" / f"{name}.jsonl").read_text("utf-8").splitlines()
        assert [json.loads(line) for line in lines] == rows
        with (tmp_path / "csv" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            cells = list(csv.DictReader(stream))
        assert all(list(cell) == list(COLUMNS[name]) for cell in cells)
        assert len(cells) == len(rows)
    (refused,) = csv.DictReader((tmp_path / "csv" / "rejected.csv").open(encoding="utf-8"))
    assert refused["reason"] == "'@ no"
    with pytest.raises(sq.BatchError, match="written as csv"):
        sq.open_run(tmp_path / "csv")


def test_opening_what_is_no_run_says_so(tmp_path):
    with pytest.raises(sq.BatchError, match=r"no run\.json"):
        sq.open_run(tmp_path)
    (tmp_path / "run.json").write_text('{"schema_version": 99}')
    with pytest.raises(sq.BatchError, match="99"):
        sq.open_run(tmp_path)


def test_score_many_in_processes_keeps_order_and_passes_on_what_goes_wrong():
    talks = [talk(f"c{n}", *TALK * (1 + 200 * (n == 5))) for n in range(150)]
    talks[40] = sq.Rejected("no")

    def broken():
        yield from talks
        raise KeyError("gone")

    got = []
    results = sq.score_many(broken(), workers=2, scorer=Quick())
    with pytest.raises(KeyError, match="gone"):
        got.extend(results)
    assert got == list(sq.score_many(talks, scorer=Quick()))
    with pytest.raises(ValueError, match="a bug"):
        list(sq.score_many([*talks, talk("x", ("agent", "raise"))], workers=2, scorer=Quick()))


def test_a_consumer_that_stops_early_stops_the_processes(tmp_path):
    log = tmp_path / "log"
    read = []
    endless = (talk(f"c{read.append(n)}{n}") for n in range(100_000))
    results = sq.score_many(endless, workers=2, scorer=Quick(0.002, str(log)))
    assert next(results).conversation_id == "cNone0"
    results.close()
    assert len(read) < 64 * 10
    count = len(log.read_text().split())
    time.sleep(0.3)
    assert len(log.read_text().split()) == count


def test_what_the_caller_holds_is_put_aside_for_the_garbage_collector_only_meanwhile(tmp_path):
    import gc

    seen = []

    class Watching(Quick):
        def judge(self, conversation):
            seen.append(gc.get_freeze_count())
            return super().judge(conversation)

    assert gc.get_freeze_count() == 0
    sq.score_to([talk("a"), talk("b")], tmp_path / "one", Watching())
    assert len(seen) == 2
    assert min(seen) > 0
    assert gc.get_freeze_count() == 0
    gc.freeze()
    try:
        put_aside = gc.get_freeze_count()
        sq.score_to([talk("a")], tmp_path / "two", Watching())
        assert gc.get_freeze_count() > put_aside // 2  # but for what nobody needed any more
    finally:
        gc.unfreeze()


def test_the_garbage_collector_is_set_back_whatever_happens_and_left_alone_where_it_is_off(tmp_path):
    import gc

    seen = []

    class Watching(Quick):
        def judge(self, conversation):
            seen.append((gc.isenabled(), gc.get_threshold()))
            return super().judge(conversation)

    def run(name, talks):
        seen.clear()
        sq.score_to(talks, tmp_path / name, Watching())
        assert gc.get_threshold() == before
        return set(seen)

    before = gc.get_threshold()
    assert run("plain", [talk("a"), talk("b", ("agent", "raise"))]) == {(True, (pool._SELDOM, *before[1:]))}
    with pytest.raises(MemoryError):
        sq.score_to([talk("a")], tmp_path / "error", Failing())
    assert gc.get_threshold() == before
    usual = before
    for before in ((0, 5, 5), (10**7, 5, 5)):
        gc.set_threshold(*before)
        try:
            assert run(f"own{before[0]}", [talk("a")]) == {(True, before)}
        finally:
            gc.set_threshold(*usual)
    before = usual
    gc.disable()
    try:
        assert {enabled for enabled, _ in run("off", [talk("a")])} == {False}
        assert not gc.isenabled()
    finally:
        gc.enable()


class Failing(Quick):
    """Runs out of memory."""

    def judge_all(self, conversations):
        raise MemoryError(conversations)
