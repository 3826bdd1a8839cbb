"""E-mail: threads, quotes and signatures, roles by address; all data are invented."""

from __future__ import annotations

import base64

import pytest
import written_exports as made

from servicequal.conversation import Conversation
from servicequal.readers import read
from servicequal.readers.quoted import split_html, split_text

ROLES = {"acme.test": "agent", "*": "customer"}


def write(folder, text, name):
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def messages(conversation):
    return [(t.speaker, t.speaker_id, t.start, t.text) for t in conversation.turns if t.kind == "message"]


THREAD = [
    ("customer", "cy@home.test", 0.0, "My lamp broke."),
    ("agent", "dana@acme.test", 3600.0, "Sorry, Cy.\n\nRegards,\nDana"),
]


def test_mbox_threads(tmp_path):
    found = {c.id: c for c in read(write(tmp_path, made.MBOX, "x.mbox"), roles=ROLES)}
    assert set(found) == {"1@home.test", "5@x.test"}
    thread = found["1@home.test"]
    assert messages(thread) == THREAD
    assert [t.text for t in thread.turns if t.kind == "quote"] == [
        "-- \nCy Stone\n+1 555",
        "On Wed, May 1, 2024 at 9:00 AM Cy Stone <cy@home.test>\nwrote:\n\n> My lamp broke.",
    ]
    assert {t.speaker for t in thread.turns if t.kind == "quote"} == {"system"}
    assert (thread.channel, thread.metadata["subject"]) == ("email", "Lamp")
    assert thread.metadata["started_at"] == "2024-05-01T09:00:00+00:00"


def test_eml_files_of_a_folder_come_as_threads_and_one_alone_as_itself(tmp_path):
    for name, text in [("a.eml", made.SECOND), ("b.eml", made.OTHER), ("c.eml", made.FIRST)]:
        write(tmp_path, text, name)
    first, second = read(tmp_path, roles={"dana@acme.test": "agent", "Cy Stone": "customer"})
    assert (first.id, second.id) == ("a", "b")
    assert messages(first) == THREAD
    assert messages(second)[0][0] == "unknown"
    (found,) = read(tmp_path / "a.eml")
    assert [(t.speaker, t.kind) for t in found.turns] == [("unknown", "message"), ("system", "quote")]


def test_threads_without_references_and_messages_that_are_there_twice(tmp_path):
    first = made.mail("Cy <cy@home.test>", "09:00:00", "It broke", "1@h")
    reply = made.mail("help@acme.test", "09:30:00", "Sorry", "2@h", None, "Re: AW: lamp")
    reply = reply.replace("To: help@acme.test", "To: cy@home.test")
    box = "".join(f"From x@y.test Wed May  1 09:00:00 2024\n{m}\n\n" for m in (first, reply, first))
    (found,) = read(write(tmp_path, box, "x.mbox"))
    assert [t.text for t in found.turns] == ["It broke", "Sorry"]
    assert any("twice" in warning for warning in found.metadata["warnings"])


def test_encodings_parts_and_attachments(tmp_path):
    html = base64.b64encode("<p>Gr\u00fc\u00dfe &amp; so</p><blockquote>alt</blockquote>".encode("latin-1"))
    text = (
        "From: =?utf-8?b?SsO8cmdlbg==?= <j@x.test>\nDate: Wed, 01 May 2024 09:00:00 +0200\n"
        "MIME-Version: 1.0\nSubject: x\nContent-Type: multipart/mixed; boundary=AA\n\n--AA\n"
        "Content-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\n"
        f"{html.decode()}\n--AA\nContent-Type: application/pdf; name=a.pdf\n"
        "Content-Disposition: attachment; filename=a.pdf\n\nxx\n--AA--\n"
    )
    (found,) = read(write(tmp_path, text, "x.eml"), roles={"J\u00fcrgen": "agent"})
    assert [(t.speaker, t.kind, t.text) for t in found.turns] == [
        ("agent", "message", "Gr\u00fc\u00dfe & so"),
        ("system", "quote", "alt"),
    ]
    assert found.metadata["warnings"] == ["1 attachment(s) left out"]
    flowed = made.mail("a@b.test", "09:00:00", "one \ntwo\n>three", "1@b", Content_Type="text/plain; format=flowed")
    (found,) = read(write(tmp_path, flowed, "y.eml"))
    assert found.turns[0].text == "one two"


def test_bounces_and_out_of_office_are_notices(tmp_path):
    auto = made.mail("Dana <dana@acme.test>", "09:00:00", "I am away", "1@b", Auto_Submitted="auto-replied")
    (found,) = read(write(tmp_path, auto, "x.eml"), roles=ROLES)
    assert found.turns[0].kind == "notice"


def test_broken_messages_cost_no_other(tmp_path):
    broken = "From: =?bad?b?!!?= <<<>>\nDate: someday\nMessage-ID: <>\nContent-Type: text/plain; charset=x\n\nhi"
    box = "".join(f"From x@y.test Wed May  1 09:00:00 2024\n{m}\n\n" for m in (made.FIRST, broken, made.SECOND))
    found = list(read(write(tmp_path, box, "x.mbox"), roles=ROLES, on_error="collect"))
    assert all(isinstance(item, Conversation) for item in found)
    assert messages(next(c for c in found if c.id == "1@home.test")) == THREAD


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Hi\n\nOn 1 May 2024, at 09:00, Cy <c@x.test> wrote:\n\nold\nold", "Hi"),
        ("Hi\n\nOn 1 May 2024, Cy <c@x.test> wrote:\n> old\n\nand this too", "Hi\n\nand this too"),
        ("> You asked: when?\nTomorrow.\n> And where?\nHere.", "Tomorrow.\nHere."),
        ("Hi\n-----Original Message-----\nFrom: x\nold", "Hi"),
        (
            "Hi\n__________________________\nFrom: Cy <c@x>\nSent: Monday\nTo: us\nSubject: x\n\nold",
            "Hi",
        ),
        ("Hallo\n\nAm 01.05.2024 um 09:00 schrieb Cy Stone <c@x.test>:\n\nalt", "Hallo"),
        ("Bonjour\n\nLe mer. 1 mai 2024 \u00e0 09:00, Cy <c@x.test> a \u00e9crit\u00a0:\n> vieux", "Bonjour"),
        ("Thanks\n\nSent from my iPhone", "Thanks"),
        ("Thanks\n-- \nDana\nAcme", "Thanks"),
        ("##- Please type your reply above this line -##\nold", ""),
        ("On Monday I wrote:\nplease call", "On Monday I wrote:\nplease call"),
        ("From: the start\nit broke", "From: the start\nit broke"),
        ("one\n--\n" + "line\n" * 20, "one\n--\n" + "\n".join(["line"] * 20)),
        ("I am cross >:( really", "I am cross >:( really"),
        (">:(", ">:("),
        ("Sent from the warehouse today.", "Sent from the warehouse today."),
    ],
)
def test_own_words(text, own):
    assert split_text(text).own == own


def test_own_words_of_html():
    quote = '<div class="gmail_quote">On May 1, 2024, Cy wrote:<p>old</p></div>'
    parts = split_html(f"<div>Hi<br>you</div>{quote}")
    assert (parts.own, parts.quoted) == ("Hi\nyou", "On May 1, 2024, Cy wrote:\nold")
    parts = split_html("<p>Above</p><blockquote><p>old</p></blockquote><p>Below</p>")
    assert (parts.own, parts.quoted) == ("Above\n\nBelow", "old")
