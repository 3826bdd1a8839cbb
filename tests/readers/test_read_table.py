"""CSV, TSV, Parquet and DataFrames: layouts, names of columns, and rows that are wrong."""

from __future__ import annotations

import csv
import datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers import from_frame, read

GOOD = "conversation_id,turn,role,text\na,0,Agent,hi\na,1,Customer,yo\nb,0,Agent,oh\nb,1,Customer,no\n"


def write(tmp_path, text, name="x.csv", encoding="utf-8"):
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


def said(items):
    return {c.id: [(turn.speaker, turn.text) for turn in c.turns] for c in items}


def both(tmp_path, text, **kwargs):
    return list(read(write(tmp_path, text), on_error="collect", **kwargs))


@pytest.mark.parametrize(
    ("text", "name", "encoding"),
    [
        (GOOD, "x.csv", "utf-8"),
        (GOOD, "x.csv", "utf-8-sig"),
        (GOOD.replace(",", ";"), "x.csv", "utf-8"),
        (GOOD.replace(",", "\t"), "x.tsv", "utf-16"),
        (GOOD.replace(",", "\t"), "x.txt", "utf-16"),
        (GOOD.replace("\n", "\r\n"), "x.csv", "utf-8"),
        (
            GOOD.replace("conversation_id,turn,role,text", "Conversation ID,turnNumber,authorRole,Utterance"),
            "x.csv",
            "utf-8",
        ),
    ],
)
def test_spellings_of_one_table(tmp_path, text, name, encoding):
    found = said(read(write(tmp_path, text, name, encoding)))
    assert found == {"a": [("agent", "hi"), ("customer", "yo")], "b": [("agent", "oh"), ("customer", "no")]}


def test_cp1252_is_read_with_a_warning(tmp_path):
    (found,) = read(write(tmp_path, "id,role,text\na,agent,£5 – naïve\na,customer,ok\n", encoding="cp1252"))
    assert found.turns[0].text == "£5 – naïve"
    assert "cp1252" in found.metadata["warnings"][0]


def test_interleaved_rows_and_turn_order(tmp_path):
    text = "chat_id,sequence,sender,message\nb,2,Visitor,b2\na,1,Agent,a1\nb,1,Agent,b1\na,0,Visitor,a0\n"
    assert said(read(write(tmp_path, text))) == {
        "b": [("agent", "b1"), ("customer", "b2")],
        "a": [("customer", "a0"), ("agent", "a1")],
    }


def test_rows_are_put_in_order_of_time(tmp_path):
    text = "call_id,role,text,start_ms\na,agent,two,2500\na,customer,one,500\n"
    (found,) = read(write(tmp_path, text))
    assert [(turn.text, turn.start) for turn in found.turns] == [("one", 0.5), ("two", 2.5)]
    assert found.metadata["time_unit"] == "milliseconds"


def test_two_text_columns(tmp_path):
    text = "row_id,incident_id,customer_message,agent_response\n1,a,help,\n2,a,,sure\n3,a,more,fine\n"
    assert said(read(write(tmp_path, text))) == {
        "a": [("customer", "help"), ("agent", "sure"), ("customer", "more"), ("agent", "fine")]
    }


def test_a_transcript_in_a_cell(tmp_path):
    file = tmp_path / "x.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["ConversationId", "Content", "satisfied"])
        writer.writerow(["a", "Agent: hi\nCustomer: the error: no", "yes"])
        writer.writerow(["b", '[{"role": "agent", "text": "hi"}, {"role": "user", "text": "yo"}]', "no"])
    one, two = read(file)
    assert [turn.text for turn in one.turns] == ["hi", "the error: no"]
    assert one.metadata["satisfied"] == "yes"
    assert [turn.speaker for turn in two.turns] == ["agent", "customer"]


