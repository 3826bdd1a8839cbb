# cython: language_level=3
"""What other compiled code asks of a maker: fields read and replaced by their place in the class."""


cdef class Maker:
    cdef type made
    cdef tuple names
    cdef Py_ssize_t count
    cdef Py_ssize_t places[32]
    cdef Py_ssize_t place(self, str name) except -1
    cdef object field(self, object value, Py_ssize_t place)
    cdef object copied(self, object value)
    cdef void put(self, object fresh, Py_ssize_t place, object value) noexcept
