# cython: language_level=3
"""What the compiled sieve reads of a compiled normal form."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef struct Entry:
    PyObject *word      # the str, held
    uint32_t hash
    int32_t at          # where its characters stand among all words' characters
    int32_t length
    uint32_t traits     # as servicequal.normal numbers them
    uint32_t family     # bits of servicequal.families
    int32_t context     # number of the contraction that it may be, from 1; 0: none
    uint32_t follows    # contractions that it may follow, a bit each
    int32_t first       # what it is spelled as: where among the parts, and how many; none: as it stands
    int32_t count
    uint32_t widest     # its widest character


cdef struct Brief:          # what is asked of every word, so that most are no entry looked up for
    uint32_t family
    uint16_t traits         # besides SPECIAL
    uint8_t length


cdef struct Slot:           # of the table that words are looked up in
    uint64_t head           # the first eight characters
    uint32_t key            # the hash; its lowest eight bits are the length of a word that the head is all of, or 0
    int32_t entry           # below zero: free


cdef struct Token:
    int32_t entry
    int32_t at          # where it stands in the normal form
    int32_t start       # its characters in the original
    int32_t end


cdef class Lexicon:
    cdef Entry *entries
    cdef readonly int32_t size
    cdef int32_t room
    cdef uint32_t *characters
    cdef size_t n_characters, characters_room
    cdef Brief *briefs
    cdef Slot *table
    cdef uint32_t mask
    cdef int32_t *parts
    cdef int32_t n_parts, parts_room
    cdef int32_t has
    cdef object describe
    cdef uint32_t figures, address
    cdef uint32_t _told(self, const uint32_t *characters, Py_ssize_t length, uint32_t traits) noexcept
    cdef int32_t number(self, const uint32_t *characters, Py_ssize_t length, uint32_t hash) except -1
    cdef int32_t _met(self, const uint32_t *characters, Py_ssize_t length, uint32_t hash) noexcept
    cdef int32_t _short(self, uint64_t head, int32_t length, uint32_t hash) except -1
    cdef void _place(self, int32_t entry) noexcept
    cdef void _brief(self, int32_t entry) noexcept
    cdef int32_t _added(self, const uint32_t *characters, Py_ssize_t length, uint32_t hash) except -1
    cdef int32_t _number_of(self, str word) except -1
    cdef int _spell(self, int32_t entry, tuple about) except -1
    cdef int _grow(self) except -1


cdef class Form:
    cdef readonly str source
    cdef Lexicon lexicon
    cdef Token *tokens
    cdef int32_t count
    cdef int32_t length         # characters of the normal form
    cdef uint32_t widest
    cdef bint quotes            # whether the original has a sign that may open a quotation
    cdef readonly uint32_t flags
    cdef str _text
    cdef list _words, _starts, _spans
    cdef Py_ssize_t _before(self, Py_ssize_t place)


cdef struct Raw:
    int32_t entry
    int32_t start
    int32_t end


cdef class Reader:
    cdef uint8_t *kinds
    cdef list alone
    cdef int32_t alone_numbers[64]
    cdef int32_t link
    cdef object about, known, signs
    cdef readonly Lexicon lexicon
    cdef int32_t most
    cdef uint8_t inside[256]    # whether a character of an ASCII text is inside a word
    cdef int _begin(self) except -1
    cdef Form form(self, str text)
    cdef Py_ssize_t _read(self, Form form, Raw *raw, Py_ssize_t length) except -2
    cdef Py_ssize_t _read_ascii(self, Form form, Raw *raw, Py_ssize_t length) except -2
    cdef Py_ssize_t _apart(
        self, const uint8_t *data, Py_ssize_t *begun, Py_ssize_t *at, Py_ssize_t *ended, Py_ssize_t length, uint32_t *word
    ) noexcept
