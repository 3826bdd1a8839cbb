# Matches made from others.
# Part of _grams.pyx.

_NONE = ()
_EXCUSED = "excused"


@cython.final
cdef class Answers:
    """What the detector says of matches, as matches."""

    cdef Maker maker
    cdef object sample
    cdef str reason
    cdef Py_ssize_t cue, turn, start, end, text, speaker, status, why, confidence, softened_by

    def __cinit__(self, Maker maker, sample, str reason):
        """``maker`` makes matches, ``sample`` is what a proposal has in common with all others, ``reason`` why a match is
        vetoed, with the place of its probability."""
        self.maker, self.sample, self.reason = maker, sample, reason
        if type(sample) is not maker.made:
            raise TypeError("a sample of another class")
        self.cue, self.turn, self.speaker = maker.place("cue"), maker.place("turn"), maker.place("speaker")
        self.start, self.end, self.text = maker.place("start"), maker.place("end"), maker.place("text")
        self.status, self.why, self.softened_by = maker.place("status"), maker.place("reason"), maker.place("softened_by")
        self.confidence = maker.place("confidence")

    cdef inline bint knows(self, match):
        """Whether a match is of the very class."""
        return type(match) is self.maker.made

    cdef object sure(self, match, double chance):
        """The match with its probability."""
        if not self.knows(match):
            return replace(match, confidence=_rounded(chance))
        made = self.maker.copied(match)
        self.maker.put(made, self.confidence, _rounded(chance))
        return made

    cdef object vetoed(self, match, double chance):
        """The match, found too improbable."""
        reason = self.reason.format(chance)
        if not self.knows(match):
            return replace(match, status=_EXCUSED, reason=reason, confidence=_rounded(chance), softened_by=_NONE)
        made = self.maker.copied(match)
        self.maker.put(made, self.status, _EXCUSED)
        self.maker.put(made, self.why, reason)
        self.maker.put(made, self.confidence, _rounded(chance))
        self.maker.put(made, self.softened_by, _NONE)
        return made

    cdef object proposed(self, str cue, Py_ssize_t number, str text, speaker, Py_ssize_t start, Py_ssize_t end, double chance):
        """A match that no phrase makes."""
        made = self.maker.copied(self.sample)
        self.maker.put(made, self.cue, cue)
        self.maker.put(made, self.turn, number)
        self.maker.put(made, self.start, start)
        self.maker.put(made, self.end, end)
        self.maker.put(made, self.text, text[start:end])
        self.maker.put(made, self.speaker, speaker)
        self.maker.put(made, self.confidence, _rounded(chance))
        return made


def rounded(double chance):
    """``round(chance, 4)`` of a probability."""
    return _rounded(chance)


cdef object _rounded(double chance):
    """The same: where it is plain which way that goes a division of whole numbers gives the very number."""
    cdef double scaled = chance * 1e4, near = rint(scaled)
    if fabs(fabs(scaled - near) - 0.5) < 1e-6:
        return round(chance, 4)
    return near / 1e4