def test_one_column_of_transcripts_is_numbered(tmp_path):
    file = write(tmp_path, 'transcript\n"Agent: hi\nCustomer: yo"\n"Agent: oh\nCustomer: no"\n', "calls.csv")
    assert [found.id for found in read(file)] == ["calls-1", "calls-2"]


def test_missing_role_column_is_unknown_and_said(tmp_path):
    (found,) = read(write(tmp_path, "conversationId,turnNumber,utterance\nx,0.0,hi\nx,2.0,yo\nx,4.0,ok\n"))
    assert {turn.speaker for turn in found.turns} == {"unknown"}
    assert any("no column says who speaks" in warning for warning in found.metadata["warnings"])
    assert any("turn numbers skip" in warning for warning in found.metadata["warnings"])


def test_unknown_words_column_names_the_columns_and_the_argument(tmp_path):
    file = write(tmp_path, "conversation_id,role,blurb\na,agent,hi\na,customer,yo\n")
    with pytest.raises(ReadError, match=r"'blurb'.*columns=\{'text'"):
        list(read(file))
    assert said(read(file, columns={"text": "blurb"})) == {"a": [("agent", "hi"), ("customer", "yo")]}


def test_an_unknown_id_column_is_asked_for(tmp_path):
    file = write(tmp_path, "caseRef,role,text\na,agent,hi\nb,agent,yo\n")
    with pytest.raises(ReadError, match="'caseRef' may"):
        list(read(file))
    assert set(said(read(file, columns={"id": "caseRef"}))) == {"a", "b"}
    assert set(said(read(file, columns={"id": None}))) == {"x"}


def test_columns_the_wrong_way_round(tmp_path):
    with pytest.raises(ReadError, match="did you mean"):
        list(read(write(tmp_path, "id,role,blurb\na,agent,hi\n"), columns={"blurb": "text"}))


def test_two_columns_of_words_are_an_error(tmp_path):
    file = write(tmp_path, "conversation_id,role,message,body\na,agent,hi,hello\n")
    with pytest.raises(ReadError, match="both 'message' and 'body'"):
        list(read(file))


@pytest.mark.parametrize(
    ("row", "reason", "line"),
    [
        ("a,0,Agent,hi", "repeats line 2", 6),
        ("a,2,Agent,NaN", "text is missing", 6),
        ("a,two,Agent,hi", "no turn number", 6),
        ("a,2,Agent,hi,there,you", "6 cells", 6),
        ("a,2,Agent," + "x" * 1_000_000, "1,000,000 characters", 6),
        ('a,2,Agent,"x"y', "cannot be parsed", 6),
        (",2,Agent,hi", "no conversation id", 6),
        ('a,2,Agent,"never closed', "never closed", 6),
    ],
)
def test_a_bad_row_is_named_and_the_rest_is_read(tmp_path, row, reason, line):
    found = both(tmp_path, GOOD + row + "\nc,0,Agent,last\n")
    (bad,) = [item for item in found if isinstance(item, Rejected)]
    assert reason in bad.reason
    assert bad.line == line
    assert {"b", "c"} <= {item.id for item in found if isinstance(item, Conversation)}


def test_ids_that_were_floats(tmp_path):
    found = both(tmp_path, GOOD.replace("\na,", "\n3.0,").replace("\nb,", "\n4.0,"))
    assert [item.id for item in found] == ["3", "4"]
    assert "floats" in found[0].metadata["warnings"][0]
    (bad, good) = both(tmp_path, GOOD.replace("\na,", "\n1.23E+15,"))
    assert "digits may be lost" in bad.hint
    assert good.id == "b"


def test_leading_zeros_stay(tmp_path):
    assert [c.id for c in both(tmp_path, GOOD.replace("\na,", "\n007,"))] == ["007", "b"]


