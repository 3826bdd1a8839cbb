"""WebVTT and SRT."""

from __future__ import annotations

import pytest

from servicequal.errors import ReadError, Rejected
from servicequal.readers import read

TEAMS = """WEBVTT

guid/12-0
00:00:01.000 --> 00:00:04.500
<v Ann Lee>Right, let's start</v>

guid/12-1
00:00:04.500 --> 00:00:09.200
<v Ann Lee>with the <i>bill</i> &amp; more.

00:00:09.200 --> 00:00:12.000
<v Dr. Bo (Ext)>Twelve?</v><v Ann Lee>Yes.</v>
"""
ZOOM = """WEBVTT

NOTE
not said

1
00:02.100 --> 00:05.400
Priya Raman: Here's the thing: we're late.

2
00:05.400 --> 00:07.900 align:start
And that

3
00:00:08.000 --> 00:00:09.000
Tom Able: Yes.
"""
SRT = """1
00:00:01,000 --> 00:00:02,500
Agent: Hello
there

2
00:00:04,000 --> 00:00:05,000
[Customer] Hi
"""


def write(tmp_path, text, name):
    file = tmp_path / name
    file.write_bytes(text.encode())
    return file


def test_teams_voices_are_merged_and_split(tmp_path):
    (found,) = read(write(tmp_path, TEAMS, "t.vtt"), roles={"Ann Lee": "agent", "*": "customer"})
    assert [(t.speaker, t.speaker_id, t.text, t.start, t.end) for t in found.turns] == [
        ("agent", "Ann Lee", "Right, let's start with the bill & more.", 1.0, 9.2),
        ("customer", "Dr. Bo (Ext)", "Twelve?", 9.2, 12.0),
        ("agent", "Ann Lee", "Yes.", 9.2, 12.0),
    ]
    assert found.channel == "call"


def test_zoom_captions_without_a_name_belong_to_nobody(tmp_path):
    file = write(tmp_path, ZOOM, "z.vtt")
    (found,) = read(file)
    assert [(t.speaker_id, t.text) for t in found.turns] == [
        ("Priya Raman", "Here's the thing: we're late."),
        (None, "And that"),
        ("Tom Able", "Yes."),
    ]
    (found,) = read(file, infer_roles=True)
    assert found.turns[1].speaker_id == "Priya Raman"
    assert "given to the speaker before" in found.metadata["warnings"][0]


def test_srt_with_labels_in_windows_line_ends(tmp_path):
    (found,) = read(write(tmp_path, SRT.replace("\n", "\r\n"), "s.srt"))
    assert [(t.speaker, t.text, t.start) for t in found.turns] == [
        ("agent", "Hello there", 1.0),
        ("customer", "Hi", 4.0),
    ]


def test_a_broken_time_is_rejected_and_the_rest_read(tmp_path):
    bad, good = read(write(tmp_path, SRT.replace("00:00:01,000 -->", "00:0x -->"), "s.srt"), on_error="collect")
    assert isinstance(bad, Rejected)
    assert bad.line == 2
    assert [turn.text for turn in good.turns] == ["Hi"]


@pytest.mark.parametrize(("text", "name"), [("WEBVTT\n\n", "x.vtt"), ("hello", "x.vtt"), ("hello", "x.srt")])
def test_no_captions(tmp_path, text, name):
    with pytest.raises(ReadError, match=r"no captions|does not begin|no line of two times"):
        list(read(write(tmp_path, text, name)))
