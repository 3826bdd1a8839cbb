# One turn read: its words and runs looked up, weighted and added up.
# Part of _grams.pyx.

@cython.final
@cython.freelist(64)
cdef class Said:
    """One turn read: its words, what they give by themselves, and what its text looks like."""

    cdef int32_t words              # of the normal form, as far as it is read
    cdef bint asks, links, cut      # holds a question mark, a web address; is longer than what is read
    cdef bint quotes                # may hold a sign that opens a quotation
    cdef double loudness[4]
    cdef double share               # what its own runs count is multiplied with for their block's length to be 1
    cdef void *held
    cdef double *own                # of a side's turn: log-odds by label
    cdef int32_t *runs[3]           # the runs of 1, 2 and 3 words that end at each word; 0: not known
    cdef int8_t *marks              # by word whether it ends a sentence

    def __dealloc__(self):
        PyMem_Free(self.held)

    cdef int hold(self, Py_ssize_t words, int labels) except -1:
        """Room for a turn of so many words."""
        cdef int size
        self.held = PyMem_Malloc(labels * sizeof(double) + 3 * words * sizeof(int32_t) + words + 1)
        if self.held == NULL:
            raise MemoryError
        self.words = <int32_t>words
        self.own = <double *>self.held
        memset(self.own, 0, labels * sizeof(double))
        for size in range(3):
            self.runs[size] = <int32_t *>(self.own + labels) + size * words
        self.marks = <int8_t *>(self.runs[2] + words)
        return 0


