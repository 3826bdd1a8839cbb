# Matches made from others.
# Part of _grams.pyx.

cdef extern from *:
    """
    #include "structmember.h"
    #define SQ_NEW(kind, nothing) (((PyTypeObject *)(kind))->tp_new((PyTypeObject *)(kind), (nothing), NULL))
    static Py_ssize_t sq_offset(PyObject *field) {
        if (!Py_IS_TYPE(field, &PyMemberDescr_Type)) return -1;
        PyMemberDef *member = ((PyMemberDescrObject *)field)->d_member;
        return member->type == T_OBJECT_EX ? member->offset : -1;
    }
    static void sq_copy(PyObject *to, PyObject *from, Py_ssize_t offset) {
        PyObject *value = *(PyObject **)((char *)from + offset);
        Py_XINCREF(value);
        *(PyObject **)((char *)to + offset) = value;
    }
    static void sq_put(PyObject *to, Py_ssize_t offset, PyObject *value) {
        PyObject **field = (PyObject **)((char *)to + offset);
        PyObject *old = *field;
        Py_INCREF(value);
        *field = value;
        Py_XDECREF(old);
    }
    """
    object SQ_NEW(object kind, object nothing)  # sq_copy and sq_put are for what this made and nobody else has seen
    Py_ssize_t sq_offset(object field)
    void sq_copy(object to, object source, Py_ssize_t offset)
    void sq_put(object to, Py_ssize_t offset, object value)


_NONE = ()


@cython.final
cdef class Maker:
    """Makes matches from others. Those are frozen, and making one field after field is dear: where the class keeps its
    fields in slots these are filled here."""

    cdef object kind, sample
    cdef str reason
    cdef bint direct
    cdef int count
    cdef Py_ssize_t offsets[MOST_FIELDS]
    cdef Py_ssize_t cue, turn, start, end, text, speaker, status, why, confidence, softened_by

    def __cinit__(self, sample, str reason):
        """``sample`` is what a proposal has in common with all others, ``reason`` why a match is vetoed, with the place of
        its probability."""
        cdef dict at
        self.kind, self.sample, self.reason = type(sample), sample, reason
        at = {field.name: sq_offset(self.kind.__dict__.get(field.name)) for field in fields(sample)}
        self.direct = min(at.values()) > 0 and len(at) <= MOST_FIELDS and not hasattr(self.kind, "__post_init__")
        self.count = len(at)
        if self.direct:
            for k, offset in enumerate(at.values()):
                self.offsets[k] = offset
        self.cue, self.turn, self.start, self.end, self.text = at["cue"], at["turn"], at["start"], at["end"], at["text"]
        self.speaker, self.status, self.why, self.confidence = at["speaker"], at["status"], at["reason"], at["confidence"]
        self.softened_by = at["softened_by"]

    cdef object copied(self, match):
        cdef int k
        cdef object made = SQ_NEW(self.kind, _NONE)
        for k in range(self.count):
            sq_copy(made, match, self.offsets[k])
        return made

    cdef object sure(self, match, double chance):
        """The match with its probability."""
        if not self.direct or type(match) is not self.kind:
            return replace(match, confidence=_rounded(chance))
        made = self.copied(match)
        sq_put(made, self.confidence, _rounded(chance))
        return made

    cdef object vetoed(self, match, double chance):
        """The match, found too improbable."""
        reason = self.reason.format(chance)
        if not self.direct or type(match) is not self.kind:
            return replace(match, status="excused", reason=reason, confidence=_rounded(chance), softened_by=_NONE)
        made = self.copied(match)
        sq_put(made, self.status, "excused")
        sq_put(made, self.why, reason)
        sq_put(made, self.confidence, _rounded(chance))
        sq_put(made, self.softened_by, _NONE)
        return made

    cdef object proposed(self, str cue, Py_ssize_t number, turn, start, end, double chance):
        """A match that no phrase makes."""
        text, speaker = turn.text[start:end], turn.speaker
        if not self.direct:
            return replace(
                self.sample, cue=cue, turn=number, start=start, end=end, text=text, speaker=speaker,
                confidence=_rounded(chance),
            )
        made = self.copied(self.sample)
        sq_put(made, self.cue, cue)
        sq_put(made, self.turn, number)
        sq_put(made, self.start, start)
        sq_put(made, self.end, end)
        sq_put(made, self.text, text)
        sq_put(made, self.speaker, speaker)
        sq_put(made, self.confidence, _rounded(chance))
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