@pytest.mark.parametrize("text", ["", "\n\n", "conversation_id,role,text\n", "\ufeff"])
def test_empty_files(tmp_path, text):
    (found,) = both(tmp_path, text)
    assert isinstance(found, Rejected)
    assert "empty" in found.reason or "no rows" in found.reason


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["agent", "customer"]),
            st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=20),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_csv_and_parquet_and_frame_agree(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("t")
    rows = [(f"c{c}", i, role, f"w {text} w") for i, (c, role, text) in enumerate(rows)]
    df = pd.DataFrame(rows, columns=["conversation_id", "turn", "role", "text"])
    df.to_csv(folder / "x.csv", index=False)
    df.to_parquet(folder / "x.parquet")
    expected = said(from_frame(df))
    assert said(read(folder / "x.csv")) == expected
    assert said(read(folder / "x.parquet")) == expected
    assert sum(map(len, expected.values())) == len(rows)


def test_frame_with_missing_values_and_datetimes():
    df = pd.DataFrame(
        {
            "conversation_id": [1, 1, 2, 3],
            "speaker": ["agent", "customer", "agent", "agent"],
            "text": ["hi", "yo", None, "oh"],
            "timestamp": pd.to_datetime(["2024-01-01 10:00:00", "2024-01-01 10:00:09", "2024-01-01 10:00:00", None]),
        }
    )
    one, bad, three = from_frame(df, on_error="collect")
    assert (one.id, [turn.start for turn in one.turns]) == ("1", [0.0, 9.0])
    assert isinstance(bad, Rejected)
    assert (bad.conversation_id, bad.line, bad.column, bad.turn) == ("2", 3, "text", 0)
    assert three.turns[0].start is None
    with pytest.raises(ReadError, match="text is missing"):
        list(from_frame(df))


def test_frame_ids_as_floats_and_infinite_times():
    df = pd.DataFrame(
        {
            "id": [3.0, 3.0, 1.5],
            "role": ["agent"] * 3,
            "text": ["a", "b", "c"],
            "start": [0.0, float("nan"), float("inf")],
        }
    )
    found = list(from_frame(df, on_error="collect"))
    assert all(isinstance(item, Rejected) for item in found)
    found = list(from_frame(df[:2], on_error="collect"))
    assert [item.id for item in found] == ["3"]
    (bad,) = from_frame(df[2:].assign(id="x"), on_error="collect")
    assert bad.column == "start"


def test_frame_columns_and_roles():
    df = pd.DataFrame({"ticket": ["a", "a"], "who": ["Zed", "Amy"], "said": ["hi", "yo"]})
    found = from_frame(df, columns={"id": "ticket", "text": "said"}, roles={"zed": "agent", "*": "customer"})
    assert said(found) == {"a": [("agent", "hi"), ("customer", "yo")]}


def test_frame_of_transcripts_in_lists():
    df = pd.DataFrame(
        {"id": ["a"], "turns": [[{"speaker": "agent", "text": "hi"}]], "when": [datetime.date(2024, 1, 1)]}
    )
    assert said(from_frame(df)) == {"a": [("agent", "hi")]}


def test_parquet_that_is_none(tmp_path):
    file = tmp_path / "x.parquet"
    file.write_bytes(b"PAR1 and nothing else PAR1")
    (bad,) = read(file, on_error="collect")
    assert "Parquet" in bad.reason


def test_a_column_called_conversation_holds_ids(tmp_path):
    text = "Conversation,Speaker,Text\n1,Agent,hi\n2,Agent,oh\n1,Customer,yo\n"
    assert said(read(write(tmp_path, text))) == {
        "2": [("agent", "oh")],
        "1": [("agent", "hi"), ("customer", "yo")],
    }


def test_turn_numbers_that_begin_again_need_an_id(tmp_path):
    file = write(tmp_path, "folder,turn,role,text\na,0,agent,hi\na,1,customer,yo\nb,0,agent,oh\n")
    with pytest.raises(ReadError, match="begin again"):
        list(read(file))
    assert set(said(read(file, columns={"id": "folder"}))) == {"a", "b"}
