# cython: language_level=3
"""Where an object of a class with slots keeps the value of a slot."""

from cpython.object cimport PyObject, PyTypeObject

cdef extern from *:
    """
    #include <structmember.h>
    /* Bytes from an object's beginning to the slot that a descriptor is of; -1 where it is none of this class. */
    static Py_ssize_t place_of(PyObject *descriptor, PyTypeObject *owner) {
        PyMemberDef *member;
        if (Py_TYPE(descriptor) != &PyMemberDescr_Type || ((PyDescrObject *)descriptor)->d_type != owner) return -1;
        member = ((PyMemberDescrObject *)descriptor)->d_member;
        return member->type == T_OBJECT_EX ? member->offset : -1;
    }
    """
    Py_ssize_t place_of(PyObject *descriptor, PyTypeObject *owner)
