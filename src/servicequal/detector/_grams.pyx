# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Both layers of the detector, compiled: a conversation in, what is said in it out. The same as servicequal.detector.model
and .decide do in Python where there was no compiler, which say what everything is. A turn's sums are made in the same
order however many turns there are.

Runs of words are not looked up as characters but as numbers: every known word has one, and a run of words is the run
without its last word and that word. So a turn's words are compared with known ones once for all blocks of both sides.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from cpython.unicode cimport (
    Py_UNICODE_ISALPHA, Py_UNICODE_ISDIGIT, Py_UNICODE_ISLOWER, Py_UNICODE_ISSPACE, Py_UNICODE_ISTITLE,
    Py_UNICODE_ISUPPER, PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ,
    PyUnicode_READ_CHAR,
)
from libc.math cimport exp, fabs, log, rint, sqrt
from libc.stdint cimport int8_t, int32_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from dataclasses import fields, replace
from operator import attrgetter

import numpy as np

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define SQ_PREFETCH(at) __builtin_prefetch(at)
    #else
    #define SQ_PREFETCH(at) ((void)0)
    #endif
    """
    void SQ_PREFETCH(const void *at) noexcept

cdef extern from "Python.h":
    Py_UCS4 *PyUnicode_AsUCS4(object text, Py_UCS4 *buffer, Py_ssize_t size, int copy_null) except NULL

cdef enum:  # blocks, as servicequal.detector.features.BLOCKS has them
    WORDS = 0
    LETTERS = 1
    BEFORE = 2
    AFTER = 3

cdef enum:  # who a turn is of
    AGENT = 0
    CUSTOMER = 1
    OTHERS = 2

cdef enum:
    SHAPES = 18         # as many as servicequal.detector.features.SHAPES has
    CHANNELS = 14       # the first of those that tell the channel
    REACH = 3           # turns away that a neighbour of the second layer may be
    MOST_LABELS = 64    # a bit each
    COUNTED = 256       # counts of which the logarithm is known
    LINE = 64           # bytes that come from memory together
    MOST_FIELDS = 16    # of a match

cdef enum:  # statuses
    PLAIN = 0
    SOFTENED = 1
    EXCUSED = 2

cdef double NOTHING = -4.0      # log-odds that stand for a neighbour that isn't there
cdef double MOST_ODDS = 8.0     # that the second layer is told
cdef uint64_t ONE = 1
cdef int32_t LONGER = 1 << 30
cdef uint64_t BEGUN = 14695981039346656037ULL


# -- tables ------------------------------------------------------------------------------------------

cdef struct Slot:
    uint32_t tag            # more bits of the hash: most strangers are told by it
    int32_t number          # -1: free
    uint32_t at             # in the pool
    uint32_t size


cdef struct Pair:
    int32_t run             # -1: free
    int32_t word
    int32_t longer


cdef struct Run:            # the rows of a run of words in the sides' blocks; -1: none
    int32_t own[2]
    int32_t around[2][2]    # by side that has it before or after its own


cdef struct Gram:
    int32_t run
    int32_t row
    int side, block


cdef void *_room(size_t count, size_t size) except NULL:
    cdef void *found = PyMem_Calloc(count if count else 1, size)
    if found == NULL:
        raise MemoryError
    return found


cdef inline uint64_t _step(uint64_t hashed, Py_UCS4 c) noexcept:
    return (hashed ^ <uint64_t>c) * 1099511628211ULL


cdef inline uint64_t _ready(uint64_t hashed) noexcept:
    return hashed ^ (hashed >> 29)


cdef uint64_t _hashed(const Py_UCS4 *text, Py_ssize_t size) noexcept:
    cdef uint64_t hashed = BEGUN
    cdef Py_ssize_t i
    for i in range(size):
        hashed = _step(hashed, text[i])
    return _ready(hashed)


cdef Slot *_free_slots(uint64_t count) except NULL:
    cdef uint64_t k
    cdef Slot *found = <Slot *>_room(count, sizeof(Slot))
    for k in range(count):
        found[k].number = -1
    return found


cdef inline uint64_t _paired(int32_t run, int32_t word) noexcept:
    return (((<uint64_t>run) << 32 | <uint64_t>word) * 11400714819323198485ULL) >> 36


cdef Pair *_free_pairs(uint64_t count) except NULL:
    cdef Pair *found = <Pair *>_room(count, sizeof(Pair))
    memset(found, 255, count * sizeof(Pair))
    return found


cdef class Names:
    """Strings with a number each."""

    cdef Py_UCS4 *pool              # all strings, one behind the other
    cdef uint32_t used
    cdef Slot *slots
    cdef uint64_t mask
    cdef int32_t count

    def __cinit__(self, size_t characters):
        """Room for strings of so many characters together."""
        if characters >= 2**30:
            raise ValueError("a vocabulary of more than a thousand million characters")
        self.pool = <Py_UCS4 *>_room(characters + 1, sizeof(Py_UCS4))
        self.slots = _free_slots(64)
        self.mask = 63

    cdef int32_t put(self, const Py_UCS4 *text, Py_ssize_t size, int32_t number) except -1:
        """Give a string a number; the one that it has, if it is known."""
        cdef uint64_t hashed = _hashed(text, size)
        cdef int32_t known = self.find(text, size, hashed)
        if known >= 0:
            return known
        if 3 * <uint64_t>(self.count + 1) > self.mask + 1:
            self._grow()
        self._fill(hashed, Slot(<uint32_t>(hashed >> 32), number, self.used, <uint32_t>size))
        memcpy(self.pool + self.used, text, size * sizeof(Py_UCS4))
        self.used += <uint32_t>size
        self.count += 1
        return number

    cdef void _fill(self, uint64_t hashed, Slot slot) noexcept:
        cdef uint64_t at = hashed & self.mask
        while self.slots[at].number >= 0:
            at = (at + 1) & self.mask
        self.slots[at] = slot

    cdef int _grow(self) except -1:
        cdef Slot *old = self.slots
        cdef uint64_t count = self.mask + 1, k
        self.slots = _free_slots(2 * count)
        self.mask = 2 * count - 1
        for k in range(count):
            if old[k].number >= 0:
                self._fill(_hashed(self.pool + old[k].at, old[k].size), old[k])
        PyMem_Free(old)
        return 0

    cdef void close(self) noexcept:
        """No more strings will come."""
        cdef void *pool = PyMem_Realloc(self.pool, (<size_t>self.used + 1) * sizeof(Py_UCS4))
        if pool != NULL:
            self.pool = <Py_UCS4 *>pool

    def __dealloc__(self):
        PyMem_Free(self.pool)
        PyMem_Free(self.slots)

    cdef inline int32_t find(self, const Py_UCS4 *text, Py_ssize_t size, uint64_t hashed) noexcept:
        """The number of a string, -1 if it is not known."""
        cdef uint64_t at = hashed & self.mask
        cdef Slot *slot = self.slots + at
        cdef Py_ssize_t i
        cdef Py_UCS4 *known
        while slot.number >= 0:
            if slot.tag == <uint32_t>(hashed >> 32) and slot.size == <uint32_t>size:
                known = self.pool + slot.at
                for i in range(size):
                    if known[i] != text[i]:
                        break
                else:
                    return slot.number
            at = (at + 1) & self.mask
            slot = self.slots + at
        return -1


cdef class Fitted:
    """One side's labels and numbers; rows have room for an even number of labels."""

    cdef list names
    cdef dict label_of
    cdef int labels, width, cues
    cdef int column[MOST_LABELS]    # of a label among the cues; -1: no cue
    cdef int rank[MOST_LABELS]      # of a label's name among all names
    cdef uint64_t any, hurting      # labels
    cdef double scale[4]
    cdef int32_t n_rows
    cdef int32_t[::1] moved         # by row as it is given the row as it is kept: the commonest first, side by side
    cdef uint16_t *counts           # in the block that is being read; else 0
    cdef void *held
    cdef float *weights             # a row is its idf, in the room of two weights, and its weights
    cdef int stride                 # of rows, so that they lie across as few lines of the cache as can be
    cdef double *shape_weights
    cdef double *bias
    cdef int inputs
    cdef double *second
    cdef double *second_bias
    cdef double *limits             # of social media and of the rest, each by a phrase and without
    cdef Names letters
    cdef int32_t *letters_at        # by known word where its letter n-grams' rows begin; one more at the end
    cdef int32_t *letters_of

    def __cinit__(self, names, any, hurting, scales, letters, idf, weights, shape_layer, second_layer, limits):
        """``letters`` is the mapping from letter n-gram to row, a layer is its weights (inputs, labels) and bias, and
        ``limits`` are (groups of channels, by a phrase or not, labels)."""
        cdef int32_t row
        cdef int label, at
        cdef float[:, ::1] cells = np.ascontiguousarray(weights, dtype=np.float32)
        cdef double[::1] values = np.ascontiguousarray(idf, dtype=np.float64)
        self.names = list(names)
        self.labels = len(self.names)
        self.width = (self.labels + 1) // 2 * 2
        self.stride = (self.width + 2 + 7) // 8 * 8
        if not 0 < self.labels <= MOST_LABELS:
            raise ValueError(f"{self.labels} labels")
        self._name(any, hurting)
        self.n_rows = <int32_t>cells.shape[0]
        if cells.shape[1] != self.labels or values.shape[0] != self.n_rows:
            raise ValueError("weights do not fit their n-grams and labels")
        for at in range(4):
            self.scale[at] = scales[at]
        order = np.argsort(values, kind="stable")
        moved = np.empty(self.n_rows, dtype=np.int32)
        moved[order] = np.arange(self.n_rows, dtype=np.int32)
        self.moved = moved
        self.counts = <uint16_t *>_room(self.n_rows, sizeof(uint16_t))
        self.held = _room(<size_t>self.n_rows * self.stride + LINE, sizeof(float))
        self.weights = <float *>((<size_t>self.held + LINE) // LINE * LINE)
        for row in range(self.n_rows):
            memcpy(self.row(self.moved[row]), &values[row], sizeof(double))
            for label in range(self.labels):
                self.row(self.moved[row])[2 + label] = cells[row, label]
        self.shape_weights = self._padded(shape_layer[0], SHAPES)
        self.bias = self._padded([shape_layer[1]], 1)
        self.inputs = len(second_layer[0])
        self.second = self._padded(second_layer[0], self.inputs)
        self.second_bias = self._padded([second_layer[1]], 1)
        self.limits = self._padded(np.reshape(limits, (4, -1)), 4)
        self._name_letters(letters)

    cdef int _name(self, any, hurting) except -1:
        cdef int label
        self.label_of = {name: at for at, name in enumerate(self.names)}
        ranked = sorted(self.names)
        for label, name in enumerate(self.names):
            self.rank[label] = ranked.index(name)
            if name == any:
                self.any |= ONE << label
            self.column[label] = -1 if name == any else self.cues
            self.cues += name != any
            if name in hurting:
                self.hurting |= ONE << label
        return 0

    cdef int _name_letters(self, letters) except -1:
        cdef Py_ssize_t most = max(map(len, letters), default=0)
        cdef Py_UCS4 *text = <Py_UCS4 *>_room(most + 1, sizeof(Py_UCS4))
        cdef int32_t row
        self.letters = Names(sum(map(len, letters)))
        try:
            for gram, row in letters.items():
                if not 0 <= row < self.n_rows:
                    raise ValueError("an n-gram of a row that is not there")
                PyUnicode_AsUCS4(gram, text, most + 1, 0)
                self.letters.put(text, len(gram), self.moved[row])
        finally:
            PyMem_Free(text)
        return 0

    cdef double *_padded(self, given, Py_ssize_t count) except NULL:
        cdef double[:, ::1] cells = np.ascontiguousarray(given, dtype=np.float64)
        cdef double *found
        cdef Py_ssize_t row, label
        if cells.shape[0] != count or cells.shape[1] != self.labels:
            raise ValueError("a layer does not fit its inputs and labels")
        found = <double *>_room(count * self.width, sizeof(double))
        for row in range(count):
            for label in range(self.labels):
                found[row * self.width + label] = cells[row, label]
        return found

    def __dealloc__(self):
        PyMem_Free(self.counts)
        PyMem_Free(self.held)
        PyMem_Free(self.shape_weights)
        PyMem_Free(self.bias)
        PyMem_Free(self.second)
        PyMem_Free(self.second_bias)
        PyMem_Free(self.limits)
        PyMem_Free(self.letters_at)
        PyMem_Free(self.letters_of)

    cdef inline float *row(self, int32_t row) noexcept:
        return self.weights + <size_t>row * self.stride

    cdef inline double idf(self, int32_t row) noexcept:
        cdef double found
        memcpy(&found, self.row(row), sizeof(double))
        return found

    cdef int32_t spell(self, const Py_UCS4 *padded, Py_ssize_t size, int32_t *rows, uint64_t *hashes) noexcept:
        """The rows of the known letter n-grams of a word that has a space to either side, of which there is room for
        three times its ``size``; how many there are."""
        cdef int32_t count = 0, row
        cdef Py_ssize_t length, start
        cdef uint64_t hashed
        for start in range(size - 2):  # the three that begin here, each going on where the last ended
            hashed = _step(_step(_step(BEGUN, padded[start]), padded[start + 1]), padded[start + 2])
            for length in range(3):
                if start + length + 3 > size:
                    break
                if length:
                    hashed = _step(hashed, padded[start + length + 2])
                hashes[length * size + start] = _ready(hashed)
                SQ_PREFETCH(self.letters.slots + (_ready(hashed) & self.letters.mask))
        for length in range(3):
            for start in range(size - length - 2):
                row = self.letters.find(padded + start, length + 3, hashes[length * size + start])
                if row >= 0:
                    rows[count] = row
                    count += 1
            if size <= length + 3:
                break
        return count


ctypedef fused Weight:
    float
    double


cdef void _add_rows(double *total, int width, const Weight *weights, int stride, const int32_t *rows,
                    const double *values, Py_ssize_t count) noexcept:
    """Add to ``total`` the weights of each row times its value, the rows in order."""
    cdef int label = 0
    cdef Py_ssize_t k
    cdef double a, b, c, d, value
    cdef const Weight *row
    while label + 4 <= width:
        a, b, c, d = total[label], total[label + 1], total[label + 2], total[label + 3]
        for k in range(count):
            row = weights + <size_t>rows[k] * stride + label
            value = values[k]
            a += value * row[0]
            b += value * row[1]
            c += value * row[2]
            d += value * row[3]
        total[label], total[label + 1], total[label + 2], total[label + 3] = a, b, c, d
        label += 4
    if label < width:
        a, b = total[label], total[label + 1]
        for k in range(count):
            row = weights + <size_t>rows[k] * stride + label
            value = values[k]
            a += value * row[0]
            b += value * row[1]
        total[label], total[label + 1] = a, b


# -- a turn ------------------------------------------------------------------------------------------

cdef class Said:
    """One turn read: its words' rows, what they give by themselves, and what its text looks like."""

    cdef int32_t words              # of the normal form, as far as it is read
    cdef int32_t first, last        # their numbers; -1: not known
    cdef bint asks, links, cut      # holds a question mark, a web address; is longer than what is read
    cdef double loudness[4]
    cdef void *held
    cdef double *own                # of a side's turn: log-odds by label
    cdef int32_t *runs              # of a side's turn: the rows of the runs of 1, 2 and 3 words that end at each word
    cdef int32_t *around[2][2][2]   # by side that has it before or after its own: the rows of runs of 1 and of 2 words
    cdef int32_t counts[2][2][2]
    cdef int8_t *marks              # by word whether it ends a sentence

    def __dealloc__(self):
        PyMem_Free(self.held)

    cdef int hold(self, int role, Py_ssize_t words, int labels) except -1:
        """Room for a turn of so many words."""
        cdef Py_ssize_t lists = 4 if role != OTHERS else 8, owned = 3 if role != OTHERS else 0
        cdef int side, after, size
        cdef int32_t *at
        self.held = PyMem_Calloc(1, labels * sizeof(double) + (lists + owned) * words * sizeof(int32_t) + words + 1)
        if self.held == NULL:
            raise MemoryError
        self.words = <int32_t>words
        self.own = <double *>self.held
        self.runs = <int32_t *>(self.own + labels)
        at = self.runs + owned * words
        for side in range(2):
            if side == role:
                continue
            for after in range(2):
                for size in range(2):
                    self.around[side][after][size] = at
                    at += words
        self.marks = <int8_t *>at
        return 0


cdef class Reader:
    """Both sides' vocabularies and weights, and room to read one turn at a time."""

    cdef Fitted agent, customer
    cdef Names words
    cdef Pair *pairs
    cdef uint64_t pairs_mask
    cdef int32_t n_longer
    cdef Run *runs
    cdef Py_ssize_t longest
    cdef double far
    cdef double logs[COUNTED]
    # room for one turn
    cdef Py_UCS4 *text              # folded, a space before and behind every word
    cdef int32_t *begins            # of its words, and of one more
    cdef uint64_t *hashes           # of words, and of one word's n-grams
    cdef int32_t *met[3]            # runs of 1, 2 and 3 words that end at a word; -1: not known
    cdef int32_t *letters           # rows of one word's n-grams
    cdef int32_t *touched           # rows met in a block, in order
    cdef double *values             # and what each counts
    cdef int32_t n_touched

    def __cinit__(self, agent, customer, vocabularies, int longest, double far):
        """``vocabularies`` has for both sides the mappings from n-gram to row of words, letters, before and after;
        ``longest`` is how many characters of a text are read, ``far`` from which turn on a place is as late as any."""
        cdef int count
        cdef int32_t most
        cdef Fitted mine, theirs
        self.agent, self.customer = agent, customer
        self.longest, self.far = longest, far
        if not 5 < longest < 10000:  # a gram is counted in 16 bits
            raise ValueError("texts are read from the start only, so many characters cannot be counted")
        for mine, theirs in ((agent, customer), (customer, agent)):
            if mine.inputs != mine.labels + 2 * theirs.labels + 2 + 4 * mine.cues + 2 * theirs.cues + SHAPES:
                raise ValueError("the second layer does not fit its inputs")
        most = max(self.agent.n_rows, self.customer.n_rows)
        self.touched = <int32_t *>_room(most, sizeof(int32_t))
        self.values = <double *>_room(most, sizeof(double))
        self.text = <Py_UCS4 *>_room(longest + 8, sizeof(Py_UCS4))
        self.begins = <int32_t *>_room(longest + 2, sizeof(int32_t))
        self.hashes = <uint64_t *>_room(3 * longest + 8, sizeof(uint64_t))
        for count in range(3):
            self.met[count] = <int32_t *>_room(longest + 2, sizeof(int32_t))
        self.letters = <int32_t *>_room(3 * longest + 8, sizeof(int32_t))
        for count in range(1, COUNTED):
            self.logs[count] = 1.0 + log(<double>count)
        self._number(vocabularies)
        self._spell(self.agent)
        self._spell(self.customer)

    def __dealloc__(self):
        cdef int size
        PyMem_Free(self.pairs)
        PyMem_Free(self.runs)
        PyMem_Free(self.text)
        PyMem_Free(self.begins)
        PyMem_Free(self.hashes)
        for size in range(3):
            PyMem_Free(self.met[size])
        PyMem_Free(self.letters)
        PyMem_Free(self.touched)
        PyMem_Free(self.values)

    cdef inline Fitted side(self, int side):
        return self.customer if side == CUSTOMER else self.agent

    cdef int _number(self, vocabularies) except -1:
        """Give every known word and run of words its number, and note the rows of each."""
        cdef Gram *grams
        cdef Py_ssize_t count = 0, characters = 0, most = 0
        for blocks in vocabularies:
            for block, known in enumerate(blocks):
                if block != LETTERS:
                    count += len(known)
                    characters += sum(map(len, known))
                    most = max(most, max(map(len, known), default=0))
        self.words = Names(characters)
        self.pairs = _free_pairs(64)
        self.pairs_mask = 63
        grams = <Gram *>_room(count, sizeof(Gram))
        try:
            count = self._take_apart(vocabularies, grams, most)
            self.words.close()
            self._pair_anew(self.pairs_mask + 1, True)
            self.runs = <Run *>_room(self.words.count + self.n_longer, sizeof(Run))
            memset(self.runs, 255, (self.words.count + self.n_longer) * sizeof(Run))
            self._place(grams, count)
        finally:
            PyMem_Free(grams)
        return 0

    cdef Py_ssize_t _take_apart(self, vocabularies, Gram *grams, Py_ssize_t most) except -1:
        """Number the words of all n-grams and the runs that they are; how many n-grams a text can have."""
        cdef Py_UCS4 *text = <Py_UCS4 *>_room(most + 1, sizeof(Py_UCS4))
        cdef Py_ssize_t count = 0
        cdef int side, block
        cdef int32_t row, run
        try:
            for gram in self._common(vocabularies):
                PyUnicode_AsUCS4(gram, text, most + 1, 0)
                self._run_of(text, len(gram), 1)
            for side, blocks in enumerate(vocabularies):
                for block, known in enumerate(blocks):
                    if block == LETTERS:
                        continue
                    for gram, row in known.items():
                        if not 0 <= row < self.side(side).n_rows:
                            raise ValueError("an n-gram of a row that is not there")
                        PyUnicode_AsUCS4(gram, text, most + 1, 0)
                        run = self._run_of(text, len(gram), 3 if block == WORDS else 2)
                        if run >= 0:
                            grams[count] = Gram(run, self.side(side).moved[row], side, block)
                            count += 1
        finally:
            PyMem_Free(text)
        return count

    cdef list _common(self, vocabularies):
        """The words of both sides, the commonest first: so what is looked up most stands side by side."""
        cdef Fitted fitted
        cdef int32_t row
        cdef list words = []
        for side, blocks in enumerate(vocabularies):
            fitted = self.side(side)
            for gram, row in blocks[WORDS].items():
                if 0 <= row < fitted.n_rows and " " not in gram:
                    words.append((fitted.idf(fitted.moved[row]), gram))
        words.sort()
        return [gram for _, gram in words]

    cdef int32_t _run_of(self, const Py_UCS4 *text, Py_ssize_t size, int longest) except -2:
        """The number of a run of words, new ones being given numbers; -1 for what no text has. Runs of more than one
        word have LONGER added to their number."""
        cdef Py_ssize_t at, begin = 0, words = 1
        cdef int32_t run = -1, word
        for at in range(size):
            if text[at] == 32:
                words += 1
                if at == 0 or at == size - 1 or text[at + 1] == 32:
                    return -1
        if size == 0 or words > longest:
            return -1
        for at in range(size + 1):
            if at == size or text[at] == 32:
                word = self.words.put(text + begin, at - begin, self.words.count)
                run = word if run < 0 else self._put_longer(run, word)
                begin = at + 1
        return run

    cdef int32_t _put_longer(self, int32_t run, int32_t word) except -1:
        cdef int32_t known = self.longer(run, word)
        if known >= 0:
            return known
        if 2 * <uint64_t>(self.n_longer + 1) > self.pairs_mask + 1:
            self._pair_anew(2 * (self.pairs_mask + 1), False)
        self._fill(Pair(run, word, LONGER + self.n_longer))
        self.n_longer += 1
        return LONGER + self.n_longer - 1

    cdef void _fill(self, Pair pair) noexcept:
        cdef uint64_t at = _paired(pair.run, pair.word) & self.pairs_mask
        while self.pairs[at].run >= 0:
            at = (at + 1) & self.pairs_mask
        self.pairs[at] = pair

    cdef int _pair_anew(self, uint64_t size, bint final) except -1:
        """Make the table of pairs of another size, or with the runs' final numbers."""
        cdef Pair *old = self.pairs
        cdef uint64_t count = self.pairs_mask + 1, k
        self.pairs = _free_pairs(size)
        self.pairs_mask = size - 1
        for k in range(count):
            if old[k].run >= 0:
                if final:
                    old[k] = Pair(self._final(old[k].run), old[k].word, self._final(old[k].longer))
                self._fill(old[k])
        PyMem_Free(old)
        return 0

    cdef int32_t _final(self, int32_t run) noexcept:
        """The number that a run has once all words have theirs: runs of more than one come behind them."""
        return run if run < LONGER else run - LONGER + self.words.count

    cdef void _place(self, const Gram *grams, Py_ssize_t count) noexcept:
        cdef Py_ssize_t k
        cdef Run *run
        for k in range(count):
            run = self.runs + self._final(grams[k].run)
            if grams[k].block == WORDS:
                run.own[grams[k].side] = grams[k].row
            else:
                run.around[grams[k].side][grams[k].block == AFTER] = grams[k].row

    cdef int _spell(self, Fitted side) except -1:
        """The letter n-grams of the known words."""
        cdef Names words = self.words
        cdef Slot **by_number = <Slot **>_room(words.count, sizeof(void *))
        cdef Slot *slot
        cdef uint64_t k
        cdef int32_t number, total = 0
        for k in range(words.mask + 1):
            if words.slots[k].number >= 0:
                by_number[words.slots[k].number] = words.slots + k
        try:
            side.letters_at = <int32_t *>_room(words.count + 1, sizeof(int32_t))
            side.letters_of = <int32_t *>_room(3 * <size_t>words.used, sizeof(int32_t))
            for number in range(words.count):
                slot = by_number[number]
                if <Py_ssize_t>slot.size <= self.longest:
                    memcpy(self.text + 1, words.pool + slot.at, slot.size * sizeof(Py_UCS4))
                    self.text[0] = self.text[slot.size + 1] = 32
                    total += side.spell(self.text, slot.size + 2, side.letters_of + total, self.hashes)
                side.letters_at[number + 1] = total
        finally:
            PyMem_Free(by_number)
        return 0

    cdef Said read(self, str normal, str source, int role):
        """Read a turn: its normal form and its text."""
        cdef Said said = Said.__new__(Said)
        cdef Fitted fitted = self.side(role)
        cdef Py_ssize_t words = self._split(normal)
        said.hold(role, words, fitted.width)
        # from here on no Python object is made: nobody else can come and use the room
        said.cut = len(normal) > self.longest
        self._recognise(fitted, words)
        self._note(said, role)
        if role != OTHERS:
            _listen(source, self.longest, said.loudness)
            self._weigh(said, fitted)
        return said

    cdef Py_ssize_t _split(self, str normal) noexcept:
        """Fold a text's figures and take it apart into words; how many there are."""
        cdef Py_ssize_t size = min(<Py_ssize_t>len(normal), self.longest), at, words = 0
        cdef int kind = PyUnicode_KIND(normal)
        cdef void *data = PyUnicode_DATA(normal)
        cdef Py_UCS4 *out = self.text
        cdef Py_UCS4 c
        cdef uint64_t hashed = BEGUN
        cdef int figures = 0
        cdef bint inside = False
        out[0] = 32
        out += 1
        for at in range(size + 1):
            c = PyUnicode_READ(kind, data, at) if at < size else 32
            if c == 32:
                if inside:
                    hashed = _ready(hashed)
                    self.hashes[words] = hashed
                    SQ_PREFETCH(self.words.slots + (hashed & self.words.mask))
                    words += 1
                    out[0] = 32
                    out += 1
                    inside = False
                figures = 0
                continue
            if c < 128:
                if 48 <= c <= 57:
                    c = 35
            elif Py_UNICODE_ISDIGIT(c):
                c = 35
            if c == 35:  # what two replacements of a pair by one leave: every fourth, beginning with the first
                figures += 1
                if figures & 3 != 1:
                    continue
            else:
                figures = 0
            if not inside:
                self.begins[words] = <int32_t>(out - self.text)
                hashed = BEGUN
                inside = True
            hashed = _step(hashed, c)
            out[0] = c
            out += 1
        self.begins[words] = <int32_t>(out - self.text)
        return words

    cdef void _recognise(self, Fitted fitted, Py_ssize_t words) noexcept:
        """The numbers of the runs that end at each word; what will be looked at next is called for beforehand."""
        cdef Py_ssize_t at
        cdef int32_t *one = self.met[0]
        cdef int32_t *two = self.met[1]
        cdef int32_t *three = self.met[2]
        for at in range(words):
            one[at] = self.words.find(
                self.text + self.begins[at], self.begins[at + 1] - self.begins[at] - 1, self.hashes[at]
            )
            if one[at] >= 0:
                SQ_PREFETCH(self.runs + one[at])
                SQ_PREFETCH(fitted.letters_at + one[at])
                if at and one[at - 1] >= 0:
                    SQ_PREFETCH(self.pairs + (_paired(one[at - 1], one[at]) & self.pairs_mask))
        two[0] = three[0] = three[1] = -1
        for at in range(1, words):
            two[at] = self.longer(one[at - 1], one[at])
            if two[at] >= 0:
                SQ_PREFETCH(self.runs + two[at])
                if at + 1 < words and one[at + 1] >= 0:
                    SQ_PREFETCH(self.pairs + (_paired(two[at], one[at + 1]) & self.pairs_mask))
            if one[at] >= 0:
                SQ_PREFETCH(fitted.letters_of + fitted.letters_at[one[at]])
        for at in range(2, words):
            three[at] = self.longer(two[at - 1], one[at])
            if three[at] >= 0:
                SQ_PREFETCH(self.runs + three[at])

    cdef inline int32_t longer(self, int32_t run, int32_t word) noexcept:
        """The run that another and a word behind it make; -1 if it is not known."""
        cdef uint64_t at
        cdef Pair *pair
        if run < 0 or word < 0:
            return -1
        at = _paired(run, word) & self.pairs_mask
        pair = self.pairs + at
        while pair.run >= 0:
            if pair.run == run and pair.word == word:
                return pair.longer
            at = (at + 1) & self.pairs_mask
            pair = self.pairs + at
        return -1

    cdef void _note(self, Said said, int role) noexcept:
        """What is kept of a turn's words: the rows of its own runs and of those that are others' surroundings."""
        cdef Py_ssize_t at, words = said.words
        cdef int size, side
        cdef int32_t run
        cdef Run *rows
        if words:
            said.first, said.last = self.met[0][0], self.met[0][words - 1]
        for at in range(words):
            self._look(said, at, self.text + self.begins[at], self.begins[at + 1] - self.begins[at] - 1)
        for size in range(3 if role != OTHERS else 2):
            for at in range(words):
                run = self.met[size][at]
                rows = self.runs + run
                if role != OTHERS:
                    said.runs[size * words + at] = rows.own[role] if run >= 0 else -1
                if size == 2 or run < 0:
                    continue
                for side in range(2):
                    if side != role:
                        _append(said, side, 0, size, rows.around[side][0])
                        _append(said, side, 1, size, rows.around[side][1])

    cdef inline void _look(self, Said said, Py_ssize_t at, const Py_UCS4 *word, Py_ssize_t size) noexcept:
        if size == 1 and (word[0] == 46 or word[0] == 63 or word[0] == 58):
            said.marks[at] = True
        if word[0] == 63:
            said.asks = True
        elif word[0] == 120 and size >= 5:
            if word[1] == 108 and word[2] == 105 and word[3] == 110 and word[4] == 107:
                said.links = True

    cdef void _weigh(self, Said said, Fitted fitted) noexcept:
        """What a turn's words and letters give by themselves."""
        cdef Py_ssize_t at, k
        cdef int32_t number, count
        cdef int32_t *rows
        self.meet_own(said, fitted)
        self.add(fitted, WORDS, said.own)
        for at in range(said.words):
            number = self.met[0][at]
            if number >= 0:
                rows = fitted.letters_of + fitted.letters_at[number]
                count = fitted.letters_at[number + 1] - fitted.letters_at[number]
            else:
                rows = self.letters
                count = fitted.spell(
                    self.text + self.begins[at] - 1, self.begins[at + 1] - self.begins[at] + 1, rows, self.hashes
                )
            for k in range(count):
                self.meet(fitted, rows[k])
        self.add(fitted, LETTERS, said.own)

    # -- one block

    cdef inline void meet(self, Fitted fitted, int32_t row) noexcept:
        cdef const float *weights
        if fitted.counts[row] == 0:
            self.touched[self.n_touched] = row
            self.n_touched += 1
            weights = fitted.row(row)
            SQ_PREFETCH(weights)
            SQ_PREFETCH(weights + fitted.stride - 1)
        fitted.counts[row] += 1

    cdef void meet_own(self, Said said, Fitted fitted) noexcept:
        """Meet a turn's own runs of words, the short ones first."""
        cdef Py_ssize_t k
        for k in range(3 * <Py_ssize_t>said.words):
            if said.runs[k] >= 0:
                self.meet(fitted, said.runs[k])

    cdef void meet_around(self, Said a, Said b, Fitted fitted, int side, int after) noexcept:
        """Meet the runs of the turns (either may be None) that stand before or after one of ``side``."""
        cdef int32_t k, run, row
        cdef int size
        for size in range(2):
            if a is not None:
                for k in range(a.counts[side][after][size]):
                    self.meet(fitted, a.around[side][after][size][k])
            if size == 1 and a is not None and b is not None:
                run = self.longer(a.last, b.first)
                if run >= 0:
                    row = self.runs[run].around[side][after]
                    if row >= 0:
                        self.meet(fitted, row)
            if b is not None:
                for k in range(b.counts[side][after][size]):
                    self.meet(fitted, b.around[side][after][size][k])

    cdef inline double value(self, Fitted fitted, int32_t row) noexcept:
        """Sublinear count times idf."""
        cdef uint16_t count = fitted.counts[row]
        return (self.logs[count] if count < COUNTED else 1.0 + log(<double>count)) * fitted.idf(row)

    cdef double scaled(self, Fitted fitted, int block) noexcept:
        """What the rows count that were met; what this is multiplied with for the block's length to be 1, and weighed."""
        cdef int32_t k
        cdef double value, square = 0.0
        for k in range(self.n_touched):
            value = self.value(fitted, self.touched[k])
            self.values[k] = value
            square += value * value
        return fitted.scale[block] / sqrt(square) if square > 0.0 else 0.0

    cdef void forget(self, Fitted fitted) noexcept:
        cdef int32_t k
        for k in range(self.n_touched):
            fitted.counts[self.touched[k]] = 0
        self.n_touched = 0

    cdef void add(self, Fitted fitted, int block, double *total) noexcept:
        """Add to ``total`` what the rows give that were met, the block scaled."""
        cdef int32_t k
        cdef double scale = self.scaled(fitted, block)
        for k in range(self.n_touched):
            self.values[k] *= scale
        _add_rows(total, fitted.width, fitted.weights + 2, fitted.stride, self.touched, self.values, self.n_touched)
        self.forget(fitted)

    cdef list telling(self, Said said, int side, int label):
        """For each word what the runs that it is in speak for a label, each run's weight shared out over its words; runs
        that speak against it are left out."""
        cdef double *weights = <double *>_room(said.words, sizeof(double))
        self.tell(said, side, label, weights)
        cdef list out = [weights[k] for k in range(said.words)]
        PyMem_Free(weights)
        return out

    cdef void tell(self, Said said, int side, int label, double *weights) noexcept:
        cdef Fitted fitted = self.side(side)
        cdef Py_ssize_t at, k
        cdef int size
        cdef int32_t row
        cdef double weight, scale
        self.meet_own(said, fitted)
        scale = self.scaled(fitted, WORDS)
        for size in range(1, 4):
            for at in range(size - 1, said.words):
                row = said.runs[(size - 1) * <Py_ssize_t>said.words + at]
                if row < 0:
                    continue
                weight = self.value(fitted, row) * scale * fitted.row(row)[2 + label]
                if weight > 0:
                    for k in range(at - size + 1, at + 1):
                        weights[k] += weight / size
        self.forget(fitted)


    cdef bint shown(self, Said said, int side, int label, double share, Py_ssize_t readable, Py_ssize_t *ends) except -1:
        """Find the first and the last word that servicequal.detector.decide.evidence shows; whether there are any."""
        cdef Py_ssize_t at, begin = 0, first = 0, end = 0, k
        cdef double best = 0.0, total = 0.0, most = 0.0
        cdef double *weights = <double *>_room(said.words, sizeof(double))
        self.tell(said, side, label, weights)
        for at in range(said.words + 1):
            if at < said.words and not said.marks[at]:
                total += weights[at]
                continue
            if total > best:
                best, first, end = total, begin, at
            begin = at + 1
            total = 0.0
        if best > 0 and end - first > readable:
            for k in range(first, end):
                most = max(most, weights[k])
            while weights[first] < share * most:
                first += 1
            while weights[end - 1] < share * most:
                end -= 1
        PyMem_Free(weights)
        ends[0], ends[1] = first, end - 1
        return best > 0


cdef inline void _append(Said said, int side, int after, int size, int32_t row) noexcept:
    if row >= 0:
        said.around[side][after][size][said.counts[side][after][size]] = row
        said.counts[side][after][size] += 1


cdef inline bint _space(Py_UCS4 c) noexcept:
    return c == 32 or 9 <= c <= 13 or 28 <= c <= 31 if c < 128 else Py_UNICODE_ISSPACE(c)


cdef bint _sounds(str text):
    """Whether there is anything in a text but space; with its kind this makes Turn.scorable."""
    return len(text) > 0 and (not _space(PyUnicode_READ_CHAR(text, 0)) or not text.isspace())


cdef void _listen(str text, Py_ssize_t longest, double *loudness) noexcept:
    """What the normal form drops: servicequal.detector.features._loudness."""
    cdef Py_ssize_t size = min(<Py_ssize_t>len(text), longest), at, letters = 0, alphabetic = 0, shouted = 0
    cdef int kind = PyUnicode_KIND(text)
    cdef void *data = PyUnicode_DATA(text)
    cdef int exclaims = 0
    cdef bint insists = False, smiles = False, plain = True, small = False, capital = False
    cdef Py_UCS4 c, last = 0, before = 0
    for at in range(size + 1):
        c = PyUnicode_READ(kind, data, at) if at < size else 32
        if 97 <= c <= 122:
            small = True
            letters += 1
        elif 65 <= c <= 90:
            capital = True
            letters += 1
        elif _space(c):
            if plain and letters > 2:
                alphabetic += 1
                shouted += capital and not small
            plain, small, capital, letters = True, False, False, 0
        elif c < 128:
            plain = False
            if c == 33:
                exclaims += 1
                insists = insists or last == 63
            elif c == 63:
                insists = insists or last == 63 or last == 33 or (last == 32 and before == 63)
            elif c == 41:
                smiles = smiles or last == 58 or (last == 45 and before == 58)
        else:
            letters += 1
            smiles = smiles or c > 0x2190
            plain = plain and Py_UNICODE_ISALPHA(c)
            small = small or Py_UNICODE_ISLOWER(c) or Py_UNICODE_ISTITLE(c)
            capital = capital or Py_UNICODE_ISUPPER(c)
        before, last = last, c
    loudness[0] = min(exclaims, 3) / 3.0
    loudness[1] = insists
    loudness[2] = min(1.0, <double>(3 * shouted) / <double>alphabetic) if shouted else 0.0
    loudness[3] = smiles


# -- matches -----------------------------------------------------------------------------------------

cdef extern from *:
    """
    #include "structmember.h"
    #define SQ_NEW(kind, nothing) (((PyTypeObject *)(kind))->tp_new((PyTypeObject *)(kind), (nothing), NULL))
    static Py_ssize_t sq_offset(PyObject *field) {
        if (!Py_IS_TYPE(field, &PyMemberDescr_Type)) return -1;
        PyMemberDef *member = ((PyMemberDescrObject *)field)->d_member;
        return member->type == T_OBJECT_EX ? member->offset : -1;
    }
    static void sq_copy(PyObject *to, PyObject *from, Py_ssize_t offset) {
        PyObject *value = *(PyObject **)((char *)from + offset);
        Py_XINCREF(value);
        *(PyObject **)((char *)to + offset) = value;
    }
    static void sq_put(PyObject *to, Py_ssize_t offset, PyObject *value) {
        PyObject **field = (PyObject **)((char *)to + offset);
        PyObject *old = *field;
        Py_INCREF(value);
        *field = value;
        Py_XDECREF(old);
    }
    """
    object SQ_NEW(object kind, object nothing)  # sq_copy and sq_put are for what this made and nobody else has seen
    Py_ssize_t sq_offset(object field)
    void sq_copy(object to, object source, Py_ssize_t offset)
    void sq_put(object to, Py_ssize_t offset, object value)


_NONE = ()


cdef class Maker:
    """Makes matches from others. Those are frozen, and making one field after field is dear: where the class keeps its
    fields in slots these are filled here."""

    cdef object kind, sample
    cdef str reason
    cdef bint direct
    cdef int count
    cdef Py_ssize_t offsets[MOST_FIELDS]
    cdef Py_ssize_t cue, turn, start, end, text, speaker, status, why, confidence, softened_by

    def __cinit__(self, sample, str reason):
        """``sample`` is what a proposal has in common with all others, ``reason`` why a match is vetoed, with the place of
        its probability."""
        cdef dict at
        self.kind, self.sample, self.reason = type(sample), sample, reason
        at = {field.name: sq_offset(self.kind.__dict__.get(field.name)) for field in fields(sample)}
        self.direct = min(at.values()) > 0 and len(at) <= MOST_FIELDS and not hasattr(self.kind, "__post_init__")
        self.count = len(at)
        if self.direct:
            for k, offset in enumerate(at.values()):
                self.offsets[k] = offset
        self.cue, self.turn, self.start, self.end, self.text = at["cue"], at["turn"], at["start"], at["end"], at["text"]
        self.speaker, self.status, self.why, self.confidence = at["speaker"], at["status"], at["reason"], at["confidence"]
        self.softened_by = at["softened_by"]

    cdef object copied(self, match):
        cdef int k
        cdef object made = SQ_NEW(self.kind, _NONE)
        for k in range(self.count):
            sq_copy(made, match, self.offsets[k])
        return made

    cdef object sure(self, match, double chance):
        """The match with its probability."""
        if not self.direct or type(match) is not self.kind:
            return replace(match, confidence=_rounded(chance))
        made = self.copied(match)
        sq_put(made, self.confidence, _rounded(chance))
        return made

    cdef object vetoed(self, match, double chance):
        """The match, found too improbable."""
        reason = self.reason.format(chance)
        if not self.direct or type(match) is not self.kind:
            return replace(match, status="excused", reason=reason, confidence=_rounded(chance), softened_by=_NONE)
        made = self.copied(match)
        sq_put(made, self.status, "excused")
        sq_put(made, self.why, reason)
        sq_put(made, self.confidence, _rounded(chance))
        sq_put(made, self.softened_by, _NONE)
        return made

    cdef object proposed(self, str cue, Py_ssize_t number, turn, start, end, double chance):
        """A match that no phrase makes."""
        text, speaker = turn.text[start:end], turn.speaker
        if not self.direct:
            return replace(
                self.sample, cue=cue, turn=number, start=start, end=end, text=text, speaker=speaker,
                confidence=_rounded(chance),
            )
        made = self.copied(self.sample)
        sq_put(made, self.cue, cue)
        sq_put(made, self.turn, number)
        sq_put(made, self.start, start)
        sq_put(made, self.end, end)
        sq_put(made, self.text, text)
        sq_put(made, self.speaker, speaker)
        sq_put(made, self.confidence, _rounded(chance))
        return made


def rounded(double chance):
    """``round(chance, 4)`` of a probability."""
    return _rounded(chance)


cdef object _rounded(double chance):
    """The same: where it is plain which way that goes a division of whole numbers gives the very number."""
    cdef double scaled = chance * 1e4, near = rint(scaled)
    if fabs(fabs(scaled - near) - 0.5) < 1e-6:
        return round(chance, 4)
    return near / 1e4


# -- a conversation ----------------------------------------------------------------------------------

cdef struct Inputs:         # of the second layer that are not nothing
    int32_t rows[10 * MOST_LABELS]
    double values[10 * MOST_LABELS]
    int32_t count
    int32_t first


cdef class Asked:
    """What somebody wants to know of a conversation: see Talk.decided."""

    cdef double own_words, least_sure, share
    cdef Py_ssize_t readable
    cdef int group
    cdef Maker maker
    cdef object evidence, another_s


cdef class Talk:
    """A conversation read, and the matches in it."""

    cdef Reader reader
    cdef object said_turns, forms, known
    cdef Py_ssize_t turns
    cdef list saids                 # by turn; None where it is not scored
    cdef list matches               # by turn
    cdef bint ordered               # within each turn too
    cdef void *held
    cdef double *odds               # by turn and label, of the first layer
    cdef double *chances            # and of the second, probabilities
    cdef double *shapes
    cdef uint64_t *told             # by turn and status the labels that matches name
    cdef int8_t *speakers
    cdef int8_t *roles              # the same of turns that are scored; else -1
    cdef int width
    cdef int32_t *places            # turns of the matches
    cdef int8_t *labels             # and their labels; -1: none of the side's
    cdef int8_t *statuses

    def __cinit__(self, Reader reader, turns, forms, matches, known, start, of, int channel):
        """``known`` keeps readings of turns; None where nobody looks again. ``channel`` is its place among those of a
        turn's shape, or -1."""
        cdef Py_ssize_t count = len(turns), total = len(matches), each
        self.reader, self.said_turns, self.forms, self.known, self.turns = reader, turns, forms, known, count
        self.width = max(reader.agent.width, reader.customer.width)
        each = (2 * self.width + SHAPES) * sizeof(double) + 3 * sizeof(uint64_t) + 2
        self.held = _room(1, count * each + total * (sizeof(int32_t) + 2) + 8)
        self.odds = <double *>self.held
        self.chances = self.odds + count * self.width
        self.shapes = self.chances + count * self.width
        self.told = <uint64_t *>(self.shapes + count * SHAPES)
        self.places = <int32_t *>(self.told + 3 * count)
        self.labels = <int8_t *>(self.places + total)
        self.statuses = self.labels + total
        self.speakers = self.statuses + total
        self.roles = self.speakers + count
        self._read()
        self._take(matches)
        self._weigh(<double>start, <double>(max(1, (count if of is None else of) - 1)), channel)

    def __dealloc__(self):
        PyMem_Free(self.held)

    cdef int _read(self) except -1:
        cdef Py_ssize_t n = 0
        cdef Said said
        cdef dict turn
        cdef int role
        self.saids = []
        for each in self.said_turns:
            turn = each.__dict__  # a look at a model's field costs more than all that is done with it
            speaker, text = turn["speaker"], turn["text"]
            role = AGENT if speaker == "agent" else CUSTOMER if speaker == "customer" else OTHERS
            self.speakers[n] = role
            self.roles[n] = -1
            said = None
            if turn["kind"] == "message" and _sounds(text):
                self.roles[n] = role
                if self.known is not None:
                    said = self.known.get(("said", speaker, text))
                if said is None:
                    said = self.reader.read(self.forms[n].text, text, role)
                    if self.known is not None:
                        self.known["said", speaker, text] = said
            self.saids.append(said)
            n += 1
        return 0

    cdef int _take(self, matches) except -1:
        cdef Py_ssize_t k, turn, start, last_turn = 0, last_start = -1
        cdef object label
        cdef int role, status
        self.ordered = True
        self.matches = list(matches)
        for k in range(len(self.matches)):
            turn = self.matches[k].turn
            if turn < last_turn:
                self.ordered = False
                self.matches.sort(key=_BY_TURN)
                break
            last_turn = turn
        last_turn = 0
        for k in range(len(self.matches)):
            match = self.matches[k]
            turn, start = match.turn, match.start
            if turn == last_turn and start <= last_start:
                self.ordered = False
            last_turn, last_start = turn, start
            self.places[k], self.labels[k] = <int32_t>turn, -1
            if not 0 <= turn < self.turns:
                continue
            role = self.roles[turn]
            if role != AGENT and role != CUSTOMER:
                continue
            label = self.reader.side(role).label_of.get(match.cue)
            if label is not None:
                self.labels[k] = <int8_t>label
                self.statuses[k] = status = _STATUSES[match.status]
                self.told[3 * turn + status] |= ONE << <int>label
        return 0

    cdef void _weigh(self, double start, double last, int channel) noexcept:
        cdef Py_ssize_t n
        for n in range(self.turns):
            if 0 <= self.roles[n] < OTHERS:
                self._first(n, start, last, channel)
        for n in range(self.turns):
            if 0 <= self.roles[n] < OTHERS:
                self._second(n)

    cdef inline Said said(self, Py_ssize_t n, int side):
        """What is said in a turn, None if by ``side`` itself or nothing."""
        cdef Said said
        if n < 0 or n >= self.turns or self.speakers[n] == side:
            return None
        said = <Said>self.saids[n]
        return said if said is not None and said.words else None

    cdef void _first(self, Py_ssize_t n, double start, double last, int channel) noexcept:
        """A turn's log-odds by the first layer, and its shape."""
        cdef int side = self.roles[n], label
        cdef Reader reader = self.reader
        cdef Fitted fitted = reader.side(side)
        cdef Said own = <Said>self.saids[n]
        cdef Said a = self.said(n - 2, side), b = self.said(n - 1, side), c = self.said(n + 1, side)
        cdef double around[MOST_LABELS + 4]
        cdef double *odds = self.odds + n * self.width
        memset(around, 0, sizeof(around))
        if a is not None or b is not None:
            reader.meet_around(a, b, fitted, side, 0)
            reader.add(fitted, BEFORE, around)
        if c is not None:
            reader.meet_around(c, None, fitted, side, 1)
            reader.add(fitted, AFTER, around)
        for label in range(fitted.labels):
            odds[label] = own.own[label] + around[label]
            odds[label] += fitted.bias[label]
        self._shape(n, own, start + n, last, channel)
        self.shapes[n * SHAPES + 7] = a is None and b is None
        self.shapes[n * SHAPES + 8] = c is None
        self._add_shape(n, 0, odds, fitted.width, fitted.shape_weights)

    cdef void _shape(self, Py_ssize_t n, Said own, double number, double last, int channel) noexcept:
        """Place, length and channel of a turn: servicequal.detector.features.shape."""
        cdef double *shape = self.shapes + n * SHAPES
        cdef int k
        shape[0] = min(1.0, number / min(last, self.reader.far))
        shape[1] = number <= 1
        shape[2] = number >= last - 1
        shape[3] = min(own.words, 60) / 60.0
        shape[4] = own.words < 6
        shape[5] = own.asks
        shape[6] = own.links
        for k in range(4):
            shape[9 + k] = own.loudness[k]
        shape[13] = n > 0 and self.speakers[n - 1] == self.speakers[n]
        if channel >= 0:
            shape[CHANNELS + channel] = 1.0

    cdef void _add_shape(self, Py_ssize_t n, int first, double *total, int width, const double *weights) noexcept:
        """Add what a turn's shape gives, its inputs being those from ``first`` on."""
        cdef int32_t rows[SHAPES]
        cdef double values[SHAPES]
        cdef int k, count = 0
        for k in range(SHAPES):
            if self.shapes[n * SHAPES + k] != 0.0:
                rows[count], values[count] = first + k, self.shapes[n * SHAPES + k]
                count += 1
        _add_rows(total, width, weights, width, rows, values, count)

    cdef Py_ssize_t neighbour(self, Py_ssize_t n, int step, int side) noexcept:
        """The nearest turn of a side before or after a turn, -1 where there is none within reach."""
        cdef int k
        cdef Py_ssize_t at = n
        for k in range(REACH):
            at += step
            if at < 0 or at >= self.turns:
                break
            if self.roles[at] == side:
                return at
        return -1

    cdef void _second(self, Py_ssize_t n) noexcept:
        """A turn's probabilities by the second layer: servicequal.detector.model.second_names are its inputs."""
        cdef int side = self.roles[n], label
        cdef Fitted mine = self.reader.side(side), theirs = self.reader.side(1 - side)
        cdef Py_ssize_t before = self.neighbour(n, -1, 1 - side), after = self.neighbour(n, 1, 1 - side)
        cdef Py_ssize_t own_before = self.neighbour(n, -1, side), own_after = self.neighbour(n, 1, side)
        cdef double *total = self.chances + n * self.width
        cdef double odds
        cdef Inputs inputs
        inputs.count = inputs.first = 0
        for label in range(mine.labels):
            total[label] = 0.0 + mine.second_bias[label]
        self._odds(&inputs, n, mine.labels)
        self._odds(&inputs, before, theirs.labels)
        self._odds(&inputs, after, theirs.labels)
        self._odds(&inputs, own_before, 1)
        self._odds(&inputs, own_after, 1)
        self._named(&inputs, n, PLAIN, mine)
        self._named(&inputs, n, SOFTENED, mine)
        self._named(&inputs, n, EXCUSED, mine)
        self._named(&inputs, before, PLAIN, theirs)
        self._named(&inputs, after, PLAIN, theirs)
        self._named(&inputs, own_after, PLAIN, mine)
        _add_rows(total, mine.width, mine.second, mine.width, inputs.rows, inputs.values, inputs.count)
        self._add_shape(n, inputs.first, total, mine.width, mine.second)
        for label in range(mine.labels):
            odds = total[label]
            odds = 30.0 if odds > 30.0 else (-30.0 if odds < -30.0 else odds)
            total[label] = 1.0 / (1.0 + exp(-odds))

    cdef void _odds(self, Inputs *inputs, Py_ssize_t turn, int labels) noexcept:
        """The first layer's log-odds of a turn as inputs."""
        cdef int label
        cdef double odds
        for label in range(labels):
            odds = NOTHING
            if turn >= 0:
                odds = self.odds[turn * self.width + label]
                odds = MOST_ODDS if odds > MOST_ODDS else (-MOST_ODDS if odds < -MOST_ODDS else odds)
            if odds != 0.0:
                inputs.rows[inputs.count], inputs.values[inputs.count] = inputs.first + label, odds
                inputs.count += 1
        inputs.first += labels

    cdef void _named(self, Inputs *inputs, Py_ssize_t turn, int status, Fitted fitted) noexcept:
        """The cues that matches of a status name in a turn as inputs."""
        cdef int label
        cdef uint64_t told = self.told[3 * turn + status] & ~fitted.any if turn >= 0 else 0
        for label in range(fitted.labels):
            if told == 0:
                break
            if told >> label & 1:
                told ^= ONE << label
                inputs.rows[inputs.count], inputs.values[inputs.count] = inputs.first + fitted.column[label], 1.0
                inputs.count += 1
        inputs.first += fitted.cues

    # -- what comes of it

    def probabilities(self):
        """For both sides by turn number the probabilities of the side's labels."""
        cdef Py_ssize_t n
        cdef int label
        cdef tuple found = ({}, {})
        for n in range(self.turns):
            if 0 <= self.roles[n] < OTHERS:
                labels = range(self.reader.side(self.roles[n]).labels)
                found[self.roles[n]][n] = [self.chances[n * self.width + label] for label in labels]
        return found

    def own(self, Py_ssize_t turn):
        """What a side's turn's own words and letters speak for each label (log-odds)."""
        self._check(turn)
        cdef int label
        return [(<Said>self.saids[turn]).own[label] for label in range(self.reader.side(self.roles[turn]).labels)]

    def telling(self, Py_ssize_t turn, str name):
        """How much each word of a side's turn, as far as it is read, speaks for a label."""
        self._check(turn)
        cdef int side = self.roles[turn]
        return self.reader.telling(<Said>self.saids[turn], side, self.reader.side(side).label_of[name])

    cdef int _check(self, Py_ssize_t turn) except -1:
        if not 0 <= turn < self.turns or not 0 <= self.roles[turn] < OTHERS:
            raise IndexError("not a turn that is scored")
        return 0

    def decided(self, Maker maker, rules, int group, evidence, another_s):
        """The matches that count, in order. ``rules`` are numbers, as servicequal.detector.decide has them: the log-odds of
        a turn's own words and the probability of a deflection that a proposal needs, the share from which a word is
        telling and the words of a readable sentence. ``evidence`` says of a form and its words' weights where they speak,
        ``another_s`` of a place in a form whether its words are somebody else's."""
        cdef list out = [], found
        cdef Py_ssize_t n, k = 0, total = len(self.matches), begin
        cdef Asked asked = Asked.__new__(Asked)
        asked.own_words, asked.least_sure, asked.share, asked.readable = rules
        asked.evidence, asked.another_s, asked.maker, asked.group = evidence, another_s, maker, group
        while k < total and self.places[k] < 0:
            out.append(self.matches[k])
            k += 1
        for n in range(self.turns):
            begin = k
            while k < total and self.places[k] == n:
                k += 1
            if 0 <= self.roles[n] < OTHERS:
                found = self._of_turn(asked, n, begin, k)
                if found is not None:
                    out += found
            elif begin < k:
                out += self.matches[begin:k]
        out += self.matches[k:]
        if not self.ordered:
            out.sort(key=_IN_ORDER)
        return tuple(out)

    cdef list _of_turn(self, Asked asked, Py_ssize_t n, Py_ssize_t begin, Py_ssize_t end):
        """What counts in a turn, None if nothing."""
        cdef Fitted fitted = self.reader.side(self.roles[n])
        cdef double *row = self.chances + n * self.width
        cdef uint64_t mine = self.told[3 * n] | self.told[3 * n + 1]
        cdef uint64_t said = _said(fitted, row, mine, asked.group)
        cdef uint64_t missing
        cdef Py_ssize_t k
        cdef int label
        cdef list out = None
        if begin < end:
            out = []
            for k in range(begin, end):
                label = self.labels[k]
                match = self.matches[k]
                if label < 0:  # a cue of the user's own pack: the detector has no opinion
                    out.append(match)
                elif self.statuses[k] == EXCUSED or said >> label & 1:
                    out.append(asked.maker.sure(match, row[label]))
                else:
                    out.append(asked.maker.vetoed(match, row[label]))
        missing = said & ~(mine | self.told[3 * n + 2])
        return self._propose(asked, out, fitted, n, missing) if missing else out

    cdef list _propose(self, Asked asked, list out, Fitted fitted, Py_ssize_t n, uint64_t missing):
        """The matches of a turn and those that no phrase makes, in order."""
        cdef Said own = <Said>self.saids[n]
        cdef int label
        cdef double chance
        cdef Py_ssize_t found = len(out) if out is not None else 0
        for label in range(fitted.labels):
            if not missing >> label & 1 or own.own[label] < asked.own_words:
                continue
            chance = self.chances[n * self.width + label]
            if fitted.hurting >> label & 1 and chance < asked.least_sure:
                continue
            place = self._remembered(asked, n, label) if self.known is not None else self._place(asked, n, label)
            if place is not None:
                start, end = <tuple>place
                if out is None:
                    out = []
                out.append(asked.maker.proposed(fitted.names[label], n, self.said_turns[n], start, end, chance))
        if out is not None and len(out) > max(1, found):
            out.sort(key=_IN_TURN)
        return out

    cdef object _remembered(self, Asked asked, Py_ssize_t n, int label):
        """The same as ``_place``, found once for a text."""
        cdef tuple key = ("place", self.reader.side(self.roles[n]).names[label], self.said_turns[n].text)
        if key not in self.known:
            self.known[key] = self._place(asked, n, label)
        return self.known[key]

    cdef object _place(self, Asked asked, Py_ssize_t n, int label):
        """Where a turn's words speak for a label; None where they are another's."""
        cdef Said said = <Said>self.saids[n]
        cdef int side = self.roles[n]
        cdef Fitted fitted = self.reader.side(side)
        cdef Py_ssize_t ends[2]
        form = self.forms[n]
        if said.cut:
            place = asked.evidence(form, self.reader.telling(said, side, label))
        elif self.reader.shown(said, side, label, asked.share, asked.readable, ends):
            spans = form.spans
            place = (spans[ends[0]][0], spans[ends[1]][1])
        else:
            place = asked.evidence(form, [])
        if fitted.hurting >> label & 1 and asked.another_s(form, place[0], place[1]):
            return None
        return place


cdef uint64_t _said(Fitted fitted, const double *row, uint64_t named, int group) noexcept:
    """The cues that are probable enough: servicequal.detector.decide.said_cues."""
    cdef int label, best = -1
    cdef uint64_t enough = 0, said, hurting
    cdef double *phrase = fitted.limits + 2 * group * fitted.width
    cdef double *model = phrase + fitted.width
    if named & fitted.hurting:
        named |= fitted.any
    for label in range(fitted.labels):
        if row[label] >= (phrase[label] if named >> label & 1 else model[label]):
            enough |= ONE << label
    said = enough & ~fitted.any
    if not fitted.any:
        return said
    hurting = named & fitted.hurting
    if not enough & fitted.any:
        said &= ~fitted.hurting
    elif not said & fitted.hurting and hurting:
        for label in range(fitted.labels):
            if hurting >> label & 1 and (
                best < 0 or row[label] > row[best] or (row[label] == row[best] and fitted.rank[label] > fitted.rank[best])
            ):
                best = label
        said |= ONE << best
    return said


_STATUSES = {"plain": PLAIN, "softened": SOFTENED, "excused": EXCUSED}
_BY_TURN = attrgetter("turn")
_IN_TURN = attrgetter("start", "cue", "end")
_IN_ORDER = attrgetter("turn", "start", "cue", "end")
