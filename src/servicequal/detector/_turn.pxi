# One turn read: its words and runs looked up, weighted and added up.
# Part of _grams.pyx.

@cython.final
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


@cython.final
cdef class Reader:
    """Both sides' vocabularies and weights, and room to read one turn at a time."""

    cdef Fitted agent, customer
    cdef Runs runs
    cdef Py_ssize_t longest
    cdef double far, nothing, most_odds
    cdef int reach
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

    def __cinit__(self, agent, customer, vocabularies, int longest, far, nothing, most_odds, reach):
        """``vocabularies`` has for both sides the mappings from n-gram to row of words, letters, before and after;
        ``longest`` is how many characters of a text are read, ``far`` from which turn on a place is as late as any,
        ``nothing`` the log-odds of a neighbour that isn't there, ``most_odds`` what is told of others at most, and ``reach``
        how far off they may be."""
        cdef int count
        cdef int32_t most
        cdef Fitted mine, theirs
        self.agent, self.customer = agent, customer
        self.longest, self.far, self.nothing, self.most_odds, self.reach = longest, far, nothing, most_odds, reach
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
        self.runs = Runs(vocabularies, agent, customer)
        self._spell(self.agent)
        self._spell(self.customer)

    def __dealloc__(self):
        cdef int size
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

    cdef int _spell(self, Fitted side) except -1:
        """The letter n-grams of the known words."""
        cdef Names words = self.runs.words
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
        cdef Names known = self.runs.words
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
                    SQ_PREFETCH(known.slots + (hashed & known.mask))
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
        cdef Runs runs = self.runs
        cdef int32_t *one = self.met[0]
        cdef int32_t *two = self.met[1]
        cdef int32_t *three = self.met[2]
        for at in range(words):
            one[at] = runs.words.find(
                self.text + self.begins[at], self.begins[at + 1] - self.begins[at] - 1, self.hashes[at]
            )
            if one[at] >= 0:
                SQ_PREFETCH(runs.rows + one[at])
                SQ_PREFETCH(fitted.letters_at + one[at])
                if at and one[at - 1] >= 0:
                    SQ_PREFETCH(runs.pairs + (_paired(one[at - 1], one[at]) & runs.mask))
        two[0] = three[0] = three[1] = -1
        for at in range(1, words):
            two[at] = runs.longer(one[at - 1], one[at])
            if two[at] >= 0:
                SQ_PREFETCH(runs.rows + two[at])
                if at + 1 < words and one[at + 1] >= 0:
                    SQ_PREFETCH(runs.pairs + (_paired(two[at], one[at + 1]) & runs.mask))
            if one[at] >= 0:
                SQ_PREFETCH(fitted.letters_of + fitted.letters_at[one[at]])
        for at in range(2, words):
            three[at] = runs.longer(two[at - 1], one[at])
            if three[at] >= 0:
                SQ_PREFETCH(runs.rows + three[at])

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
                rows = self.runs.rows + run
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
                run = self.runs.longer(a.last, b.first)
                if run >= 0:
                    row = self.runs.rows[run].around[side][after]
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
