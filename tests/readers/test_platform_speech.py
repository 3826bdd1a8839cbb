"""Deepgram, AssemblyAI, Whisper, Azure, Rev AI: numbered voices, seconds, no roles."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
import voice_exports as made

from servicequal.errors import ReadError
from servicequal.readers import Fit, read, readers
from servicequal.readers.registry import verdicts
from servicequal.readers.sample import Sample
from servicequal.readers.speech import Piece, utterances, voices


@pytest.fixture
def one(tmp_path):
    def read_one(record, name="x.json", **options):
        file = tmp_path / name
        file.write_text(json.dumps(record))
        (found,) = read(file, **options)
        return found

    return read_one


def said(found):
    return [(t.speaker_id, t.text, t.start, t.end) for t in found.turns]


def test_deepgram_utterances(one):
    found = one(made.DEEPGRAM, roles={"0": "agent", "Speaker 1": "customer"})
    assert (found.id, found.channel) == ("req-11", "call")
    assert said(found) == [("0", "Hello.", 0.1, 0.9), ("1", "Hi.", 0.8, 1.9)]
    assert [turn.speaker for turn in found.turns] == ["agent", "customer"]
    assert {turn.speaker for turn in one(made.DEEPGRAM).turns} == {"unknown"}


def test_deepgram_paragraphs_and_words_of_two_channels(one):
    assert said(one(made.DEEPGRAM_PARAGRAPHS)) == [("1", "Hello. Yes?", 0.0, 2.0)]
    found = one(made.DEEPGRAM_WORDS)
    assert said(found) == [("0", "Hello.", 0.0, 0.3), ("1", "Hi.", 1.0, 1.3), ("0", "Yes.", 4.0, 4.3)]


def test_assemblyai_with_and_without_speakers(one):
    assert said(one(made.ASSEMBLYAI)) == [("A", "Hello.", 0.1, 0.9), ("B", "I am ####.", 1.0, 1.9)]
    found = one({**made.ASSEMBLYAI, "utterances": None})
    assert [turn.text for turn in found.turns] == ["Hello. Hi."]
    assert "tell speakers apart" in found.metadata["warnings"][0]
    with pytest.raises(ReadError, match="error, not completed: no audio"):
        one({**made.ASSEMBLYAI, "status": "error", "error": "no audio"})


def test_whisperx_gives_a_segment_the_speaker_of_its_words(one):
    found = one(made.WHISPERX)
    assert said(found) == [("SPEAKER_00", "Hello.", 0.0, 1.0), ("SPEAKER_01", "Hi, 7.", 1.2, None)]
    assert [turn.confidence for turn in found.turns] == [0.5, 0.9]


def test_whisper_cpp_and_chunks(one):
    assert said(one(made.WHISPER_CPP)) == [("0", "Hello.", 0.0, 1.5), ("1", "Hi.", 1.5, 2.5)]
    assert said(one(made.CHUNKS)) == [(None, "Hello.", 0.0, 1.5), (None, "Hi.", 1.5, None)]


def test_diarisation_without_text_is_refused(one):
    with pytest.raises(ReadError, match="no text"):
        one({"segments": [{"start": 0.0, "end": 1.0, "speaker": "SPEAKER_00"}]})


def test_azure_batch_sorts_channels_and_passes_over_silence(one):
    found = one(made.AZURE_BATCH, "contenturl_0.json", roles={"Channel 0": "agent", "1": "customer"})
    assert (found.id, found.metadata["audio"]) == ("call 15", "https://example.org/calls/call%2015.wav")
    assert said(found) == [("0", "Hello.", 0.5, 1.0), ("1", "Hi.", 1.5, 2.0), ("0", "Bye.", 3.0, 3.5)]
    assert [turn.speaker for turn in found.turns] == ["agent", "customer", "agent"]
    assert one(made.AZURE_BATCH).id == "x"
    assert said(one(made.AZURE_FAST)) == [("1", "Hello.", 0.0, 0.7), ("2", "Hi.", 0.8, 1.5)]


def test_azure_language_reads_each_conversation(tmp_path):
    file = tmp_path / "x.json"
    bad = deepcopy(made.AZURE_LANGUAGE)
    bad["analysisInput"]["conversations"].insert(1, {"id": "bad"})
    file.write_text(json.dumps(bad))
    call, rejected, chat = read(file, on_error="collect")
    assert (call.id, call.channel, chat.id, chat.channel) == ("conv-16", "call", "conv-17", "chat")
    assert "conversationItems" in rejected.reason
    assert [(t.speaker, t.speaker_id) for t in call.turns] == [
        ("agent", "Agent_1"),
        ("customer", "7"),
        ("unknown", "speaker 1"),
    ]
    assert (call.turns[0].start, call.turns[0].end) == (1.0, 3.0)


def test_revai_joins_values_as_they_stand(one):
    assert said(one(made.REVAI)) == [("0", "Hi, Bo", 0.3, 0.8), ("1", "Yes.", 1.0, 1.2)]
    named = {**made.REVAI, "speakers": [{"id": 0, "name": "Ann"}, {"id": 1, "name": "Speaker 1"}]}
    assert [turn.speaker_id for turn in one(named).turns] == ["Ann", "1"]


def test_voices_of_channels_with_several_speakers():
    pieces = [Piece("a", 0.0, 1.0, speaker=s, channel=c) for c, s in ((0, 0), (0, 1), (1, 0), (None, None))]
    assert [turn.speaker_id for turn in voices(pieces)] == ["0-0", "0-1", "1", None]


def test_words_said_over_each_other_stay_two_turns():
    words = [Piece(t, s, s + 0.4, speaker=v) for v, t, s in (("A", "one", 0.0), ("B", "mhm", 0.3), ("A", "two", 0.5))]
    assert [(p.speaker, p.text) for p in utterances(words)] == [("A", "one two"), ("B", "mhm")]
    many = [Piece("x", i / 10, i / 10 + 0.05, speaker=i % 3000) for i in range(9000)]
    assert len(utterances(many)) == 9000


@pytest.mark.parametrize(("name", "record"), [(n, r) for n, all_ in made.EXPORTS.items() for r in all_])
def test_every_export_fits_one_format_alone(name, record):
    fits = verdicts(Sample("x.json", ".json", "{", record))
    assert [reader.name for reader, sniff in fits if sniff.fit == Fit.SIGNATURE] == [name]
    assert name in {reader.name for reader in readers()}


@pytest.mark.parametrize(("name", "record"), [(n, r) for n, all_ in made.EXPORTS.items() for r in all_])
def test_every_export_is_in_the_order_of_time_and_tells_its_file(tmp_path, name, record):
    file = tmp_path / "x.json"
    file.write_text(json.dumps(record, indent=1))
    for found in read(file):
        starts = [turn.start for turn in found.turns if turn.start is not None]
        assert starts == sorted(starts)
        assert (found.metadata["file"], found.metadata["format"]) == (str(file), name)
