# Numbers of a fitted detector, and strings with a number each.
# Part of _grams.pyx.

cdef struct Slot:
    uint32_t tag            # more bits of the hash: most strangers are told by it
    int32_t number          # -1: free
    uint32_t at             # in the pool
    uint32_t size


cdef struct Pair:
    int32_t run             # 0: free
    int32_t word
    int32_t longer


cdef struct Run:            # the rows of a run of words in the sides' blocks; -1: none
    int32_t own[2]
    int32_t around[2][2]    # by side that has it before or after its own


cdef struct Letters:        # of a word: where the rows of its letter n-grams begin, -1 as long as nobody asked
    int32_t at
    int32_t count


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
    return <Pair *>_room(count, sizeof(Pair))


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
    """One side's labels and numbers.

    A row of the first layer is the square of its idf and its idf times its weights: so what an n-gram counts that is said
    once is added to the square of its block's length and to all labels in one go.
    """

    cdef list names
    cdef dict label_of
    cdef int labels, width, cues    # the width is the labels, rounded up to an even number
    cdef int column[MOST_LABELS]    # of a label among the cues; -1: no cue
    cdef int rank[MOST_LABELS]      # of a label's name among all names
    cdef uint64_t any, hurting      # labels
    cdef double scale[BLOCKS]
    cdef int32_t n_rows
    cdef int32_t[::1] moved         # by row as it is given the row as it is kept: by block, the commonest first
    cdef uint16_t *counts           # by row how often it is in the block that is being read; else 0
    cdef void *held
    cdef float *weights
    cdef int stride, twos           # of rows: numbers from one to the next, and pairs of numbers that count
    cdef double *shape_weights
    cdef double *bias
    cdef int inputs
    cdef double *second
    cdef double *second_bias
    cdef double *limits             # of social media and of the rest, each by a phrase and without; each has the log-odds
                                    # below which none is enough and above which all are
    cdef Names letters
    cdef int32_t words              # that letters are known of
    cdef Letters *of_word
    cdef int32_t *letters_of
    cdef size_t used, room          # of these
    cdef void *held_words
    cdef double *given              # by word what its letter n-grams give together, as a row

    def __cinit__(self, names, any, hurting, scales, vocabulary, idf, weights, shape_layer, second_layer, limits):
        """``vocabulary`` has the mappings from n-gram to row of words, letters, before and after, a layer is its weights
        (inputs, labels) and bias, and ``limits`` are (groups of channels, by a phrase or not, labels)."""
        cdef int at
        cdef double[:, ::1] cells = np.ascontiguousarray(weights, dtype=np.float64)
        cdef double[::1] values = np.ascontiguousarray(idf, dtype=np.float64)
        self.names = list(names)
        self.labels = len(self.names)
        if not 0 < self.labels <= MOST_LABELS:
            raise ValueError(f"{self.labels} labels")
        self.width = (self.labels + 1) // 2 * 2
        self.twos = self.labels // 2 + 1
        self.stride = (2 * self.twos + 7) // 8 * 8
        self._name(any, hurting)
        self.n_rows = <int32_t>cells.shape[0]
        if cells.shape[1] != self.labels or values.shape[0] != self.n_rows:
            raise ValueError("weights do not fit their n-grams and labels")
        for at in range(BLOCKS):
            self.scale[at] = scales[at]
        self._order(vocabulary, values)
        self.counts = <uint16_t *>_room(self.n_rows, sizeof(uint16_t))
        self._weigh(cells, values)
        self.shape_weights = self._padded(shape_layer[0], SHAPES)
        self.bias = self._padded([shape_layer[1]], 1)
        self.inputs = len(second_layer[0])
        self.second = self._padded(second_layer[0], self.inputs)
        self.second_bias = self._padded([second_layer[1]], 1)
        self.limits = self._limits(np.reshape(limits, (4, -1)))
        self._name_letters(vocabulary[LETTERS])

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

    cdef int _order(self, vocabulary, double[::1] values) except -1:
        """Where rows are kept: what is looked at most stands side by side."""
        cdef int block
        blocks = np.full(self.n_rows, BLOCKS, dtype=np.int32)
        for block in range(BLOCKS):
            rows = np.fromiter(vocabulary[block].values(), dtype=np.int64, count=len(vocabulary[block]))
            if rows.size and not 0 <= rows.min() <= rows.max() < self.n_rows:
                raise ValueError("an n-gram of a row that is not there")
            blocks[rows] = block
        order = np.lexsort((np.asarray(values), blocks))
        moved = np.empty(self.n_rows, dtype=np.int32)
        moved[order] = np.arange(self.n_rows, dtype=np.int32)
        self.moved = moved
        return 0

    cdef int _weigh(self, double[:, ::1] cells, double[::1] values) except -1:
        cdef int32_t row
        cdef int label
        cdef float *found
        self.held = _room(<size_t>self.n_rows * self.stride + LINE, sizeof(float))
        self.weights = <float *>(<size_t>self.held + LINE - <size_t>self.held % LINE)
        for row in range(self.n_rows):
            found = self.row(self.moved[row])
            found[0] = <float>(values[row] * values[row])
            for label in range(self.labels):
                found[1 + label] = <float>(values[row] * cells[row, label])
        return 0

    cdef int _name_letters(self, letters) except -1:
        cdef Py_ssize_t most = max(map(len, letters), default=0)
        cdef Py_UCS4 *text = <Py_UCS4 *>_room(most + 1, sizeof(Py_UCS4))
        cdef int32_t row
        self.letters = Names(sum(map(len, letters)))
        try:
            for gram, row in letters.items():
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

    cdef double *_limits(self, given) except NULL:
        cdef double[:, ::1] cells = np.ascontiguousarray(given, dtype=np.float64)
        cdef double *found
        cdef double limit
        cdef Py_ssize_t at
        if cells.shape[0] != 4 or cells.shape[1] != self.labels:
            raise ValueError("limits do not fit their labels")
        found = <double *>_room(3 * 4 * self.labels, sizeof(double))
        for at in range(4 * self.labels):
            limit = cells[at // self.labels, at % self.labels]
            found[3 * at], found[3 * at + 1], found[3 * at + 2] = limit, -INFINITY, INFINITY
            if 1e-4 < limit < 1 - 1e-4:
                found[3 * at + 1] = log(limit / (1 - limit)) - 1e-9
                found[3 * at + 2] = log(limit / (1 - limit)) + 1e-9
        return found

    def __dealloc__(self):
        PyMem_Free(self.counts)
        PyMem_Free(self.held)
        PyMem_Free(self.shape_weights)
        PyMem_Free(self.bias)
        PyMem_Free(self.second)
        PyMem_Free(self.second_bias)
        PyMem_Free(self.limits)
        PyMem_Free(self.of_word)
        PyMem_Free(self.letters_of)
        PyMem_Free(self.held_words)

    cdef inline float *row(self, int32_t row) noexcept:
        return self.weights + <size_t>row * self.stride

    # -- letters of words, spelled out when first asked for

    cdef int have_room(self, int32_t words, size_t letters) except -1:
        """Room for so many words, and for so many rows of letters together."""
        self.words, self.room = words, letters
        self.of_word = <Letters *>_room(words, sizeof(Letters))
        self.letters_of = <int32_t *>_room(letters + AT_ONCE, sizeof(int32_t))
        self.held_words = _room(<size_t>words * self.stride + LINE, sizeof(double))
        self.given = <double *>(<size_t>self.held_words + LINE - <size_t>self.held_words % LINE)
        self.unlearn()
        return 0

    cdef void unlearn(self) noexcept:
        """Forget all words' letters."""
        memset(self.of_word, 255, self.words * sizeof(Letters))
        self.used = 0

    cdef void learn(self, int32_t word, const Py_UCS4 *padded, Py_ssize_t size, uint64_t *hashes) noexcept:
        """Note the letters of a word that has a space to either side; there must be room for three times its ``size``."""
        cdef int32_t *rows = self.letters_of + self.used
        cdef double *given = self.given + <size_t>word * self.stride
        cdef int32_t count = self.spell(padded, size, rows, hashes)
        memset(given, 0, self.stride * sizeof(double))
        sq_add_floats(given, self.weights, self.stride, self.twos, rows, count)
        self.of_word[word] = Letters(<int32_t>self.used, count)
        self.used += count

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
