"""ConvoKit, twcs, ABCD, Taskmaster and transcripts in cells; all data are invented."""

from __future__ import annotations

import json
import tracemalloc
import zipfile

import pytest
import written_exports as made

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers import inspect, read


def lines(values):
    return "\n".join(json.dumps(value) for value in values)


def write(folder, text, name):
    file = folder / name
    file.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return file


@pytest.fixture
def corpus(tmp_path):
    speakers = {"cy": {"meta": {"role": "customer"}, "vectors": []}, "dana": {"meta": {"role": "agent"}}}
    write(tmp_path, lines(made.CONVOKIT), "utterances.jsonl")
    write(tmp_path, speakers, "speakers.json")
    write(tmp_path, {"u1": {"meta": {"topic": "lamps"}, "vectors": []}}, "conversations.json")
    write(tmp_path, {"name": "made"}, "corpus.json")
    write(tmp_path, {"utterances-index": {}, "version": 1}, "index.json")
    return tmp_path


def test_convokit_folder_and_zip(corpus, tmp_path_factory):
    archive = tmp_path_factory.mktemp("zip") / "c.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        for file in corpus.iterdir():
            stream.write(file, f"corpus/{file.name}")
    for path in (corpus, archive):
        found = {c.id: c for c in read(path)}
        assert set(found) == {"u1", "w1"}
        assert [(t.speaker, t.speaker_id, t.start, t.text) for t in found["u1"].turns] == [
            ("customer", "cy", 0.0, "It broke"),
            ("agent", "dana", 100.0, "Sorry"),
            ("customer", "cy", 300.0, "[deleted]"),
        ]
        assert found["u1"].metadata["topic"] == "lamps"
        assert found["w1"].turns[0].speaker == "unknown"
    assert inspect(corpus).formats == ("convokit",)


def test_convokit_without_times_goes_down_the_tree(tmp_path):
    said = [
        made.utterance("c", "a", "x", "3", "b", None),
        made.utterance("a", "a", "x", "1", None, "None"),
        made.utterance("b", "a", "y", "2", "a", None),
        made.utterance("d", "a", "y", "2b", "a", None),
        made.utterance("e", "a", "y", "lost", "gone", None),
    ]
    (found,) = read(write(tmp_path, json.dumps(said), "utterances.json"), roles={"x": "customer"})
    assert [t.text for t in found.turns] == ["1", "2", "3", "2b", "lost"]
    assert [t.speaker for t in found.turns][:2] == ["customer", "unknown"]
    assert len(found.metadata["warnings"]) == 2


def test_convokit_old_keys_circles_and_bad_records(tmp_path):
    old = [
        {"id": "a", "root": "a", "user": "x", "text": "1", "reply_to": "b", "timestamp": 1},
        {"id": "b", "root": "a", "user": "y", "text": "2", "reply_to": "a", "timestamp": 2},
        {"id": "c", "user": "y", "text": "?", "reply_to": None, "timestamp": 2},
        {"id": "d", "root": "d", "user": "y", "text": ["?"], "reply_to": None, "timestamp": 2},
        {"id": "e", "root": "e", "user": "y", "text": "fine", "reply_to": None, "timestamp": 2},
    ]
    found = list(read(write(tmp_path, lines(old), "utterances.jsonl"), on_error="collect"))
    assert [[t.text for t in c.turns] for c in found if isinstance(c, Conversation)] == [["1", "2"], ["fine"]]
    assert sum(isinstance(item, Rejected) for item in found) == 2


def test_twcs_threads(tmp_path):
    found = {c.id: c for c in read(write(tmp_path, made.TWCS, "x.csv"))}
    assert set(found) == {"1", "9", "8"}
    assert [(t.speaker, t.speaker_id, t.start, t.text) for t in found["1"].turns] == [
        ("customer", "cy", 0.0, "@Lamps it broke\nbadly"),
        ("agent", "Lamps", 300.0, "@cy sorry ^DR"),
        ("agent", "Lamps", 360.0, "@cy 2/2"),
        ("customer", "cy", 600.0, "@Lamps > thanks"),
    ]
    assert (found["1"].channel, found["1"].metadata["started_at"]) == ("social", "2024-05-01T09:00:00+00:00")
    assert any("branches" in warning for warning in found["1"].metadata["warnings"])
    assert any("beginning is missing" in warning for warning in found["8"].metadata["warnings"])


