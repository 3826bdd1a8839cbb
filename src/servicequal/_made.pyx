# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Frozen values made fast: see servicequal.made, which says what this does."""

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF

cdef extern from "Python.h":
    PyObject *PyTuple_GET_ITEM(object values, Py_ssize_t at)
    Py_ssize_t PyTuple_GET_SIZE(object values)

cdef extern from *:
    """
    #include <structmember.h>
    static Py_ssize_t place_of(PyObject *descriptor, PyTypeObject *owner) {
        PyMemberDef *member;
        if (Py_TYPE(descriptor) != &PyMemberDescr_Type || ((PyDescrObject *)descriptor)->d_type != owner) return -1;
        member = ((PyMemberDescrObject *)descriptor)->d_member;
        return member->type == T_OBJECT_EX ? member->offset : -1;
    }
    static PyObject *blank(PyTypeObject *made) { return made->tp_alloc(made, 0); }
    """
    object blank(PyTypeObject *made)
    Py_ssize_t place_of(PyObject *descriptor, PyTypeObject *owner)

cdef enum:
    MOST = 32


cdef class Maker:
    """Makes values of a class from the values of its fields, in order."""

    cdef type made
    cdef Py_ssize_t count
    cdef Py_ssize_t places[MOST]

    def __init__(self, type made, tuple names):
        cdef Py_ssize_t at
        if len(names) > MOST:
            raise ValueError(f"{made.__name__} has more than {MOST} fields")
        self.count = 0
        for at, name in enumerate(names):
            descriptor = made.__dict__.get(name)
            self.places[at] = place_of(<PyObject *>descriptor, <PyTypeObject *>made)
            if self.places[at] < 0:
                raise ValueError(f"{made.__name__}.{name} is no slot")
        self.made = made
        self.count = len(names)

    def __call__(self, *values):
        cdef Py_ssize_t at
        cdef PyObject *value
        if PyTuple_GET_SIZE(values) != self.count:
            raise TypeError(f"{self.made.__name__} has {self.count} fields, not {len(values)}")
        found = blank(<PyTypeObject *>self.made)
        for at in range(self.count):
            value = PyTuple_GET_ITEM(values, at)
            Py_INCREF(<object>value)
            (<PyObject **>(<char *><PyObject *>found + self.places[at]))[0] = value
        return found
