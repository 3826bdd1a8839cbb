# cython: language_level=3
"""What other compiled steps use to make values."""

from cpython.object cimport PyObject

cdef enum:
    MOST = 32


cdef class Maker:
    cdef type made
    cdef readonly Py_ssize_t count
    cdef Py_ssize_t places[MOST]
    cdef object of(self, PyObject **values)
