# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""What many objects hold put into columns, compiled. Same answers as servicequal.gather, which says what they are."""

from libc.stdint cimport int32_t

cdef extern from "Python.h":
    dict PyObject_GenericGetDict(object o, void *context)


def add_fields(objects, tuple names not None, list columns not None):
    """Append what the objects' dictionaries hold under these names, each to its column."""
    cdef Py_ssize_t k, count = len(names)
    cdef dict fields
    if len(columns) != count:
        raise ValueError("as many columns as names")
    for one in objects:
        fields = PyObject_GenericGetDict(one, NULL)
        for k in range(count):
            (<list?>columns[k]).append(fields[names[k]])


def add_attributes(objects, tuple names not None, list columns not None):
    """Append the objects' attributes of these names, each to its column."""
    cdef Py_ssize_t k, count = len(names)
    if len(columns) != count:
        raise ValueError("as many columns as names")
    for one in objects:
        for k in range(count):
            (<list?>columns[k]).append(getattr(one, <str?>names[k]))


def lengths(lists, int32_t[::1] out not None):
    """How long each list is."""
    cdef Py_ssize_t at = 0, room = len(out)
    for one in lists:
        if at >= room:
            raise ValueError("more lists than expected")
        out[at] = len(one)
        at += 1


def numbers(lists, int32_t[::1] out not None):
    """The numbers of all lists, one behind the other."""
    cdef Py_ssize_t at = 0, room = len(out)
    for one in lists:
        for number in one:
            if at >= room:
                raise ValueError("more numbers than expected")
            out[at] = number
            at += 1


def places(lists, int32_t[::1] turn not None, int32_t[::1] start not None, int32_t[::1] end not None):
    """Turn, start and end of what is in all lists, one behind the other."""
    cdef Py_ssize_t at = 0, room = min(len(turn), len(start), len(end))
    for one in lists:
        for place in one:
            if at >= room:
                raise ValueError("more places than expected")
            turn[at] = place.turn
            start[at] = place.start
            end[at] = place.end
            at += 1
