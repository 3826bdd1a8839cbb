# cython: language_level=3
"""What other compiled code asks of a maker: values made, and fields read and replaced by their place in the class."""

from cpython.object cimport PyObject

cdef enum:
    MOST = 32


cdef class Maker:
    cdef type made
    cdef tuple names
    cdef readonly Py_ssize_t count
    cdef Py_ssize_t places[MOST]
    cdef object of(self, PyObject **values)
    cdef Py_ssize_t place(self, str name) except -1
    cdef object field(self, object value, Py_ssize_t place)
    cdef object copied(self, object value)
    cdef void put(self, object fresh, Py_ssize_t place, object value) noexcept
