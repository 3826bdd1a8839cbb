# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Both layers of the detector, compiled: a conversation in, what is said in it out. The same as servicequal.detector.model
and .decide do in Python where there was no compiler, which say what everything is. A turn's sums are made in the same
order however many turns there are.

Runs of words are not looked up as characters but as numbers: every known word has one, and a run of words is the run
without its last word and that word. So a turn's words are compared with known ones once for all blocks of both sides.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.unicode cimport (
    Py_UNICODE_ISALPHA, Py_UNICODE_ISDIGIT, Py_UNICODE_ISLOWER, Py_UNICODE_ISSPACE, Py_UNICODE_ISTITLE,
    Py_UNICODE_ISUPPER, PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ, PyUnicode_READ_CHAR,
)
from libc.math cimport INFINITY, exp, fabs, log, rint, sqrt
from libc.stdint cimport int8_t, int32_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from dataclasses import replace
from operator import attrgetter

import numpy as np

from .._made cimport Maker
from .._words cimport Entry, Form, Lexicon, Token

cdef extern from "Python.h":
    dict PyObject_GenericGetDict(object model, void *nothing)
    Py_UCS4 *PyUnicode_AsUCS4(object text, Py_UCS4 *buffer, Py_ssize_t size, int copy_null) except NULL

cdef enum:  # blocks, as servicequal.detector.features.BLOCKS has them
    WORDS = 0
    LETTERS = 1
    BEFORE = 2
    AFTER = 3
    BLOCKS = 4

cdef enum:  # who a turn is of
    AGENT = 0
    CUSTOMER = 1
    OTHERS = 2

cdef enum:
    SHAPES = 18         # as many as servicequal.detector.features.SHAPES has
    CHANNELS = 14       # the first of those that tell the channel
    MOST_LABELS = 64    # a bit each
    COUNTED = 256       # counts of which the logarithm is known
    LINE = 64           # bytes that come from memory together
    STRANGERS = 16384   # words that no vocabulary has and that are kept all the same
    LETTERS_KEPT = 1 << 19  # rows of words' letters
    AT_ONCE = 16        # rows that are copied at once: mostly more than a word has

cdef enum:
    LEFT_OUT = 0x110000  # instead of a character: there are no more

cdef enum:  # traits of words
    MARK = 1            # ends a sentence
    ASKS = 2
    LINKS = 4

cdef enum:  # statuses
    PLAIN = 0
    SOFTENED = 1
    EXCUSED = 2

cdef uint64_t ONE = 1
cdef int32_t LONGER = 1 << 30
cdef uint64_t BEGUN = 14695981039346656037ULL

include "_sums.pxi"
include "_tables.pxi"
include "_runs.pxi"
include "_listen.pxi"
include "_turn.pxi"
include "_matches.pxi"
include "_talk.pxi"
