# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The first layer's n-grams of one turn, compiled: counted, weighted and added up. What servicequal.detector.model does in
Python where there was no compiler."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from libc.math cimport exp, log, sqrt
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

import numpy as np

cdef extern from "Python.h":
    Py_UCS4 *PyUnicode_AsUCS4(object text, Py_UCS4 *buffer, Py_ssize_t size, int copy_null) except NULL

cdef enum:
    WORDS = 0
    LETTERS = 1
    BEFORE = 2
    AFTER = 3


cdef struct Slot:
    uint32_t tag            # more bits of the hash: most strangers are told by it
    int32_t row             # -1: free
    uint32_t at             # in the pool
    uint32_t size           # 4 * characters + block


cdef void *_room(size_t count, size_t size) except NULL:
    cdef void *found = PyMem_Calloc(count if count else 1, size)
    if found == NULL:
        raise MemoryError
    return found


cdef inline uint64_t _hashed(const Py_UCS4 *text, Py_ssize_t size, int block) noexcept:
    cdef uint64_t h = 14695981039346656037ULL ^ <uint64_t>block
    cdef Py_ssize_t i
    for i in range(size):
        h = (h ^ <uint64_t>text[i]) * 1099511628211ULL
    return h ^ (h >> 29)


cdef class Reader:
    """One side's vocabulary and weights."""

    cdef Py_UCS4 *pool              # all n-grams, one behind the other
    cdef Slot *slots
    cdef uint64_t mask
    cdef int32_t n_rows, labels
    cdef double *idf
    cdef float *weights
    cdef double scale[4]
    cdef int64_t epoch
    cdef int64_t *row_epoch
    cdef int32_t *count
    cdef int32_t *touched
    cdef int32_t n_touched

    def __cinit__(self, blocks, scales, idf, weights):
        """``blocks`` are four mappings from n-gram to row, in the order words, letters, before, after."""
        cdef Py_ssize_t total = sum(len(gram) for known in blocks for gram in known)
        cdef size_t slots = 64
        cdef int64_t at = 0
        cdef int32_t row, label
        cdef int block
        cdef uint64_t slot, hashed
        self.n_rows, self.labels = weights.shape
        while slots < <size_t>(3 * self.n_rows):
            slots *= 2
        self.mask = slots - 1
        self.pool = <Py_UCS4 *>_room(total + 1, sizeof(Py_UCS4))
        self.slots = <Slot *>_room(slots, sizeof(Slot))
        for slot in range(slots):
            self.slots[slot].row = -1
        for block, known in enumerate(blocks):
            self.scale[block] = scales[block]
            for gram, row in known.items():
                PyUnicode_AsUCS4(gram, self.pool + at, total + 1 - at, 0)
                hashed = _hashed(self.pool + at, len(gram), block)
                slot = hashed & self.mask
                while self.slots[slot].row >= 0:
                    slot = (slot + 1) & self.mask
                self.slots[slot] = Slot(hashed >> 32, row, at, 4 * len(gram) + block)
                at += len(gram)
        self.idf = <double *>_room(self.n_rows, sizeof(double))
        self.weights = <float *>_room(<size_t>self.n_rows * self.labels, sizeof(float))
        given = np.ascontiguousarray(idf, dtype=np.float64)
        table = np.ascontiguousarray(weights, dtype=np.float32)
        for row in range(self.n_rows):
            self.idf[row] = given[row]
        cdef float[:, ::1] cells = table
        for row in range(self.n_rows):
            for label in range(self.labels):
                self.weights[<size_t>row * self.labels + label] = cells[row, label]
        self.row_epoch = <int64_t *>_room(self.n_rows, sizeof(int64_t))
        self.count = <int32_t *>_room(self.n_rows, sizeof(int32_t))
        self.touched = <int32_t *>_room(self.n_rows, sizeof(int32_t))

    def __dealloc__(self):
        PyMem_Free(self.pool)
        PyMem_Free(self.slots)
        PyMem_Free(self.idf)
        PyMem_Free(self.weights)
        PyMem_Free(self.row_epoch)
        PyMem_Free(self.count)
        PyMem_Free(self.touched)

    def own(self, str text, double[::1] total):
        """Add to ``total`` (labels) what a turn's known n-grams of words and letters give."""
        self._block(text, WORDS, 3, total)
        self._block(text, LETTERS, 0, total)

    def around(self, str before, str after, double[::1] total):
        """Add to ``total`` (labels) what is said before and after a turn."""
        self._block(before, BEFORE, 2, total)
        self._block(after, AFTER, 2, total)

    cdef int _block(self, str text, int block, int longest, double[::1] total) except -1:
        cdef Py_ssize_t size = len(text)
        cdef Py_UCS4 *buffer
        if size == 0:
            return 0
        buffer = <Py_UCS4 *>PyMem_Malloc((size + 2) * sizeof(Py_UCS4))
        if buffer == NULL:
            raise MemoryError
        try:
            PyUnicode_AsUCS4(text, buffer + 1, size + 1, 0)
            buffer[0] = buffer[size + 1] = 32
            self.epoch += 1
            self.n_touched = 0
            if block == LETTERS:
                self._letters(buffer, size + 2)
            else:
                self._runs(buffer, size + 2, block, longest)
            self._add(block, total)
        finally:
            PyMem_Free(buffer)
        return 0

    cdef void _runs(self, Py_UCS4 *text, Py_ssize_t size, int block, int longest) noexcept:
        """Runs of 1 to ``longest`` words: the text between the first's beginning and the last's end."""
        cdef int run, behind
        cdef Py_ssize_t at, k
        cdef Py_ssize_t begins[3]
        for run in range(1, longest + 1):
            behind = 0  # how many words before this one are known
            at = 0
            while True:
                while at < size and text[at] == 32:
                    at += 1
                if at >= size:
                    break
                for k in range(run - 1, 0, -1):
                    begins[k] = begins[k - 1]
                begins[0] = at
                behind += 1
                while at < size and text[at] != 32:
                    at += 1
                if behind >= run:
                    self._meet(text + begins[run - 1], at - begins[run - 1], block)

    cdef void _letters(self, Py_UCS4 *text, Py_ssize_t size) noexcept:
        """Runs of 3 to 5 characters of each word with a space before and behind it."""
        cdef Py_ssize_t at = 0, begin, padded, start
        cdef int length
        while True:
            while at < size and text[at] == 32:
                at += 1
            if at >= size:
                break
            begin = at - 1
            while at < size and text[at] != 32:
                at += 1
            padded = at + 1 - begin
            for length in range(3, 6):
                if padded <= length:
                    self._meet(text + begin, padded, LETTERS)
                    break
                for start in range(padded - length + 1):
                    self._meet(text + begin + start, length, LETTERS)

    cdef inline int32_t _row(self, const Py_UCS4 *gram, Py_ssize_t size, int block) noexcept:
        """The row of an n-gram, -1 if it is not known."""
        cdef uint64_t hashed = _hashed(gram, size, block)
        cdef uint64_t at = hashed & self.mask
        cdef Slot slot = self.slots[at]
        cdef Py_ssize_t i
        cdef Py_UCS4 *known
        while slot.row >= 0:
            if slot.tag == <uint32_t>(hashed >> 32) and slot.size == <uint32_t>(4 * size + block):
                known = self.pool + slot.at
                for i in range(size):
                    if known[i] != gram[i]:
                        break
                else:
                    return slot.row
            at = (at + 1) & self.mask
            slot = self.slots[at]
        return -1

    cdef inline void _meet(self, const Py_UCS4 *gram, Py_ssize_t size, int block) noexcept:
        cdef int32_t row = self._row(gram, size, block)
        if row < 0:
            return
        if self.row_epoch[row] != self.epoch:
            self.row_epoch[row] = self.epoch
            self.count[row] = 0
            self.touched[self.n_touched] = row
            self.n_touched += 1
        self.count[row] += 1

    def telling(self, str text, int label):
        """For each word of a text what the runs of words that it is in speak for a label, each run's weight shared
        out over its words; runs that speak against it are left out."""
        cdef Py_ssize_t size = len(text), at = 0, count = 0, first, k
        cdef int run
        cdef int32_t row
        cdef double weight, scale
        cdef Py_UCS4 *buffer = <Py_UCS4 *>PyMem_Malloc((size + 2) * sizeof(Py_UCS4))
        cdef Py_ssize_t *begins
        cdef list out
        if buffer == NULL:
            raise MemoryError
        PyUnicode_AsUCS4(text, buffer + 1, size + 1, 0)
        buffer[0] = buffer[size + 1] = 32
        begins = <Py_ssize_t *>_room(size + 2, 2 * sizeof(Py_ssize_t))
        while True:
            while at < size + 2 and buffer[at] == 32:
                at += 1
            if at >= size + 2:
                break
            begins[2 * count] = at
            while at < size + 2 and buffer[at] != 32:
                at += 1
            begins[2 * count + 1] = at
            count += 1
        self.epoch += 1
        self.n_touched = 0
        self._runs(buffer, size + 2, WORDS, 3)
        scale = self._scale(WORDS)
        out = [0.0] * count
        for run in range(1, 4):
            for first in range(count - run + 1):
                at = begins[2 * first]
                row = self._row(buffer + at, begins[2 * (first + run - 1) + 1] - at, WORDS)
                if row < 0:
                    continue
                weight = self._value(row) * scale * self.weights[<size_t>row * self.labels + label]
                if weight > 0:
                    for k in range(first, first + run):
                        out[k] += weight / run
        PyMem_Free(begins)
        PyMem_Free(buffer)
        return out

    cdef inline double _value(self, int32_t row) noexcept:
        return (1.0 + log(self.count[row])) * self.idf[row]

    cdef double _scale(self, int block) noexcept:
        """What the values of a block are multiplied with for its length to be 1, and weighed; 0 where it is empty."""
        cdef int32_t k
        cdef double value, square = 0.0
        for k in range(self.n_touched):
            value = self._value(self.touched[k])
            square += value * value
        return self.scale[block] / sqrt(square) if square > 0.0 else 0.0

    cdef void _add(self, int block, double[::1] total) noexcept:
        """Sublinear count times idf, the block scaled to length 1, times the weights."""
        cdef int32_t k, row, label
        cdef double value, scale = self._scale(block)
        cdef float *weights
        for k in range(self.n_touched):
            row = self.touched[k]
            value = self._value(row) * scale
            weights = self.weights + <size_t>row * self.labels
            for label in range(self.labels):
                total[label] += value * weights[label]


