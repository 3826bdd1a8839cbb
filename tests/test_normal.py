"""The normal form: one spelling for what people write in many, and the way back to their characters."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from servicequal.normal import FILLERS, Aligned, align, align_plainly, normalise

PIECES = st.sampled_from(
    [
        *sorted(FILLERS)[:8], "we're", "WE’RE", "were", "sorry", "you", "know", "it's", "its", "been", "gone", "is",
        "can't", "cannot", "i'll", "ill", "well", "be", "u", "pls", "gonna", "5pm", "24hrs", "12th", "£20", "$5.50",
        "10:30", "a.m.", "www.x.com", "<URL>", "http://a.b/c?d=e", "&amp;", "é", "É", "ß", "İ", "ﬁ", "👩‍👩‍👧", "🤷‍♀️",
        "\u200b", "\u00a0", "\u2028", "\u0301", "\x1f", "\x85", "…", "...", "?!", "--", "—", "“", "”", "'", "’", "%",
        "the", "the", "²", "٣", "\ud83d", "العربية", "_", "*",
    ]
)  # fmt: skip
SPEECH = st.lists(st.tuples(PIECES, st.sampled_from([" ", " ", "", "\n", ", ", "\t"])), max_size=25).map(
    lambda parts: "".join(a + b for a, b in parts)
)


@given(st.one_of(st.text(), SPEECH))
@example("")
@example("\n")
@example("you know")
@example("it's been, you know, it's been")
def test_alignment_has_the_same_normal_form_and_points_into_the_text(text):
    aligned = align(text)
    assert aligned.text == normalise(text)
    tokens = aligned.text.split()
    assert len(tokens) == len(aligned.starts) == len(aligned.spans)
    before = (0, 0)
    for token, at, (start, end) in zip(tokens, aligned.starts, aligned.spans, strict=True):
        assert aligned.text[at - 1 : at + len(token)] == f" {token}"
        assert 0 <= start < end <= len(text)
        assert (start, end) >= before
        before = (start, end)
        assert aligned.original(at, at + len(token)) == (start, end)


def looked_at(form):
    return form.text, form.words, form.starts, form.spans, form.flags, form.source


@pytest.fixture(scope="module")
def compiled():
    pytest.importorskip("servicequal._words", reason="installed without a compiler")


@given(st.one_of(st.text(), SPEECH))
@example("foohttp://x HTTPS://y www. www.z'")
@example("<'>a>'b <>")
@example("IDK, u know? do you know it's 24hrs; is been")
def test_the_compiled_normal_form_is_the_plain_one(compiled, text):
    fast, plain = align(text), align_plainly(text)
    assert looked_at(fast) == looked_at(plain)
    for start in range(0, len(plain.text), 3):
        assert fast.original(start, start + 7) == plain.original(start, start + 7)


SIGNS = st.lists(
    st.sampled_from([*"abhwHWTtpP'`<>$&.:;!?\"/ 09_@\t\x00", "http", "://", "www.", "it's ", "unbelievable"])
)


@given(SIGNS.map("".join))
@example("HTTPx WWW.x HTTP")
@example("12345678 123456789 Abcdefgh Abcdefghi a")
def test_the_compiled_normal_form_is_the_plain_one_of_signs(compiled, text):
    assert looked_at(align(text)) == looked_at(align_plainly(text))


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 255, 256, 257, 2049, 100_000])
@pytest.mark.parametrize("piece", ["a", "word ", "idk u know ", "\u00e9", "\U0001f600 ", '"', "w", "5pm's"])
def test_the_compiled_normal_form_is_the_plain_one_at_any_length(compiled, piece, count):
    text = piece * count
    assert looked_at(align(text)) == looked_at(align_plainly(text))


def test_ever_new_words_do_not_fill_the_memory(compiled):
    """The words at hand are let go when they are too many; forms that were made before stay what they are."""
    from servicequal import normal

    early = align("Is the word0 there?")
    for start in range(0, 60_000, 1000):
        align(" ".join(f"word{n}" for n in range(start, start + 1000)))
    assert normal._reader.lexicon.size <= 20_000
    assert early.words == align_plainly("Is the word0 there?").words
    assert not isinstance(early, Aligned)


@given(SPEECH, st.integers(0, 200), st.integers(1, 200))
def test_any_stretch_of_the_normal_form_has_characters_in_the_original(text, start, length):
    aligned = align(text)
    if start < len(aligned.text):
        first, last = aligned.original(start, min(start + length, len(aligned.text)))
        assert 0 <= first < last <= len(text)


SENTENCES = (
    "We're sorry, it isn't our fault and I can't change what they've done.",
    "That's not something we'd do, but I'll ask whether you're covered.",
    "They're saying it wasn't them; who's right doesn't matter, you shouldn't have had to wait.",
    "I've rung the depot and they'll be with you tomorrow, so don't worry.",
    "We'll get back to you, I'd like to check what's happened first.",
    "It's nothing to do with us, that's down to the crews.",
    "There's nobody here who couldn't have told you, and it won't happen again.",
    "You've been let down, haven't you? Let's put it right.",
    "He's gone home and she's been told we're unable to help.",
    "I'm afraid you'd have to take that up with the airline, they weren't ours.",
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_straight_curly_and_missing_apostrophes_are_one(sentence):
    forms = {normalise(sentence.replace("'", mark)) for mark in ("'", "’", "‘", "ʼ", "`", "´", "\u200b'", "")}
    assert len(forms) == 1


@given(st.text(alphabet=st.characters(max_codepoint=126)))
def test_case_never_matters(text):
    assert normalise(text.upper()) == normalise(text.lower()) == normalise(text)


@pytest.mark.parametrize(
    ("spoken", "plain"),
    [
        ("um, so, er, we can, uh, actually do that", "so we can do that"),
        ("I'll, you know, send it", "i will send it"),
        ("the the the parcel", "the parcel"),
        ("We’re SORRY!!!", "we are sorry ."),
        ("we apologize for your neighbor's center", "we apologise for your neighbours centre"),
        ("it was canceled and labeled", "it was cancelled and labelled"),
        ("can u pls send ur acct info thx", "can you please send your account information thanks"),
        ("gonna call u tmrw", "going to call you tomorrow"),
        ("idk, dunno", "i do not know do not know"),
        ("come at 5pm, within 24hrs, on the 12th", "come at 5 pm within 24 hrs on the 12 th"),
        ("who? me: yes…", "who ? me : yes ."),
    ],
)  # fmt: skip
def test_many_spellings_one_form(spoken, plain):
    assert normalise(spoken).strip() == plain


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("All is well.", " well"),
        ("I feel ill today.", " ill"),
        ("They were late.", " were"),
        ("What the hell is that", " hell"),
        ("Do you know the number?", " you know"),
        ("Let me know.", " know"),
    ],
)
def test_words_that_only_look_like_contractions_stay(sentence, kept):
    assert kept in normalise(sentence)
