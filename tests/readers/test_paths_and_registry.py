"""Paths, archives, encodings, detection, readers of other packages, and inspect."""

from __future__ import annotations

import gzip
import sys
import textwrap
import zipfile

import pytest

from servicequal.conversation import Conversation, Turn
from servicequal.errors import ReadError, Rejected
from servicequal.readers import (
    Draft,
    Fit,
    Reader,
    Roles,
    Said,
    Sniff,
    Source,
    html,
    inspect,
    json_reader,
    plain_text_of_html,
    read,
    registry,
    to_jsonl,
)
from support import ROOT

TEXT = "Agent: hi there\nCustomer: yo\n"


@pytest.fixture
def fresh():
    cached = registry.readers
    cached.cache_clear()
    yield
    cached.cache_clear()


def ids(path, **kwargs):
    return [item.id if isinstance(item, Conversation) else item.reason for item in read(path, **kwargs)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b" / "c.csv").write_text("id,role,text\nc1,agent,hi\nc1,customer,yo\n")
    (tmp_path / "README.md").write_text("# not a transcript")
    (tmp_path / ".hidden.txt").write_text(TEXT)
    with gzip.open(tmp_path / "d.txt.gz", "wt") as stream:
        stream.write(TEXT)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("in/y.txt", TEXT)
        archive.writestr("x.json", '{"id": "z", "turns": [{"speaker": "agent", "text": "hi"}]}')
        archive.writestr("__MACOSX/y.txt", "junk")
        archive.writestr("pic.png", b"\x89PNG\0")
    return tmp_path


def test_folders_globs_lists_and_archives(folder):
    assert ids(folder) == ["a", "c1", "d", "y", "z"]
    assert ids(str(folder / "*.txt*")) == ["a", "d"]
    assert ids([folder / "z.zip", str(folder / "a.txt")]) == ["y", "z", "a"] or ids(folder / "a.txt") == ["a"]


def test_missing_and_broken_places(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK no")
    (tmp_path / "x.txt.gz").write_bytes(gzip.compress(TEXT.encode() * 500)[:-20])
    (tmp_path / "bin.txt").write_bytes(b"a\0b")
    (tmp_path / "u16.txt").write_bytes(TEXT.encode("utf-16")[:-1])
    for name, reason in [
        ("x.zip", "zip"),
        ("x.txt.gz", "unpacked"),
        ("bin.txt", "no text file"),
        ("u16.txt", "unpacked"),
        ("gone.txt", "no such file"),
        ("no*pe", "no file matches"),
        ("a\0b", "path"),
    ]:
        with pytest.raises(ReadError, match=reason):
            list(read(tmp_path / name if "\0" not in name else name))
    found = list(read(tmp_path, on_error="collect"))
    assert len(found) == 4
    assert all(isinstance(item, Rejected) for item in found)


def test_an_empty_folder_and_one_with_nothing_to_read(tmp_path):
    with pytest.raises(ReadError, match="no files"):
        list(read(tmp_path))
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(ReadError, match="nothing to read"):
        list(read(tmp_path))


def test_a_named_file_is_never_passed_over(tmp_path):
    file = tmp_path / "notes.md"
    file.write_text("hello")
    with pytest.raises(ReadError, match=r"not recognised.*format="):
        list(read(file))
    assert ids(file, format="text") == ["notes"]
    with pytest.raises(ReadError, match="no format 'tx'"):
        list(read(file, format="tx"))
    with pytest.raises(ValueError, match="on_error"):
        read(file, on_error="ignore")


def test_other_web_pages_of_a_folder_are_passed_over(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    page = tmp_path / "index.html"
    page.write_text("<html><body><p>Welcome</p></body></html>")
    assert ids(tmp_path) == ["a"]
    assert [(path, "fits no format" in why) for path, why in inspect(tmp_path).skipped] == [(str(page), True)]
    with pytest.raises(ReadError, match="HTML is read as a Salesforce chat body only"):
        list(read(page))


def nothing(source, roles):
    yield Conversation(id="acme", turns=(Turn(speaker="agent", text=source.text()),))


def test_two_formats_that_fit_are_both_named(tmp_path, monkeypatch, fresh):
    other = Reader("other", "Other", (".txt",), lambda _: Sniff(Fit.SHAPE, "looks other"), nothing)
    found = (*registry.readers(), other)
    monkeypatch.setattr(registry, "readers", lambda: found)
    file = tmp_path / "x.txt"
    file.write_text(TEXT)
    with pytest.raises(ReadError, match=r"text .* and other .*format="):
        list(read(file))
    assert ids(file, format="other") == ["acme"]


def test_a_reader_of_another_package(tmp_path, monkeypatch, fresh):
    site = tmp_path / "site"
    info = site / "acme_sq-1.0.dist-info"
    info.mkdir(parents=True)
    page = (ROOT / "docs" / "formats.md").read_text("utf-8")
    code = page.split("```python\n# acme_servicequal.py\n")[1].split("```")[0]
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 10
    (site / "acme_sq.py").write_text(code)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-sq\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        textwrap.dedent("""
        [servicequal.readers]
        acme = acme_sq:READER
        broken = acme_sq:NOTHING
    """)
    )
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    file = tmp_path / "x.jsonl"
    file.write_text(
        '{"acmeCallId": 1, "lines": [{"words": "hi", "who": "agent", "at": 1500}]}\n{"acmeCallId": 2}\n'
        '{"acmeCallId": 3, "lines": [{"words": "hi", "who": "agent", "at": 0}]}\n'
    )
    with pytest.warns(RuntimeWarning, match="broken cannot be loaded"):
        registry.readers()
    one, bad, three = read(file, on_error="collect")
    assert (one.id, one.turns[0].start, three.id) == ("1", 1.5, "3")
    assert (bad.line, "'lines' is missing" in bad.reason) == (2, True)


def test_what_build_does_for_a_reader_of_your_own(tmp_path):
    def drafts(record, place):
        if record == "huge":
            raise OverflowError("too large")
        said = [Said(text="hi", label="x", speaker_id="x", role="agent", inferred="greets \ud800")]
        yield Draft(id=place.stem, source=place.source, turns=said, warnings=["odd \ud800 name"])

    reader = json_reader("own", "Own", lambda _: Sniff(Fit.SIGNATURE), drafts)
    file = tmp_path / "a.jsonl"
    file.write_text('{"a": 1}\n"huge"\n{}\n')
    one, bad, three = reader.read(Source(str(file), lambda: file.open("rb")), Roles())
    assert (one.id, three.id) == ("a-1", "a-3")
    assert "too large" in bad.reason
    assert one.metadata["warnings"] == ["odd \\ud800 name"]
    assert one.metadata["roles_inferred"] == {"x": {"role": "agent", "reason": "greets \\ud800"}}
    (mapped, *_) = reader.read(Source(str(file), lambda: file.open("rb")), Roles.of({"x": "customer"}))
    assert "roles_inferred" not in mapped.metadata


def test_a_reader_that_breaks_costs_its_file_only(tmp_path, monkeypatch, fresh):
    def broken(source, roles):
        yield from nothing(source, roles)
        raise ZeroDivisionError("oh")

    bad = Reader("bad", "Bad", (".bad",), lambda s: Sniff(Fit.SIGNATURE if s.suffix == ".bad" else Fit.NO), broken)
    found = (*registry.readers(), bad)
    monkeypatch.setattr(registry, "readers", lambda: found)
    monkeypatch.setattr("servicequal.readers.api.readers", registry.readers)
    (tmp_path / "a.bad").write_text("x")
    (tmp_path / "b.txt").write_text(TEXT)
    first, rejected, last = read(tmp_path, on_error="collect")
    assert (first.id, last.id) == ("acme", "b")
    assert "ZeroDivisionError" in rejected.reason


def test_inspect(folder):
    (folder / "e.json").write_text('{"id": "e", "turns": [')
    found = inspect(folder, roles={"hi": "bot"})
    assert found.formats == ("json", "table", "text")
    assert (found.conversations, found.turns) == (5, 9)
    assert dict(found.roles) == {"agent": 5, "customer": 4}
    assert ("Customer", "customer", 3) in [(label.label, label.role, label.turns) for label in found.labels]
    assert [path.rpartition("/")[2] for path, _ in found.skipped] == ["README.md", "z.zip!pic.png"]
    assert [r.source.rpartition("/")[2] for r in found.rejected] == ["e.json"]
    assert found.command.startswith("servicequal score ")
    assert found.command.endswith("--roles hi=bot")
    assert inspect(folder, roles={"a,b": "bot"}).command.endswith("--roles roles.csv")
    assert found.without_times == 5
    with pytest.raises(AttributeError):
        found.turns = 3


def test_inspect_in_words(folder):
    said = str(inspect(folder))
    for line in (
        "5 files, 5 conversations, 9 turns; 2 skipped, 0 rejected",
        "3 files, 3 conversations, 6 turns: 2 labelled turns",
        "roles     agent 5, customer 4",
        "README.md: no format has the extension '.md'",
        "times     none, 5 conversations",
        f"Score it:\n  servicequal score {folder}",
    ):
        assert line in said


def test_inspect_says_how_to_name_who_is_unknown(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("call,utt,who\nc1,hi,Dana R\nc1,yo,0\n")
    found = inspect(file, columns={"text": "utt", "id": "call"}, infer_roles=True)
    command = f"servicequal score {file} --infer-roles --columns text=utt --columns id=call"
    assert found.command == command
    assert f"{command} --roles '0=ROLE,Dana R=ROLE'" in str(found)
    mapped = inspect(file, columns={"text": "utt", "id": "call", "speaker": None}, roles={"Ann": "agent"})
    assert "--columns speaker=COLUMN" in str(mapped)
    assert "--columns speaker=" in mapped.command
    text = tmp_path / "x.txt"
    text.write_text(TEXT)
    assert "not used here" in str(inspect(text, columns={"text": "utt"}))
    (tmp_path / "y.json").write_text("{")
    assert str(inspect(tmp_path / "y.json")).endswith("Nothing here can be scored.")


def test_to_jsonl_refuses_what_is_no_conversation(tmp_path):
    with pytest.raises(TypeError, match="Rejected"):
        to_jsonl([Rejected("x")], tmp_path / "x.jsonl")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Hi&nbsp;<b>you</b></p><p>5 &lt; 6 &amp;amp; so</p>", "Hi you\n5 < 6 &amp; so"),
        ("a<br/>b<BR>c", "a\nb\nc"),
        ("<style>p {x}</style>hi <a href='x>y'>link</a>", "hi y'>link"),
        ("1 < 2 and <3", "1 < 2 and <3"),
        ("<!-- no -->x<ul><li>a</li><li>b</li></ul>", "x\na\nb"),
        ("a<p>b</p>c <span>d</span><div></div>\n<div>e</div>", "a\nb\nc d\n\ne"),
        ("<script>never closed", "never closed"),
    ],
)
def test_html_becomes_text_once(markup, text):
    assert plain_text_of_html(markup) == text
    assert html.plain_text_of_html("") == ""


def test_import_is_light():
    import subprocess

    heavy = "('pandas', 'pyarrow', 'spacy')"
    code = f"import servicequal.readers, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p)},
    )
    assert done.stdout.strip() == "[]"