@cython.final
cdef class Reader:
    """Both sides' vocabularies and weights, and room to read one turn at a time.

    A word goes by a number: the known ones' is that of the run that it is, and after them come strangers, in the order in
    which they are met. What there is to know of a word is found out when it is met first, and kept as long as there is room.
    """

    cdef Fitted agent, customer
    cdef Runs runs
    cdef Py_ssize_t longest
    cdef double far, nothing, most_odds
    cdef int reach
    cdef double logs[COUNTED]
    cdef Maker maker                # of matches
    cdef Py_ssize_t turn, start, cue, status
    # words
    cdef int32_t known, strangers   # how many
    cdef int8_t *traits             # by word
    cdef Lexicon lexicon            # whose words' numbers here are kept
    cdef int32_t *word_of           # by entry of the lexicon; 0: not met
    cdef int32_t entries
    # room for one turn
    cdef Py_UCS4 *text              # folded, a space before and behind every word
    cdef int32_t *begins            # of its words, and of one more
    cdef uint64_t *hashes           # of words, and of one word's n-grams
    cdef int32_t *words
    cdef Token *tokens              # of its normal form; NULL where that is read as text
    cdef int32_t *rows              # of one block, in order
    cdef int32_t *again             # and those that are met once more
    cdef double *values             # and what these count more or less than has been added up

    def __cinit__(self, agent, customer, vocabularies, int longest, far, nothing, most_odds, reach, Maker maker):
        """``vocabularies`` has for both sides the mappings from n-gram to row of words, letters, before and after;
        ``longest`` is how many characters of a text are read, ``far`` from which turn on a place is as late as any,
        ``nothing`` the log-odds of a neighbour that isn't there, ``most_odds`` what is told of others at most, and ``reach``
        how far off they may be. ``maker`` makes matches."""
        cdef int count
        cdef Fitted mine, theirs
        self.agent, self.customer = agent, customer
        self.longest, self.far, self.nothing, self.most_odds, self.reach = longest, far, nothing, most_odds, reach
        if not 5 < longest < 10000:  # a gram is counted in 16 bits
            raise ValueError("texts are read from the start only, so many characters cannot be counted")
        for mine, theirs in ((agent, customer), (customer, agent)):
            if mine.inputs != mine.labels + 2 * theirs.labels + 2 + 4 * mine.cues + 2 * theirs.cues + SHAPES:
                raise ValueError("the second layer does not fit its inputs")
        self.text = <Py_UCS4 *>_room(longest + 8, sizeof(Py_UCS4))
        self.begins = <int32_t *>_room(longest + 2, sizeof(int32_t))
        self.hashes = <uint64_t *>_room(3 * longest + 8, sizeof(uint64_t))
        self.words = <int32_t *>_room(longest + 2, sizeof(int32_t))
        self.rows = <int32_t *>_room(self.most_rows() + AT_ONCE, sizeof(int32_t))
        self.again = <int32_t *>_room(self.most_rows() + AT_ONCE, sizeof(int32_t))
        self.values = <double *>_room(self.most_rows() + AT_ONCE, sizeof(double))
        for count in range(1, COUNTED):
            self.logs[count] = 1.0 + log(<double>count)
        self.runs = Runs(vocabularies, agent, customer)
        self.maker, self.turn, self.start = maker, maker.place("turn"), maker.place("start")
        self.cue, self.status = maker.place("cue"), maker.place("status")
        self.known = self.runs.words.count
        self.traits = <int8_t *>_room(self.known + 1 + STRANGERS, sizeof(int8_t))
        for mine in (agent, customer):
            mine.have_room(self.known + 1 + STRANGERS, LETTERS_KEPT + self.most_rows())

    def __dealloc__(self):
        PyMem_Free(self.text)
        PyMem_Free(self.begins)
        PyMem_Free(self.hashes)
        PyMem_Free(self.words)
        PyMem_Free(self.rows)
        PyMem_Free(self.again)
        PyMem_Free(self.values)
        PyMem_Free(self.traits)
        PyMem_Free(self.word_of)

    cdef inline Fitted side(self, int side):
        return self.customer if side == CUSTOMER else self.agent

    cdef inline size_t most_rows(self) noexcept:
        """Of a block: three begin at a letter or at the space before it; two turns' words are fewer."""
        return 6 * self.longest + 64

    # -- matches: an attribute of another's object costs more than all that is done with it

    cdef inline Py_ssize_t turn_of(self, match) except? -1:
        return self.maker.field(match, self.turn) if type(match) is self.maker.made else match.turn

    cdef inline Py_ssize_t start_of(self, match) except? -1:
        return self.maker.field(match, self.start) if type(match) is self.maker.made else match.start

    cdef inline object cue_of(self, match):
        return self.maker.field(match, self.cue) if type(match) is self.maker.made else match.cue

    cdef inline int status_of(self, match) except -1:
        status = self.maker.field(match, self.status) if type(match) is self.maker.made else match.status
        return PLAIN if status == "plain" else SOFTENED if status == "softened" else EXCUSED

    # -- turns

    cdef Said read(self, object form, str source, int role):
        """Read a turn: its normal form and its text."""
        cdef Said said = Said.__new__(Said)
        cdef Fitted fitted = self.side(role)
        cdef str normal
        cdef Py_ssize_t words
        if type(form) is Form and (<Form>form).length <= self.longest:
            self._make_room(fitted, (<Form>form).lexicon)
            words = self._meet_all(<Form>form)
        else:
            normal = form.text
            said.cut = len(normal) > self.longest
            self._make_room(fitted, None)
            words = self._split(normal)
            self._look_up(words)
        said.hold(words, fitted.width)
        # from here on no Python object is made: nobody else can come and use the room
        self._recognise(said, words)
        said.quotes = _listen(source, self.longest, said.loudness)
        if role != OTHERS:
            self._weigh(said, fitted, role)
        return said

    # -- words

    cdef int _make_room(self, Fitted fitted, Lexicon lexicon) except -1:
        """Room for all words that a turn can have; ``lexicon`` is the one that it is made of, if of any."""
        cdef int32_t word
        cdef void *wider
        if fitted.used + self.most_rows() > fitted.room:
            fitted.unlearn()
        if lexicon is not None and lexicon is not self.lexicon:
            PyMem_Free(self.word_of)
            self.word_of, self.entries, self.lexicon = NULL, 0, lexicon
        if self.strangers + self.longest > STRANGERS:
            self.strangers = 0
            self.agent.unlearn()
            self.customer.unlearn()
            for word in range(self.entries):
                if self.word_of[word] > self.known:
                    self.word_of[word] = 0
        if lexicon is not None and lexicon.size > self.entries:
            wider = PyMem_Realloc(self.word_of, 2 * <size_t>lexicon.size * sizeof(int32_t))
            if wider == NULL:
                raise MemoryError
            self.word_of = <int32_t *>wider
            memset(self.word_of + self.entries, 0, (2 * lexicon.size - self.entries) * sizeof(int32_t))
            self.entries = 2 * lexicon.size
        return 0

    cdef Py_ssize_t _meet_all(self, Form form) noexcept:
        """The words of a normal form; how many there are."""
        cdef Py_ssize_t at
        cdef int32_t word
        cdef int32_t *words = self.words
        cdef int32_t *word_of = self.word_of
        cdef Token *tokens = form.tokens
        self.tokens = tokens
        for at in range(form.count):
            word = word_of[tokens[at].entry]
            words[at] = word if word else self._meet(tokens[at].entry)
        return form.count

    cdef int32_t _meet(self, int32_t entry) noexcept:
        """A word that is met for the first time: its number."""
        cdef Py_ssize_t size = self._fold(entry), at
        cdef uint64_t hashed = BEGUN
        for at in range(size):
            hashed = _step(hashed, self.text[1 + at])
        self.word_of[entry] = self._number(self.text + 1, size, _ready(hashed))
        return self.word_of[entry]

    cdef Py_ssize_t _fold(self, int32_t entry) noexcept:
        """Write down a word of the lexicon, its figures folded, with a space to either side; its characters."""
        cdef Entry *found = self.lexicon.entries + entry
        cdef uint32_t *characters = self.lexicon.characters + found.at
        cdef Py_UCS4 *out = self.text + 1
        cdef Py_ssize_t at
        cdef Py_UCS4 c
        cdef int figures = 0
        for at in range(found.length):
            c = _folded(characters[at], &figures)
            if c != LEFT_OUT:
                out[0] = c
                out += 1
        self.text[0] = out[0] = 32
        return out - self.text - 1

    cdef int32_t _number(self, const Py_UCS4 *word, Py_ssize_t size, uint64_t hashed) noexcept:
        """The number of a word; a new one if it is not known."""
        cdef int32_t found = self.runs.words.find(word, size, hashed)
        if found < 0:
            self.strangers += 1
            found = self.known + self.strangers
            self.agent.of_word[found].at = self.customer.of_word[found].at = -1
        self.traits[found] = _traits(word, size)
        return found

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
                    self.hashes[words] = _ready(hashed)
                    words += 1
                    out[0] = 32
                    out += 1
                    inside = False
                figures = 0
                continue
            c = _folded(c, &figures)
            if c == LEFT_OUT:
                continue
            if not inside:
                self.begins[words] = <int32_t>(out - self.text)
                hashed = BEGUN
                inside = True
            hashed = _step(hashed, c)
            out[0] = c
            out += 1
        self.begins[words] = <int32_t>(out - self.text)
        return words

    cdef void _look_up(self, Py_ssize_t words) noexcept:
        """The numbers of the words that a text was taken apart into."""
        cdef Py_ssize_t at
        self.tokens = NULL
        for at in range(words):
            self.words[at] = self._number(
                self.text + self.begins[at], self.begins[at + 1] - self.begins[at] - 1, self.hashes[at]
            )

    cdef void _learn(self, Fitted fitted, Py_ssize_t at) noexcept:
        """Have a side note the letters of a word of this turn."""
        if self.tokens != NULL:
            fitted.learn(self.words[at], self.text, self._fold(self.tokens[at].entry) + 2, self.hashes)
        else:
            fitted.learn(
                self.words[at], self.text + self.begins[at] - 1, self.begins[at + 1] - self.begins[at] + 1, self.hashes
            )

    cdef void _recognise(self, Said said, Py_ssize_t words) noexcept:
        """The numbers of the runs that end at each word; what will be looked at next is called for beforehand."""
        cdef Py_ssize_t at
        cdef Runs runs = self.runs
        cdef int32_t *one = said.runs[0]
        cdef int32_t *two = said.runs[1]
        cdef int32_t *three = said.runs[2]
        cdef int32_t word, known = self.known
        cdef int8_t *marks = said.marks
        cdef int8_t traits, all = 0
        for at in range(words):
            word = self.words[at]
            one[at] = word if word <= known else 0
            traits = self.traits[word]
            all |= traits
            marks[at] = traits & MARK
            SQ_PREFETCH(runs.rows + one[at])
            if at:
                SQ_PREFETCH(runs.pairs + (_paired(one[at - 1], one[at]) & runs.mask))
        said.asks, said.links = (all & ASKS) != 0, (all & LINKS) != 0
        if words:
            two[0] = three[0] = 0
        if words > 1:
            three[1] = 0
        for at in range(1, words):
            two[at] = runs.longer(one[at - 1], one[at])
            SQ_PREFETCH(runs.rows + two[at])
            if at + 1 < words and two[at]:
                SQ_PREFETCH(runs.pairs + (_paired(two[at], one[at + 1]) & runs.mask))
        for at in range(2, words):
            three[at] = runs.longer(two[at - 1], one[at])
            SQ_PREFETCH(runs.rows + three[at])

    # -- blocks

    cdef void _weigh(self, Said said, Fitted fitted, int role) noexcept:
        """What a turn's words and letters give by themselves."""
        cdef double total[MOST_LABELS + 4]
        cdef Py_ssize_t at, count
        said.share = self.add_rows(fitted, WORDS, said.own, self.own_rows(said, role, self.again))
        memset(total, 0, sizeof(total))
        for at in range(said.words):
            if fitted.of_word[self.words[at]].at < 0:
                self._learn(fitted, at)
            SQ_PREFETCH(fitted.letters_of + fitted.of_word[self.words[at]].at)
            SQ_PREFETCH(fitted.given + <size_t>self.words[at] * fitted.stride)
        sq_add(total, fitted.given, fitted.stride, fitted.twos, self.words, said.words)
        count = self.letter_rows(fitted, said.words)
        self.correct(fitted, total, count)
        _take_in(said.own, fitted, self.shared(fitted, LETTERS, total), total)

    cdef Py_ssize_t own_rows(self, Said said, int role, int32_t *places) noexcept:
        """List a turn's own runs of words, the short ones first, and where each is among all; how many there are."""
        cdef Run *runs = self.runs.rows
        cdef int32_t *rows = self.rows
        cdef int32_t *met = said.runs[0]  # those of 2 and 3 words come right behind
        cdef int32_t row
        cdef Py_ssize_t at, count = 0
        for at in range(3 * <Py_ssize_t>said.words):
            row = runs[met[at]].own[role]
            rows[count], places[count] = row, <int32_t>at
            count += row >= 0
        return count

    cdef Py_ssize_t letter_rows(self, Fitted fitted, Py_ssize_t words) noexcept:
        """List the letter n-grams of a turn's words; how many there are."""
        cdef Py_ssize_t at
        cdef Letters *letters
        cdef int32_t *rows = self.rows
        cdef int32_t *given
        for at in range(words):
            letters = fitted.of_word + self.words[at]
            given = fitted.letters_of + letters.at
            memcpy(rows, given, AT_ONCE * sizeof(int32_t))
            if letters.count > AT_ONCE:
                memcpy(rows, given, letters.count * sizeof(int32_t))
            rows += letters.count
        return rows - self.rows

    cdef Py_ssize_t around_rows(self, Said a, Said b, int side, int after) noexcept:
        """List the runs of the turns (either may be None) that stand before or after one of ``side``; how many."""
        cdef Py_ssize_t count = 0
        cdef int size
        for size in range(2):
            if a is not None:
                count = self._around(a, size, side, after, count)
            if size == 1 and a is not None and b is not None:
                self.rows[count] = self.runs.rows[
                    self.runs.longer(a.runs[0][a.words - 1], b.runs[0][0])
                ].around[side][after]
                count += self.rows[count] >= 0
            if b is not None:
                count = self._around(b, size, side, after, count)
        return count

    cdef inline Py_ssize_t _around(self, Said said, int size, int side, int after, Py_ssize_t count) noexcept:
        cdef Run *runs = self.runs.rows
        cdef int32_t *met = said.runs[size]
        cdef int32_t *rows = self.rows
        cdef int32_t row
        cdef Py_ssize_t at
        for at in range(said.words):
            row = runs[met[at]].around[side][after]
            rows[count] = row
            count += row >= 0
        return count

    cdef double add_rows(self, Fitted fitted, int block, double *odds, Py_ssize_t count) noexcept:
        """Add to log-odds what the rows give that are listed; what each is multiplied with for the block's length to be 1,
        and weighed."""
        cdef Py_ssize_t k
        cdef double total[MOST_LABELS + 4]
        cdef double share
        memset(total, 0, sizeof(total))
        for k in range(count):
            SQ_PREFETCH(fitted.row(self.rows[k]))
            SQ_PREFETCH(fitted.row(self.rows[k]) + fitted.stride - 1)
        sq_add_floats(total, fitted.weights, fitted.stride, fitted.twos, self.rows, count)
        self.correct(fitted, total, count)
        share = self.shared(fitted, block, total)
        _take_in(odds, fitted, share, total)
        return share

    cdef inline double shared(self, Fitted fitted, int block, const double *total) noexcept:
        return fitted.scale[block] / sqrt(total[0]) if total[0] > 0.0 else 0.0

    cdef void correct(self, Fitted fitted, double *total, Py_ssize_t count) noexcept:
        """An n-gram that is said ``n`` times counts ``1 + log n``, but has been added up ``n`` times: the difference."""
        cdef int32_t *again = self.again
        cdef double *values = self.values
        cdef uint16_t *counts = fitted.counts
        cdef Py_ssize_t k, more = sq_count(self.rows, count, counts, again)
        cdef double counted
        cdef int times
        for k in range(more):
            SQ_PREFETCH(fitted.row(again[k]))
            SQ_PREFETCH(fitted.row(again[k]) + fitted.stride - 1)
        for k in range(more):
            times = counts[again[k]]
            counted = self.log_of(times)
            values[k] = counted - times
            total[0] += (counted * counted - counted) * fitted.row(again[k])[0]
        sq_add_floats_weighed(total, fitted.weights, fitted.stride, fitted.twos, again, values, more)
        sq_uncount(self.rows, count, counts)

    cdef inline double log_of(self, int count) noexcept:
        """What an n-gram counts that is said so many times."""
        return self.logs[count] if count < COUNTED else 1.0 + log(<double>count)

    # -- what speaks for a label

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
        cdef uint16_t *counts = fitted.counts
        cdef float *column = fitted.weights + 1 + label
        cdef int32_t *rows = self.rows
        cdef int32_t *places = self.again
        cdef Py_ssize_t words = said.words, at, k, count = self.own_rows(said, side, places)
        cdef int longer
        cdef double weight
        memset(weights, 0, words * sizeof(double))
        for k in range(count):
            SQ_PREFETCH(column + <size_t>rows[k] * fitted.stride)
            counts[rows[k]] += 1
        for k in range(count):
            weight = self.log_of(counts[rows[k]]) * column[<size_t>rows[k] * fitted.stride] * said.share
            if weight > 0:
                longer = (places[k] >= words) + (places[k] >= 2 * words)
                at = places[k] - longer * words
                if longer == 0:
                    weights[at] += weight
                    continue
                weight /= longer + 1
                weights[at] += weight
                weights[at - 1] += weight
                if longer == 2:
                    weights[at - 2] += weight
        sq_uncount(rows, count, counts)

    cdef bint shown(self, Said said, int side, int label, double share, Py_ssize_t readable, Py_ssize_t *ends) noexcept:
        """Find the first and the last word that servicequal.detector.decide.evidence shows; whether there are any."""
        cdef Py_ssize_t at, begin = 0, first = 0, end = 0, k
        cdef double best = 0.0, total = 0.0, most = 0.0
        cdef double *weights = self.values
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
        ends[0], ends[1] = first, end - 1
        return best > 0