cdef class Layer:
    """A linear layer of which most inputs are nothing: the same sums in the same order however many rows there are."""

    cdef double *weights
    cdef double *bias
    cdef readonly int inputs, labels

    def __cinit__(self, given, offsets):
        cdef double[:, ::1] table = np.ascontiguousarray(given, dtype=np.float64)
        cdef double[::1] start = np.ascontiguousarray(offsets, dtype=np.float64)
        cdef int i, label
        self.inputs, self.labels = given.shape
        self.weights = <double *>_room(<size_t>self.inputs * self.labels, sizeof(double))
        self.bias = <double *>_room(self.labels, sizeof(double))
        for label in range(self.labels):
            self.bias[label] = start[label]
        for i in range(self.inputs):
            for label in range(self.labels):
                self.weights[<size_t>i * self.labels + label] = table[i, label]

    def __dealloc__(self):
        PyMem_Free(self.weights)
        PyMem_Free(self.bias)

    def add(self, double[:, ::1] rows, double[:, ::1] total):
        """Add to ``total`` (rows, labels) what ``rows`` (rows, inputs) give."""
        cdef Py_ssize_t n
        cdef int i, label
        cdef double value
        cdef double *weights
        for n in range(rows.shape[0]):
            for label in range(self.labels):
                total[n, label] += self.bias[label]
            for i in range(self.inputs):
                value = rows[n, i]
                if value != 0.0:
                    weights = self.weights + <size_t>i * self.labels
                    for label in range(self.labels):
                        total[n, label] += value * weights[label]

    def chances(self, double[:, ::1] rows, double[:, ::1] total):
        """The same, ``total`` becoming probabilities."""
        cdef Py_ssize_t n
        cdef int label
        cdef double odds
        self.add(rows, total)
        for n in range(rows.shape[0]):
            for label in range(self.labels):
                odds = total[n, label]
                odds = 30.0 if odds > 30.0 else (-30.0 if odds < -30.0 else odds)
                total[n, label] = 1.0 / (1.0 + exp(-odds))
