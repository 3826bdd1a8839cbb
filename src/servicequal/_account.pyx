# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Verdicts to points, compiled. Same values as in servicequal.scoring, which says what they are."""

from libc.math cimport rint


cdef bint _is_verdict(verdict):
    """A named tuple of five."""
    return isinstance(verdict, tuple) and len(<tuple>verdict) == 5


def settled(verdicts, tuple shares not None, double met_from, double unit):
    """Outcome, credit, points and loss of each verdict."""
    cdef Py_ssize_t at, count = len(shares)
    cdef double credit, share, given
    cdef list outcomes = ["not_applicable"] * count
    cdef list credited = [0.0] * count
    cdef list points = [None] * count
    cdef list lost = [None] * count
    if len(verdicts) != count:
        raise ValueError("as many verdicts as shares")
    for at, verdict in enumerate(verdicts):
        if at >= count or not _is_verdict(verdict):
            raise ValueError("no verdict, or one too many")
        reached = (<tuple>verdict)[0]
        if (<tuple>verdict)[4]:
            outcomes[at] = "undetermined"
            continue
        if reached is None:
            continue
        credit = reached
        outcomes[at] = "met" if credit >= met_from else "missed"
        if shares[at] is None:
            continue
        if credit >= 1.0:
            credited[at], points[at], lost[at] = 1.0, shares[at], 0.0
        elif credit <= 0.0:
            points[at], lost[at] = 0.0, shares[at]
        else:
            share = shares[at]
            given = rint(share * credit / unit) * unit
            credited[at], points[at], lost[at] = reached, given, share - given
    return outcomes, credited, points, lost


def applies(verdicts):
    """Whether each verdict has a credit that counts, as bits."""
    cdef Py_ssize_t at = 0
    cdef unsigned long long found = 0
    for verdict in verdicts:
        if at >= 64 or not _is_verdict(verdict):
            raise ValueError("no verdict, or more than there are bits")
        if (<tuple>verdict)[0] is not None and not (<tuple>verdict)[4]:
            found |= 1ULL << at
        at += 1
    return found
