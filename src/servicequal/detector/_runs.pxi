# Runs of words as numbers: so a turn's words are compared with known ones once for all blocks of both sides.
# Part of _grams.pyx.

@cython.final
cdef class Runs:
    """The words and runs of words that a block of either side knows, with a number and rows each."""

    cdef Fitted agent, customer
    cdef Names words
    cdef Pair *pairs
    cdef uint64_t mask
    cdef int32_t n_longer
    cdef int32_t n_runs             # and their numbers from 1 on, those of words first; 0 is what is not known
    cdef Run *rows

    def __cinit__(self, vocabularies, Fitted agent, Fitted customer):
        """``vocabularies`` has for both sides the mappings from n-gram to row of words, letters, before and after."""
        cdef Gram *grams
        self.agent, self.customer = agent, customer
        cdef Py_ssize_t count = 0, characters = 0, most = 0
        for blocks in vocabularies:
            for block, known in enumerate(blocks):
                if block != LETTERS:
                    count += len(known)
                    characters += sum(map(len, known))
                    most = max(most, max(map(len, known), default=0))
        self.words = Names(characters)
        self.pairs = _free_pairs(64)
        self.mask = 63
        grams = <Gram *>_room(count, sizeof(Gram))
        try:
            count = self._take_apart(vocabularies, grams, most)
            self.words.close()
            self._pair_anew(self.mask + 1, True)
            self.n_runs = self.words.count + self.n_longer + 1
            self.rows = <Run *>_room(self.n_runs, sizeof(Run))
            memset(self.rows, 255, self.n_runs * sizeof(Run))
            self._place(grams, count)
        finally:
            PyMem_Free(grams)

    def __dealloc__(self):
        PyMem_Free(self.pairs)
        PyMem_Free(self.rows)

    cdef Py_ssize_t _take_apart(self, vocabularies, Gram *grams, Py_ssize_t most) except -1:
        """Number the words of all n-grams and the runs that they are; how many n-grams a text can have."""
        cdef Py_UCS4 *text = <Py_UCS4 *>_room(most + 1, sizeof(Py_UCS4))
        cdef Py_ssize_t count = 0
        cdef int side, block
        cdef int32_t row, run
        try:
            for gram in self._common(vocabularies):
                PyUnicode_AsUCS4(gram, text, most + 1, 0)
                self._run_of(text, len(gram), 3)
            for side, blocks in enumerate(vocabularies):
                for block, known in enumerate(blocks):
                    if block == LETTERS:
                        continue
                    for gram, row in known.items():
                        PyUnicode_AsUCS4(gram, text, most + 1, 0)
                        run = self._run_of(text, len(gram), 3 if block == WORDS else 2)
                        if run > 0:
                            grams[count] = Gram(run, (self.customer if side else self.agent).moved[row], side, block)
                            count += 1
        finally:
            PyMem_Free(text)
        return count

    cdef list _common(self, vocabularies):
        """The runs of both sides, the commonest first: so what is looked up most stands side by side."""
        cdef Fitted fitted
        cdef int32_t row
        cdef list runs = []
        for side, blocks in enumerate(vocabularies):
            fitted = (self.customer if side else self.agent)
            for gram, row in blocks[WORDS].items():
                runs.append((fitted.row(fitted.moved[row])[0], gram))
        runs.sort()
        return [gram for _, gram in runs]

    cdef int32_t _run_of(self, const Py_UCS4 *text, Py_ssize_t size, int longest) except -1:
        """The number of a run of words, new ones being given numbers; 0 for what no text has. Runs of more than one
        word have LONGER added to their number."""
        cdef Py_ssize_t at, begin = 0, words = 1
        cdef int32_t run = 0, word
        for at in range(size):
            if text[at] == 32:
                words += 1
                if at == 0 or at == size - 1 or text[at + 1] == 32:
                    return 0
        if size == 0 or words > longest:
            return 0
        for at in range(size + 1):
            if at == size or text[at] == 32:
                word = self.words.put(text + begin, at - begin, self.words.count + 1)
                run = self._put_longer(run, word) if run else word
                begin = at + 1
        return run

    cdef int32_t _put_longer(self, int32_t run, int32_t word) except -1:
        cdef int32_t known = self.longer(run, word)
        if known:
            return known
        if 2 * <uint64_t>(self.n_longer + 1) > self.mask + 1:
            self._pair_anew(2 * (self.mask + 1), False)
        self._fill(Pair(run, word, LONGER + self.n_longer))
        self.n_longer += 1
        return LONGER + self.n_longer - 1

    cdef void _fill(self, Pair pair) noexcept:
        cdef uint64_t at = _paired(pair.run, pair.word) & self.mask
        while self.pairs[at].run:
            at = (at + 1) & self.mask
        self.pairs[at] = pair

    cdef int _pair_anew(self, uint64_t size, bint final) except -1:
        """Make the table of pairs of another size, or with the runs' final numbers."""
        cdef Pair *old = self.pairs
        cdef uint64_t count = self.mask + 1, k
        self.pairs = _free_pairs(size)
        self.mask = size - 1
        for k in range(count):
            if old[k].run:
                if final:
                    old[k] = Pair(self._final(old[k].run), old[k].word, self._final(old[k].longer))
                self._fill(old[k])
        PyMem_Free(old)
        return 0

    cdef int32_t _final(self, int32_t run) noexcept:
        """The number that a run has once all words have theirs: runs of more than one come behind them."""
        return run if run < LONGER else run - LONGER + self.words.count + 1

    cdef void _place(self, const Gram *grams, Py_ssize_t count) noexcept:
        cdef Py_ssize_t k
        cdef Run *run
        for k in range(count):
            run = self.rows + self._final(grams[k].run)
            if grams[k].block == WORDS:
                run.own[grams[k].side] = grams[k].row
            else:
                run.around[grams[k].side][grams[k].block == AFTER] = grams[k].row

    cdef inline int32_t longer(self, int32_t run, int32_t word) noexcept:
        """The run that another and a word behind it make; 0 if it is not known."""
        cdef uint64_t at
        cdef Pair *pair
        if not run or not word:
            return 0
        at = _paired(run, word) & self.mask
        pair = self.pairs + at
        while pair.run:
            if pair.run == run and pair.word == word:
                return pair.longer
            at = (at + 1) & self.mask
            pair = self.pairs + at
        return 0