cdef inline void _take_in(double *odds, Fitted fitted, double share, const double *total) noexcept:
    """Add to log-odds a block's sum, scaled."""
    cdef int label
    for label in range(fitted.labels):
        odds[label] += share * total[1 + label]


cdef inline Py_UCS4 _folded(Py_UCS4 c, int *figures) noexcept:
    """A character of a word, a figure as ``#``; LEFT_OUT where it adds nothing. ``figures`` counts those right before it."""
    if c < 128:
        if 48 <= c <= 57:
            c = 35
    elif Py_UNICODE_ISDIGIT(c):
        c = 35
    if c != 35:
        figures[0] = 0
        return c
    figures[0] += 1  # what two replacements of a pair by one leave: every fourth, beginning with the first
    return c if figures[0] & 3 == 1 else LEFT_OUT


cdef inline int8_t _traits(const Py_UCS4 *word, Py_ssize_t size) noexcept:
    """What a turn's shape is told of a word."""
    if size == 1 and (word[0] == 46 or word[0] == 58):
        return MARK
    if word[0] == 63:
        return MARK | ASKS if size == 1 else ASKS
    if size >= 5 and word[0] == 120 and word[1] == 108 and word[2] == 105 and word[3] == 110 and word[4] == 107:
        return LINKS
    return 0
