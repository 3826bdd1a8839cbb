# Numbers of a fitted detector, and strings with a number each.
# Part of _grams.pyx.

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


@cython.final
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


@cython.final
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
    """Add to ``total`` the weights of each row times its value, the rows in order: eight labels at a time, then two."""
    cdef int label = 0
    cdef Py_ssize_t k
    cdef double a, b, c, d, e, f, g, h, value
    cdef const Weight *row
    while label + 8 <= width:
        a, b, c, d = total[label], total[label + 1], total[label + 2], total[label + 3]
        e, f, g, h = total[label + 4], total[label + 5], total[label + 6], total[label + 7]
        for k in range(count):
            row = weights + <size_t>rows[k] * stride + label
            value = values[k]
            a += value * row[0]
            b += value * row[1]
            c += value * row[2]
            d += value * row[3]
            e += value * row[4]
            f += value * row[5]
            g += value * row[6]
            h += value * row[7]
        total[label], total[label + 1], total[label + 2], total[label + 3] = a, b, c, d
        total[label + 4], total[label + 5], total[label + 6], total[label + 7] = e, f, g, h
        label += 8
    while label < width:
        a, b = total[label], total[label + 1]
        for k in range(count):
            row = weights + <size_t>rows[k] * stride + label
            value = values[k]
            a += value * row[0]
            b += value * row[1]
        total[label], total[label + 1] = a, b
        label += 2