def test_twcs_bad_rows_and_circles_cost_nothing_else(tmp_path):
    rows = made.TWCS + "x,cy,True,Wed May 01 09:00:00 +0000 2024,bad,,\n5,cy,True\n"
    rows += "20,a,True,Wed May 01 09:00:00 +0000 2024,one,,21\n21,b,False,soon,two,,20\n"
    rows += "30,a,True,Wed May 01 09:00:00 +0000 2024,self,,30\n"
    found = list(read(write(tmp_path, rows, "x.csv"), on_error="collect"))
    assert {c.id for c in found if isinstance(c, Conversation)} == {"1", "9", "8", "20", "30"}
    reasons = [str(item) for item in found if isinstance(item, Rejected)]
    assert len(reasons) == 3
    assert any("no tweet id" in reason for reason in reasons)
    with pytest.raises(ReadError, match="no tweets"):
        list(read(write(tmp_path, made.TWCS_COLUMNS + "\n", "y.csv")))


def test_twcs_with_an_index_column_of_pandas(tmp_path):
    first, *rest = made.TWCS.replace("broke\nbadly", "broke").strip().split("\n")
    text = "\n".join([f",{first}", *(f"{i},{row}" for i, row in enumerate(rest))])
    assert {c.id: len(c.turns) for c in read(write(tmp_path, text, "x.csv"))} == {"1": 4, "9": 1, "8": 1}


def test_twcs_is_streamed(tmp_path):
    day = "Wed May 01 09:00:00 +0000 2024"
    with (tmp_path / "x.csv").open("w") as stream:
        stream.write(made.TWCS_COLUMNS + "\n")
        for i in range(0, 12_000, 2):
            stream.write(f"{i + 1},cy,True,{day},{'long ' * 40},,\n{i + 2},Lamps,False,{day},sorry,,{i + 1}\n")
    size = (tmp_path / "x.csv").stat().st_size
    list(read(write(tmp_path, made.TWCS, "warm.csv")))
    tracemalloc.start()
    count = sum(len(c.turns) for c in read(tmp_path / "x.csv"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 12_000
    assert peak < size + 2_000_000  # two mebibytes of reading buffers and 72 bytes a tweet, no texts


def test_abcd(tmp_path):
    first, second = read(write(tmp_path, made.ABCD, "x.json"))
    assert (first.id, second.id, first.channel, first.metadata["flow"]) == ("11", "12", "chat", "returns")
    assert [(t.speaker, t.kind) for t in first.turns] == [
        ("agent", "message"),
        ("customer", "message"),
        ("system", "notice"),
    ]
    splits = {
        "train": [made.ABCD[0], {"convo_id": 5, "original": [["x"]]}],
        "dev": [],
        "test": [made.ABCD[1]],
    }
    first, wrong, second = read(write(tmp_path, splits, "y.json"), on_error="collect")
    assert (first.id, second.id, isinstance(wrong, Rejected)) == ("11", "12", True)
    (found,) = read(write(tmp_path, [{k: v for k, v in made.ABCD[0].items() if k != "original"}], "z.json"))
    assert [t.text for t in found.turns] == ["hi!"]


def test_taskmaster(tmp_path):
    (found,) = read(write(tmp_path, made.TASKMASTER, "x.json"))
    assert (found.id, [t.speaker for t in found.turns]) == ("dlg-1", ["customer", "agent"])


def test_a_transcript_in_a_cell_keeps_the_start_of_the_conversation(tmp_path):
    table = (
        "ConversationId,StartTime,EndTime,Content\n"
        'a,2024-05-01 09:00:00,2024-05-01 09:09:00,"**Agent:** Hi, ""you""\n\n**Customer:** yo"\n'
        'b,2024-05-01 10:00:00,,"Agent: Hi\nCustomer: yo"\n'
    )
    first, second = read(write(tmp_path, table, "x.csv"))
    assert [t.text for t in first.turns] == ['Hi, "you"', "yo"]
    assert (first.metadata["started_at"], second.id) == ("2024-05-01T09:00:00", "b")
    record = {"ConversationId": "c", "StartTime": "2024-05-01 09:00:00", "Content": "Hi there. Hello to you."}
    (found,) = read(write(tmp_path, record, "x.json"))
    assert [t.speaker for t in found.turns] == ["unknown"]
    assert found.metadata["started_at"] == "2024-05-01T09:00:00"
