# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Frozen values made fast: see servicequal.made, which says what this does."""

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF, Py_XDECREF, Py_XINCREF

from servicequal._slots cimport place_of

cdef extern from "Python.h":
    Py_ssize_t PyTuple_GET_SIZE(object values)

cdef extern from *:
    """
    static PyObject **items_of(PyObject *values) { return ((PyTupleObject *)values)->ob_item; }
    static PyObject *blank(PyTypeObject *made, Py_ssize_t items) { return made->tp_alloc(made, items); }
    """
    PyObject **items_of(object values)
    object blank(PyTypeObject *made, Py_ssize_t items)


cdef class Maker:
    """Makes values of a class from the values of its fields, in order, or from another value with some fields replaced.

    What reads and replaces fields is for values of the very class, and for copies that nobody else has seen.
    """

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
        self.names = names
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

    cdef Py_ssize_t place(self, str name) except -1:
        """Where a field stands."""
        return self.places[self.names.index(name)]

    cdef object field(self, object value, Py_ssize_t place):
        """The field of a value that stands there."""
        return <object>(<PyObject **>(<char *><PyObject *>value + place))[0]

    cdef object copied(self, object value):
        """A value of the same fields."""
        cdef Py_ssize_t at
        cdef PyObject *held
        found = blank(<PyTypeObject *>self.made, 0)
        for at in range(self.count):
            held = (<PyObject **>(<char *><PyObject *>value + self.places[at]))[0]
            Py_XINCREF(held)
            (<PyObject **>(<char *><PyObject *>found + self.places[at]))[0] = held
        return found

    cdef void put(self, object fresh, Py_ssize_t place, object value) noexcept:
        """Replace a field of a copy."""
        cdef PyObject **held = <PyObject **>(<char *><PyObject *>fresh + place)
        cdef PyObject *old = held[0]
        Py_INCREF(value)
        held[0] = <PyObject *>value
        Py_XDECREF(old)


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
        cdef PyObject **places
        cdef PyObject **own = items_of(values)
        cdef PyObject **defaults = items_of(self.defaults)
        if given < first or given > self.count:
            raise TypeError(f"{self.made.__name__} has {self.count} fields, not {given}")
        found = blank(<PyTypeObject *>self.made, self.count)
        places = items_of(found)
        for at in range(self.count):
            places[at] = own[at] if at < given else defaults[at - first]
            Py_INCREF(<object>places[at])
        return found
