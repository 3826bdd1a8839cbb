# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Frozen values made fast: see servicequal.made, which says what this does."""

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF

cdef extern from "Python.h":
    PyObject *PyTuple_GET_ITEM(object values, Py_ssize_t at)
    Py_ssize_t PyTuple_GET_SIZE(object values)
    void PyTuple_SET_ITEM(object values, Py_ssize_t at, PyObject *value)

cdef extern from *:
    """
    #include <structmember.h>
    static Py_ssize_t place_of(PyObject *descriptor, PyTypeObject *owner) {
        PyMemberDef *member;
        if (Py_TYPE(descriptor) != &PyMemberDescr_Type || ((PyDescrObject *)descriptor)->d_type != owner) return -1;
        member = ((PyMemberDescrObject *)descriptor)->d_member;
        return member->type == T_OBJECT_EX ? member->offset : -1;
    }
    static PyObject **items_of(PyObject *values) { return ((PyTupleObject *)values)->ob_item; }
    static PyObject *blank(PyTypeObject *made, Py_ssize_t items) { return made->tp_alloc(made, items); }
    """
    PyObject **items_of(object values)
    object blank(PyTypeObject *made, Py_ssize_t items)
    Py_ssize_t place_of(PyObject *descriptor, PyTypeObject *owner)


cdef class Maker:
    """Makes values of a class from the values of its fields, in order."""

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
        if PyTuple_GET_SIZE(values) != self.count:
            raise TypeError(f"{self.made.__name__} has {self.count} fields, not {len(values)}")
        return self.of(items_of(values))

    cdef object of(self, PyObject **values):
        """A value of as many values as there are fields."""
        cdef Py_ssize_t at
        cdef object found = blank(<PyTypeObject *>self.made, 0)
        for at in range(self.count):
            Py_INCREF(<object>values[at])
            (<PyObject **>(<char *><PyObject *>found + self.places[at]))[0] = values[at]
        return found


cdef class RowMaker:
    """Makes named tuples of a class from the values of their fields, in order."""

    cdef type made
    cdef tuple defaults
    cdef Py_ssize_t count

    def __init__(self, type made not None, Py_ssize_t count, tuple defaults not None):
        if not issubclass(made, tuple) or count < PyTuple_GET_SIZE(defaults):
            raise ValueError(f"{made.__name__} is no named tuple of {count} fields")
        self.made, self.count, self.defaults = made, count, defaults

    def __call__(self, *values):
        cdef Py_ssize_t at, given = PyTuple_GET_SIZE(values)
        cdef Py_ssize_t first = self.count - PyTuple_GET_SIZE(self.defaults)
        cdef PyObject *value
        if given < first or given > self.count:
            raise TypeError(f"{self.made.__name__} has {self.count} fields, not {given}")
        found = blank(<PyTypeObject *>self.made, self.count)
        for at in range(self.count):
            if at < given:
                value = PyTuple_GET_ITEM(values, at)
            else:
                value = PyTuple_GET_ITEM(self.defaults, at - first)
            Py_INCREF(<object>value)
            PyTuple_SET_ITEM(found, at, value)
        return found
