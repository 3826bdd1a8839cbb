# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The sieve's two steps over one text, compiled. Same answers as servicequal.sieve.Scan, which says what they are.

Bit *i* of a mask stands for the place before word *i*. A mask is one 64-bit number: a text of more than 63 words is
looked at through *windows* of so many, each of which reaches over the next as far as a phrase can. A window owns the
matches that begin before the next one does. What belongs to a window carries its number (``epoch``), so hardly anything
has to be wiped between texts. A :class:`Finder` goes on from there to the cues themselves.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memcpy, memset

from cpython.object cimport PyObject

from servicequal._made cimport Maker
from servicequal._words cimport Entry, Form, Lexicon, Reader, Token

cdef extern from *:
    """
    #if defined(_MSC_VER) && !defined(__clang__)
    #include <intrin.h>
    static int lowest_bit(unsigned long long bits) { unsigned long at; _BitScanForward64(&at, bits); return (int)at; }
    static int highest_bit(unsigned long long bits) { unsigned long at; _BitScanReverse64(&at, bits); return (int)at; }
    #define soon(place)
    #else
    #define lowest_bit(bits) __builtin_ctzll(bits)
    #define highest_bit(bits) (63 - __builtin_clzll(bits))
    #define soon(place) __builtin_prefetch(place)
    #endif
    """
    int lowest_bit(uint64_t bits) nogil
    void soon(const void *place) nogil
    int highest_bit(uint64_t bits) nogil

cdef enum:  # as servicequal.sieve numbers them
    C_WORD = 0
    C_WORDS = 1
    C_ANY = 2
    C_GAP = 3
    C_START = 4
    C_END = 5
    C_ONE = 6
    C_MAYBE = 7
    C_AMOUNT = 8

cdef enum:
    OTHERS = 3
    NEEDS = 4
    MOST_NEEDED = 24
    ANYWHERE = -1       # instead of where a pair stands
    BLOCK = 64          # looked up together
    WINDOW = 63         # words that are looked at together
    FARTHEST = 55       # words that a phrase may take in a text of several windows
    BITS = 4            # of a step for what it goes over; the others are its value
    C_BEHIND = 9        # behind the last step
    MOST_WORDS = 65000  # numbers of words are of 16 bits
    UNKNOWN = -1        # a word that the sieve has not met
    ANYTHING = -1       # a unit that may begin with whatever there is

cdef struct Group:         # alternatives
    int32_t set             # those of one word, or -1
    int32_t base, count     # the first unit of the others, and how many


cdef struct Unit:
    int32_t epoch           # of a phrase that was come upon
    int32_t others[OTHERS]  # words that must be there besides its first anchor; -1: no more


cdef struct Needs:          # of a phrase: up to four groups of words of which one each must be there
    uint8_t sizes[NEEDS]
    int8_t low[NEEDS]       # how far from the first word of its pair they can be
    int8_t high[NEEDS]
    int32_t steps           # where its steps begin
    uint16_t words[MOST_NEEDED]


cdef struct Pair:           # two words that stand side by side in some phrases
    uint32_t key            # 0: no pair
    int32_t at              # where its owners begin; the last of them is below zero


cdef struct Set:
    uint64_t mask
    int32_t epoch
    int32_t at              # where its words begin among those of all sets, always four together


cdef struct Place:          # of a pair that is looked up
    uint32_t key
    uint32_t slot
    int32_t at              # its first word in the window, or ANYWHERE


cdef struct Found:          # a phrase that hangs on such a pair
    int32_t phrase
    int32_t at


cdef inline uint32_t _mixed(uint32_t key) noexcept:
    cdef uint32_t hash = key * 2654435769U
    return hash >> 13 ^ hash


cdef void *_room(size_t count, size_t size) except NULL:
    cdef void *found = PyMem_Calloc(count if count else 1, size)
    if found == NULL:
        raise MemoryError
    return found


cdef void *_wider(void *had, size_t count, size_t size) except NULL:
    cdef void *found = PyMem_Realloc(had, (count if count else 1) * size)
    if found == NULL:
        raise MemoryError
    return found


cdef int32_t *_copied(int32_t[::1] values) except NULL:
    cdef int32_t *found = <int32_t *>_room(len(values), sizeof(int32_t))
    cdef Py_ssize_t at
    for at in range(len(values)):
        found[at] = values[at]
    return found


@cython.final
cdef class Table:
    """Flat tables of a sieve's units, and room for one text at a time."""

    cdef readonly int phrases
    cdef int longest, most_words
    cdef dict _ids, _known
    cdef object _names_of
    cdef int most_known
    cdef uint32_t begin_letters     # which of a-z the known beginnings of words begin with
    cdef int32_t number_id
    cdef int32_t marks[3]
    cdef int32_t n_units, n_words, n_sets
    cdef uint32_t *steps        # what each goes over, and above BITS its value: WORD: word; WORDS: set; ONE: group; GAP:
                                # words; START, END: loose; MAYBE: sequence
    cdef Group *groups
    cdef int32_t *sequences     # where each begins among the steps
    cdef int reach              # words that a match can take at most
    cdef int stride             # words of a window that are not in the one before; 0: windows do not help
    cdef int32_t *owner_at      # of phrases in which no two words need stand side by side, by word
    cdef int32_t *owners
    cdef Pair *pairs            # found by their keys
    cdef int32_t *pair_owners
    cdef Needs *needs
    cdef uint64_t *pair_bits    # which keys there may be
    cdef uint32_t pair_mask, bit_mask
    cdef int32_t *text_codes    # the codes of the text's words
    cdef size_t text_room
    cdef Unit *units
    cdef int32_t *leads         # the word that a unit begins with; from -2 downwards the set of words; or ANYTHING
    cdef uint16_t *lead_words   # the same as words; n_words + 1, which is everywhere, for what is not one word
    cdef Set *sets
    cdef uint16_t *set_words
    cdef Lexicon lexicon        # whose entries' codes are at hand
    cdef int32_t *codes         # by entry: 0 nothing, a word's number + 1, or past those a place in the pool
    cdef size_t codes_room
    cdef int32_t *pool          # how many numbers, whether a phrase may end inside the word, the numbers
    cdef int32_t n_pool
    cdef size_t pool_room
    cdef int32_t epoch
    cdef readonly int64_t text  # which text it is
    cdef uint16_t *slots        # by word: its mask among those present; 0: not there
    cdef uint64_t *masks        # where the words present stand; the first is empty
    cdef int32_t *present       # words by their slots
    cdef int32_t n_present
    cdef int32_t *active        # phrases whose anchors are there, then those that can be there
    cdef readonly int32_t n_active
    cdef int32_t *kept
    cdef bint sifted            # whether these are only those that can be there
    cdef int64_t *seen_in       # by phrase: the text of several windows that it was seen in last
    cdef int32_t *seen_to       # and where its match there ends
    cdef int length             # words of the text
    cdef int base, stop         # words that the window begins and ends with
    cdef bint shallow, odd
    cdef uint64_t whole_mask, others_mask, marks_mask
    cdef uint64_t own_mask      # beginnings that are the window's own
    cdef uint64_t text_first, text_last     # where the text begins and ends
    cdef uint64_t loose_first, loose_last   # where a loose unit may have its beginning and its end of a sentence
    cdef int32_t *spots         # where the unit asked for last stands: pairs of first word and the one behind
    cdef int32_t n_spots

    def __cinit__(self, plan, names_of, str number, int longest, int most_known):
        """``plan`` is a servicequal.plan.Plan, ``names_of`` gives a word's other names."""
        self.phrases, self.longest, self.most_known = plan.phrases, longest, most_known
        self._names_of, self._known = names_of, {}
        self._ids = {word_: at_ for at_, word_ in enumerate(plan.words)}
        for begin in plan.begins:
            if "a" <= begin[0] <= "z":
                self.begin_letters |= <uint32_t>1 << (ord(begin[0]) - 97)
        self.n_units, self.n_words, self.n_sets = plan.units, len(plan.words), len(plan.tables["set_at"]) - 1
        if self.n_words > MOST_WORDS:
            raise ValueError(f"{self.n_words} words; these steps take {MOST_WORDS}")
        self.number_id = self._ids[number]
        for at, mark in enumerate(".?:"):
            self.marks[at] = self._ids[mark]
        self.sequences = _copied(plan.tables["sequences"])
        self._take_sets(plan.tables["set_at"], plan.tables["set_words"])
        self.slots = <uint16_t *>_room(self.n_words + 2, sizeof(uint16_t))
        self.masks = <uint64_t *>_room(self.n_words + 3, sizeof(uint64_t))
        self.present = <int32_t *>_room(self.n_words + 3, sizeof(int32_t))
        self.active = <int32_t *>_room(self.phrases, sizeof(int32_t))
        self.kept = <int32_t *>_room(self.phrases, sizeof(int32_t))
        self.seen_in = <int64_t *>_room(self.phrases, sizeof(int64_t))
        self.seen_to = <int32_t *>_room(self.phrases, sizeof(int32_t))
        self._take_units(plan.tables)
        self.spots = <int32_t *>_room(2 * WINDOW + 2, sizeof(int32_t))
        self.loose_first = self.loose_last = ~(<uint64_t>0)
        self._begin_slots()
        paired = self._take_pairs(plan.tables)
        self._take_owners(plan.tables, paired)
        self._take_needs(plan.tables)
        self.reach = self._farthest(plan.tables["steps"], plan.units)
        self.stride = WINDOW - self.reach if self.reach <= FARTHEST else 0

    cdef void _begin_slots(self) noexcept:
        """One word is everywhere."""
        self.slots[self.n_words + 1] = 1
        self.masks[1] = ~(<uint64_t>0)
        self.n_present = 1

    cdef int _farthest(self, int32_t[:, ::1] rows, int32_t units) except -1:
        """How many words a unit can take at most; more than FARTHEST where it is more."""
        cdef dict known = {}
        cdef int32_t unit
        cdef int found = 0
        for unit in range(units):
            found = max(found, self._longest_of(unit, known))
        return found

    cdef int _longest_of(self, int32_t sequence, dict known) except -1:
        cdef int32_t at = self.sequences[sequence], k, value
        cdef int found = 0, code, most
        if sequence in known:
            return known[sequence]
        while self.steps[at] != C_BEHIND:
            code, value, most = self.steps[at] & ((1 << BITS) - 1), self.steps[at] >> BITS, 1
            if code == C_GAP:
                most = min(value, FARTHEST + 1)
            elif code == C_AMOUNT:
                most = 3
            elif code == C_MAYBE:
                most = self._longest_of(value, known)
            elif code == C_ONE:
                for k in range(self.groups[value].base, self.groups[value].base + self.groups[value].count):
                    most = max(most, self._longest_of(k, known))
            found = min(found + most, FARTHEST + 1)
            at += 1
        known[sequence] = found
        return found

    cdef int _take_sets(self, int32_t[::1] set_at, int32_t[::1] set_words) except -1:
        """The words of each set, filled up to whole fours by a word that is nowhere."""
        cdef int32_t number, k
        cdef size_t at = 0
        self.sets = <Set *>_room(self.n_sets + 1, sizeof(Set))
        self.set_words = <uint16_t *>_room(len(set_words) + 3 * self.n_sets, sizeof(uint16_t))
        for number in range(self.n_sets):
            self.sets[number].at = at
            for k in range(set_at[number], set_at[number + 1]):
                self.set_words[at] = set_words[k]
                at += 1
            while at & 3:
                self.set_words[at] = self.n_words
                at += 1
        self.sets[self.n_sets].at = at
        return 0

    cdef int _take_units(self, tables) except -1:
        cdef int32_t[:, ::1] rows = tables["steps"]
        cdef int32_t[:, ::1] others = tables["others"]
        cdef int32_t at, k, code
        cdef uint32_t first
        if others.shape[1] != OTHERS:
            raise ValueError(f"a plan of {others.shape[1]} further words for each unit; these steps take {OTHERS}")
        self._take_steps(rows, tables["sequences"])
        self.units = <Unit *>_room(self.n_units, sizeof(Unit))
        self.leads = <int32_t *>_room(self.n_units, sizeof(int32_t))
        self.lead_words = <uint16_t *>_room(self.n_units, sizeof(uint16_t))
        for at in range(self.n_units):
            for k in range(OTHERS):
                self.units[at].others[k] = others[at, k]
            first = self.steps[self.sequences[at]]
            code = first & ((1 << BITS) - 1)
            self.leads[at], self.lead_words[at] = ANYTHING, self.n_words + 1
            if code == C_WORD:
                self.leads[at] = self.lead_words[at] = first >> BITS
            elif code == C_WORDS:
                self.leads[at] = -2 - <int32_t>(first >> BITS)
        return 0

    cdef int _take_steps(self, int32_t[:, ::1] rows, int32_t[::1] sequences) except -1:
        """All steps in one row, and one of its own behind each sequence."""
        cdef int32_t n, k, at = 0, groups = 0, value, n_sequences = <int32_t>len(sequences) - 1
        self.steps = <uint32_t *>_room(rows.shape[0] + n_sequences, sizeof(uint32_t))
        self.groups = <Group *>_room(rows.shape[0], sizeof(Group))
        for n in range(n_sequences):
            self.sequences[n] = at
            for k in range(sequences[n], sequences[n + 1]):
                value = rows[k, 1]
                if rows[k, 0] == C_ONE:
                    self.groups[groups] = Group(value, rows[k, 2], rows[k, 3])
                    value = groups
                    groups += 1
                if not 0 <= value < 1 << (31 - BITS) or not 0 <= rows[k, 0] < C_BEHIND:
                    raise ValueError("a step that is not known")
                self.steps[at] = <uint32_t>rows[k, 0] | <uint32_t>value << BITS
                at += 1
            self.steps[at] = C_BEHIND
            at += 1
        self.groups = <Group *>_wider(self.groups, groups, sizeof(Group))
        return 0

    cdef int _take_owners(self, tables, set paired) except -1:
        """The phrases by the words that they hang on, but for those that go by pairs; other units are come upon in
        phrases, or asked for."""
        cdef int32_t[::1] owner_at = tables["owner_at"]
        cdef int32_t[::1] owners = tables["owners"]
        cdef int32_t word, at, kept = 0
        self.owner_at = <int32_t *>_room(self.n_words + 2, sizeof(int32_t))
        self.owners = <int32_t *>_room(len(owners), sizeof(int32_t))
        for word in range(self.n_words + 1):
            for at in range(owner_at[word], owner_at[word + 1]):
                if owners[at] < self.phrases and owners[at] not in paired:
                    self.owners[kept] = owners[at]
                    kept += 1
            self.owner_at[word + 1] = kept
        return 0

    cdef set _take_pairs(self, tables):
        """The phrases by the words of which two stand side by side in them; the phrases that have such pairs."""
        cdef int32_t[:, ::1] rows = tables["pairs"]
        cdef int32_t row, n_rows = <int32_t>rows.shape[0]
        cdef size_t total = 0, size = 1024
        cdef uint32_t at
        for row in range(n_rows):
            total += <size_t>self._size(rows[row, 1]) * self._size(rows[row, 2])
        while size < 2 * total:
            size *= 2
        self.pair_owners = <int32_t *>_room(total, sizeof(int32_t))
        while True:
            self.pair_mask, self.bit_mask = size - 1, 4 * size - 1
            self.pairs = <Pair *>_room(size, sizeof(Pair))
            self.pair_bits = <uint64_t *>_room(size // 16, sizeof(uint64_t))
            distinct = self._enter_pairs(rows, n_rows, 0)
            if size == 1024 or size < 3 * distinct:
                break
            size //= 2
            PyMem_Free(self.pairs)
            PyMem_Free(self.pair_bits)
        total = 0
        for at in range(self.pair_mask + 1):  # up to here the number of the pair's phrases
            if self.pairs[at].at:
                total += self.pairs[at].at
                self.pairs[at].at = total
                self.pair_owners[total - 1] = -1  # the last of a pair's phrases
        self._enter_pairs(rows, n_rows, 1)
        return {rows[row, 0] for row in range(n_rows)}

    cdef inline int32_t _size(self, int32_t number) noexcept:
        """How many words a set has."""
        cdef int32_t behind = self.sets[number + 1].at
        while behind > self.sets[number].at and self.set_words[behind - 1] == self.n_words:
            behind -= 1
        return behind - self.sets[number].at

    cdef int32_t _enter_pairs(self, int32_t[:, ::1] rows, int32_t n_rows, bint owners) noexcept:
        """Count how many phrases have a pair, or write them down from the last on; how many pairs are new."""
        cdef int32_t row, at, k, first, second, found = 0
        cdef Pair *pair
        for row in range(n_rows):
            first, second = self.sets[rows[row, 1]].at, self.sets[rows[row, 2]].at
            for at in range(first, first + self._size(rows[row, 1])):
                for k in range(second, second + self._size(rows[row, 2])):
                    pair = self._pair(self.set_words[at], self.set_words[k])
                    if not owners:
                        found += pair.at == 0
                        pair.at += 1
                        continue
                    pair.at -= 1
                    self.pair_owners[pair.at] = rows[row, 0] if self.pair_owners[pair.at] == 0 else -1 - rows[row, 0]
        return found

    cdef int _take_needs(self, tables) except -1:
        """The groups of words that a phrase needs besides, as far as there is room for them."""
        cdef int32_t[:, ::1] needs = tables["needs"]
        cdef int32_t[:, ::1] ranges = tables["ranges"]
        cdef int32_t phrase, k, n, at, size, kept
        self.needs = <Needs *>_room(self.phrases, sizeof(Needs))
        if needs.shape[1] != NEEDS or ranges.shape[1] != 2 * NEEDS or ranges.shape[0] != needs.shape[0]:
            raise ValueError(f"a plan of {needs.shape[1]} groups that a phrase needs; these steps take {NEEDS}")
        for phrase in range(self.phrases):
            self.needs[phrase].steps = self.sequences[phrase]
        for phrase in range(self.phrases):
            n = kept = 0
            for k in range(NEEDS):
                size = self._size(needs[phrase, k]) if needs[phrase, k] >= 0 else 0
                if size and kept + size <= MOST_NEEDED:
                    self.needs[phrase].sizes[n] = size
                    self.needs[phrase].low[n] = max(-128, min(ranges[phrase, k], 127))
                    self.needs[phrase].high[n] = max(-128, min(ranges[phrase, NEEDS + k], 127))
                    n += 1
                    for at in range(size):
                        self.needs[phrase].words[kept] = self.set_words[self.sets[needs[phrase, k]].at + at]
                        kept += 1
        return 0

    cdef inline uint32_t _key(self, int32_t first, int32_t second) noexcept:
        """The key of two words side by side, never 0."""
        return <uint32_t>first * <uint32_t>self.n_words + <uint32_t>second + 1

    cdef Pair *_pair(self, int32_t first, int32_t second) noexcept:
        """The pair of two words, made where there is none."""
        cdef uint32_t key = self._key(first, second)
        cdef uint32_t slot = _mixed(key) & self.bit_mask
        self.pair_bits[slot >> 6] |= (<uint64_t>1) << (slot & 63)
        slot &= self.pair_mask
        while self.pairs[slot].key and self.pairs[slot].key != key:
            slot = (slot + 1) & self.pair_mask
        self.pairs[slot].key = key
        return self.pairs + slot

    def __dealloc__(self):
        PyMem_Free(self.steps)
        PyMem_Free(self.sequences)
        PyMem_Free(self.owner_at)
        PyMem_Free(self.owners)
        PyMem_Free(self.pairs)
        PyMem_Free(self.pair_owners)
        PyMem_Free(self.pair_bits)
        PyMem_Free(self.text_codes)
        PyMem_Free(self.units)
        PyMem_Free(self.leads)
        PyMem_Free(self.sets)
        PyMem_Free(self.set_words)
        PyMem_Free(self.codes)
        PyMem_Free(self.pool)
        PyMem_Free(self.needs)
        PyMem_Free(self.groups)
        PyMem_Free(self.lead_words)
        PyMem_Free(self.slots)
        PyMem_Free(self.masks)
        PyMem_Free(self.present)
        PyMem_Free(self.kept)
        PyMem_Free(self.seen_in)
        PyMem_Free(self.seen_to)
        PyMem_Free(self.active)
        PyMem_Free(self.spots)

    # -- words to numbers

    cdef int32_t _learn(self, str word) except -1:
        """The code of a word that has not been met. What is asked may let other texts be looked at in between."""
        cdef int32_t code, number
        cdef list found
        names, odd = self._names_of(word)
        found = list(dict.fromkeys([self._ids[name] for name in (word, *names) if name in self._ids]))
        if not odd and len(found) < 2:
            return <int32_t>found[0] + 1 if found else 0
        if <size_t>(self.n_pool + 2 + len(found)) > self.pool_room:
            self.pool_room = 2 * (self.n_pool + 2 + len(found))
            self.pool = <int32_t *>_wider(self.pool, self.pool_room, sizeof(int32_t))
        code = self.n_pool
        self.pool[code], self.pool[code + 1] = <int32_t>len(found), bool(odd)
        self.n_pool += 2
        for number in found:
            self.pool[self.n_pool] = number
            self.n_pool += 1
        return self.n_words + 1 + code

    cdef int _learn_entry(self, Lexicon lexicon, int32_t number) except -1:
        cdef Entry *entry = lexicon.entries + number
        cdef uint32_t first = lexicon.characters[entry.at] - 97 if entry.length else 99
        cdef int32_t code, at
        cdef bint letters = first < 26 and not self.begin_letters >> first & 1
        for at in range(entry.length):
            letters = letters and c"a" <= lexicon.characters[entry.at + at] <= c"z"
        word = <str>entry.word
        if letters:  # such a word has no other names
            found = self._ids.get(word)
            code = 0 if found is None else <int32_t>found + 1
        else:
            code = self._learn(word)
        if self.lexicon is lexicon and <size_t>number < self.codes_room:
            self.codes[number] = code
        return 0

    cdef int _forget(self, Lexicon lexicon) except -1:
        """Begin anew with the words of a lexicon, or of no more than there are."""
        self._known.clear()
        self.n_pool = 0
        self.lexicon = lexicon
        if self.codes_room:
            memset(self.codes, 0xFF, self.codes_room * sizeof(int32_t))
        return 0

    cdef int _know(self, Form form) except -1:
        """Have the codes of a form's words at hand, and write them down."""
        cdef Lexicon lexicon = form.lexicon
        cdef Token *tokens = form.tokens
        cdef size_t had
        cdef int32_t at = 0, code
        cdef int64_t text = 0
        if self.n_pool > 16 * self.most_known:
            self._forget(lexicon)
        while True:
            if text != self.text or self.lexicon is not lexicon:  # at first, or other texts were looked at meanwhile
                if self.lexicon is not lexicon:
                    self._forget(lexicon)
                self._begin(form.count)
                at, text = 0, self.text
            if <size_t>lexicon.size > self.codes_room:
                had, self.codes_room = self.codes_room, 2 * <size_t>lexicon.size
                self.codes = <int32_t *>_wider(self.codes, self.codes_room, sizeof(int32_t))
                memset(self.codes + had, 0xFF, (self.codes_room - had) * sizeof(int32_t))
            while at < form.count:
                code = self.codes[tokens[at].entry]
                if code == UNKNOWN:
                    break
                self._put(code, at)
                at += 1
            if at == form.count:
                return 0
            self._learn_entry(lexicon, tokens[at].entry)

    # -- one text

    cpdef int64_t scan(self, list words) except -1:
        """Take a text in. Its number is returned."""
        cdef Py_ssize_t at
        cdef bint missing = True
        while missing:
            missing = False
            if len(self._known) >= self.most_known or self.n_pool > 16 * self.most_known:
                self._forget(self.lexicon)
            for word in words:
                if word not in self._known:
                    code = self._learn(word)
                    self._known[word] = code
            for word in words:
                missing = missing or word not in self._known
        self._begin(len(words))
        for at in range(len(words)):
            self._put(self._known[words[at]], at)
        self._open()
        return self.text

    cdef int scan_form(self, Form form) except -1:
        """The same for a compiled normal form."""
        self._know(form)
        self._open()
        return 0

    cdef int _begin(self, Py_ssize_t length) except -1:
        """The next text, of so many words."""
        self.text += 1
        self.length = <int>min(length, 2147483646)
        self.shallow = length > self.longest or (length > WINDOW and not self.stride)
        self.odd = self.sifted = False
        if <size_t>length > self.text_room:
            self.text_codes = <int32_t *>_wider(self.text_codes, 2 * length, sizeof(int32_t))
            self.text_room = 2 * length
        return 0

    cdef inline void _put(self, int32_t code, Py_ssize_t at) noexcept:
        """The word of a code stands at a place."""
        self.text_codes[at] = code
        if code > self.n_words and self.pool[code - self.n_words]:
            self.odd = True

    cdef void _open(self) noexcept:
        """Look at the text, or at its first window."""
        self.n_active = 0
        self._enter(0, self.length if self.shallow else min(self.length, WINDOW))
        if self.shallow or self.length <= WINDOW:
            self._activate()

    cdef inline bint _to(self, int k) noexcept:
        """Look at the window of this number; whether there is one."""
        cdef int base = k * self.stride
        if k and (self.shallow or base - self.stride + WINDOW >= self.length):
            return False
        if self.length > WINDOW and not self.shallow and (
            self.base != base or self.stop != min(base + WINDOW, self.length)
        ):
            self._enter(base, min(base + WINDOW, self.length))
        return True

    cdef void _enter(self, int base, int stop) noexcept:
        """Look at some words of the text: where they stand, the masks of marks, of other words and of every place."""
        cdef int32_t k, n, code
        cdef int at
        cdef uint64_t bit = 1
        cdef uint16_t *slots = self.slots
        for k in range(2, self.n_present + 1):
            slots[self.present[k]] = 0
        self.n_present = 1
        self._next()
        self.base, self.stop = base, stop
        for at in range(base, stop):
            code = self.text_codes[at]
            if code > 0:
                if code <= self.n_words:
                    self._stand(code - 1, bit)
                else:
                    code -= self.n_words + 1
                    for n in range(self.pool[code]):
                        self._stand(self.pool[code + 2 + n], bit)
            if not self.shallow:
                bit <<= 1
        self.marks_mask = self._of(self.marks[0]) | self._of(self.marks[1]) | self._of(self.marks[2])
        self.whole_mask = 0 if self.shallow else bit - 1
        self.others_mask = self.whole_mask & ~self.marks_mask
        self.text_first = base == 0
        self.text_last = bit if stop == self.length else 0
        self.own_mask = self.whole_mask if stop == self.length else ((<uint64_t>1) << self.stride) - 1

    cdef inline uint64_t _of(self, int32_t word) noexcept:
        """Where a word stands."""
        return self.masks[self.slots[word]]

    cdef inline void _stand(self, int32_t word, uint64_t bit) noexcept:
        cdef int32_t slot = self.slots[word]
        if slot:
            self.masks[slot] |= bit
            return
        self.n_present += 1
        self.slots[word] = self.n_present
        self.masks[self.n_present] = bit
        self.present[self.n_present] = word

    cdef void _next(self) noexcept:
        """The next window's number; after two thousand million they begin anew."""
        cdef int32_t k
        if self.epoch == 2147483647:
            for k in range(self.n_units):
                self.units[k].epoch = 0
            for k in range(self.n_sets):
                self.sets[k].epoch = 0
            self.epoch = 0
        self.epoch += 1

    cdef void _activate(self) noexcept:
        """The phrases whose anchors are there."""
        cdef int32_t k, word
        self.n_active = 0
        for k in range(2, self.n_present + 1):
            word = self.present[k]
            self._come_upon_owners(word)
        self._come_upon_owners(self.n_words)  # phrases without anchors
        self._side_by_side()

    cdef inline void _come_upon_owners(self, int32_t word) noexcept:
        cdef int32_t k
        for k in range(self.owner_at[word], self.owner_at[word + 1]):
            self._come_upon(self.owners[k], ANYWHERE)

    cdef void _side_by_side(self) noexcept:
        """The phrases of the pairs that words in a row are, by all their names. What is looked up lies far apart: it is
        asked for some steps ahead."""
        cdef Place found[BLOCK]
        cdef int32_t at, i, j, code, n = 0, n_firsts = 0, n_seconds, first = 0, second = 0
        cdef int32_t *firsts = &first
        cdef int32_t *seconds
        for at in range(self.base, self.stop):
            code = self.text_codes[at]
            if 0 < code <= self.n_words and n_firsts == 1 and firsts == &first:  # as mostly: one name each
                found[n].key = <uint32_t>first * <uint32_t>self.n_words + <uint32_t>code
                found[n].slot = _mixed(found[n].key)
                found[n].at = ANYWHERE if self.shallow else at - 1 - self.base
                soon(self.pair_bits + ((found[n].slot & self.bit_mask) >> 6))
                n += 1
                if n == BLOCK:
                    self._look_up(found, n)
                    n = 0
                first = code - 1
                continue
            seconds, n_seconds = &second, code > 0
            if code > self.n_words:
                seconds = self.pool + (code - self.n_words - 1)
                n_seconds = seconds[0]
                seconds += 2
            else:
                second = code - 1
            for i in range(n_firsts):
                for j in range(n_seconds):
                    found[n].key = self._key(firsts[i], seconds[j])
                    found[n].slot = _mixed(found[n].key)
                    found[n].at = ANYWHERE if self.shallow else at - 1 - self.base
                    soon(self.pair_bits + ((found[n].slot & self.bit_mask) >> 6))
                    n += 1
                    if n == BLOCK:
                        self._look_up(found, n)
                        n = 0
            if seconds == &second:
                first, firsts = second, &first
            else:
                firsts = seconds
            n_firsts = n_seconds
        self._look_up(found, n)

    cdef void _look_up(self, Place *found, int32_t count) noexcept:
        cdef Found phrases[BLOCK]
        cdef int32_t k, n = 0, kept = 0, phrase
        cdef uint32_t slot
        for k in range(count):
            slot = found[k].slot & self.bit_mask
            if self.pair_bits[slot >> 6] >> (slot & 63) & 1:
                found[kept] = found[k]
                soon(self.pairs + (slot & self.pair_mask))
                kept += 1
        count, kept = kept, 0
        for k in range(count):
            slot = found[k].slot & self.pair_mask
            while self.pairs[slot].key and self.pairs[slot].key != found[k].key:
                slot = (slot + 1) & self.pair_mask
            if self.pairs[slot].key:
                found[kept].slot, found[kept].at = self.pairs[slot].at, found[k].at
                soon(self.pair_owners + self.pairs[slot].at)
                kept += 1
        for k in range(kept):
            slot = found[k].slot
            while True:
                phrase = self.pair_owners[slot]
                phrases[n].phrase = phrase if phrase >= 0 else -1 - phrase
                phrases[n].at = found[k].at
                soon(self.needs + phrases[n].phrase)
                n += 1
                if n == BLOCK:
                    self._come_upon_all(phrases, n)
                    n = 0
                if phrase < 0:
                    break
                slot += 1
        self._come_upon_all(phrases, n)

    cdef void _come_upon_all(self, const Found *found, int32_t count) noexcept:
        cdef int32_t k
        for k in range(count):
            self._come_upon(found[k].phrase, found[k].at)

    cdef inline void _come_upon(self, int32_t phrase, int32_t at) noexcept:
        """A phrase may be there: keep it if all is there that it needs besides, as far from its pair as it can be."""
        if self._has_needs(self.needs + phrase, at) and self.units[phrase].epoch != self.epoch:
            self.units[phrase].epoch = self.epoch
            self.active[self.n_active] = phrase
            self.n_active += 1
            soon(self.steps + self.needs[phrase].steps)

    cdef inline bint _has_needs(self, Needs *needs, int32_t at) noexcept:
        cdef int32_t k, low, high
        cdef uint64_t any
        cdef const uint16_t *word = needs.words
        cdef const uint16_t *behind = word
        cdef const uint16_t *slots = self.slots
        cdef const uint64_t *masks = self.masks
        for k in range(NEEDS):
            if not needs.sizes[k]:
                break
            behind += needs.sizes[k]
            any = masks[slots[word[0]]]
            word += 1
            while word < behind:
                any |= masks[slots[word[0]]]
                word += 1
            if at != ANYWHERE:
                low, high = at + needs.low[k], at + needs.high[k]
                if low > WINDOW or high < 0:
                    return False
                if low > 0:
                    any = any >> low << low
                if high < WINDOW:
                    any &= ((<uint64_t>2) << high) - 1
            if not any:
                return False
        return True

    cdef inline bint _has_others(self, Unit *unit) noexcept:
        cdef int32_t k
        for k in range(OTHERS):
            if unit.others[k] < 0:
                return True
            if not self.slots[unit.others[k]]:
                return False
        return True

    # -- what can be there

    cdef void _sift(self) noexcept:
        """Of the phrases whose anchors are there those that can be in the text, in order."""
        cdef int32_t k, n = 0, phrase, kept = 0
        if self.sifted:
            return
        self.sifted = True
        if not self.shallow:
            while self._to(n):
                if self.length > WINDOW:
                    self._activate()
                for k in range(self.n_active):
                    phrase = self.active[k]
                    if self.seen_in[phrase] != self.text and self._narrow(phrase, self.own_mask):
                        self.seen_in[phrase] = self.text
                        self.kept[kept] = phrase
                        kept += 1
                n += 1
            memcpy(self.active, self.kept, kept * sizeof(int32_t))
            self.n_active = kept
        if self.n_active > 1:
            qsort(self.active, self.n_active, sizeof(int32_t), &_by_number)

    def found(self):
        """The phrases that can be in the text, in order."""
        cdef int32_t k
        self._sift()
        return [self.active[k] for k in range(self.n_active)]

    def can(self, int32_t first, int32_t count):
        """Whether one of some units in a row can be in the text."""
        cdef int k = 0
        while self._to(k):
            if self._can(first, count):
                return True
            k += 1
        return False

    cdef bint _can(self, int32_t first, int32_t count) noexcept:
        """The same of the window."""
        cdef int32_t unit
        for unit in range(first, first + count):
            if self._can_begin(unit) and (self.shallow or self._narrow(unit, self.whole_mask)):
                return True
        return False

    cdef bint _is_between(self, int32_t first, int32_t count, int begin, int end) noexcept:
        """Whether one of some loose units in a row is in these words of a text, taken for a text of their own."""
        cdef int base = 0
        cdef bint found = False
        if self.length > WINDOW:
            base = begin
            self._enter(base, min(base + WINDOW, end))
        while True:
            self.loose_first = (<uint64_t>1) << (begin - base) if begin >= base else 0
            self.loose_last = (<uint64_t>1) << (end - base) if end <= base + WINDOW else 0
            found = self._is_within(first, count, max(begin - base, 0), min(end - base, WINDOW))
            if found or self.length <= WINDOW or self.stop >= end:
                break
            base += self.stride
            self._enter(base, min(base + WINDOW, end))
        self.loose_first = self.loose_last = ~(<uint64_t>0)
        return found

    cdef bint _is_within(self, int32_t first, int32_t count, int begin, int end) noexcept:
        """The same of these words of the window."""
        cdef uint64_t begins = self.whole_mask & ~(((<uint64_t>1) << begin) - 1)
        cdef uint64_t ends = ((<uint64_t>2) << end) - 1
        cdef int32_t unit
        for unit in range(first, first + count):
            if self._can_begin(unit) and self._narrow(unit, begins) & ends:
                return True
        return False

    cdef inline bint _can_begin(self, int32_t number) noexcept:
        """Whether what a unit begins with is there, and some of what it needs besides."""
        cdef int32_t lead = self.leads[number]
        if lead >= 0:
            if not self.slots[lead]:
                return False
        elif lead < ANYTHING and not self._set(-2 - lead):
            return False
        return self._has_others(self.units + number)

    # -- where it is

    def located(self, int32_t unit):
        """Where a unit stands: the longest match at the first place, then on behind it; None where RE2 has to say."""
        cdef int32_t k
        cdef int n = 0, behind = 0
        if self.odd or self.shallow:
            return None
        found = []
        while self._to(n):
            behind = self._locate(unit, behind)
            found += [(self.spots[2 * k], self.spots[2 * k + 1]) for k in range(self.n_spots)]
            n += 1
        return found

    cdef int _locate(self, int32_t unit, int behind) noexcept:
        """The same of the window, from a place on; where to go on."""
        cdef uint64_t begins = self.own_mask & self._begins(unit)
        cdef uint64_t ends
        cdef int at, end
        self.n_spots = 0
        if behind > self.base:
            if behind - self.base >= WINDOW:
                return behind
            begins &= ~(((<uint64_t>1) << (behind - self.base)) - 1)
        if not begins:
            return behind
        ends = self._narrow(unit, begins)
        if not ends:
            return behind
        if begins & (begins - 1):
            begins &= self._begins_of_any(unit)
        if not begins & (begins - 1):  # there is but one place
            return self._spot(lowest_bit(begins), highest_bit(ends))
        while begins:
            at = lowest_bit(begins)
            begins &= begins - 1
            ends = self._narrow(unit, (<uint64_t>1) << at)
            if ends:
                end = highest_bit(ends)
                behind = self._spot(at, end)
                if end > at + 1:
                    begins &= ~(((<uint64_t>1) << end) - 1)
        return behind

    cdef inline int _spot(self, int begin, int end) noexcept:
        """Write down a match in the window; where to go on."""
        self.spots[2 * self.n_spots] = self.base + begin
        self.spots[2 * self.n_spots + 1] = self.base + end
        self.n_spots += 1
        return self.base + max(begin + 1, end)

    cdef inline uint64_t _begins(self, int32_t unit) noexcept:
        """Where a unit can begin, as far as its first step says."""
        cdef int32_t lead = self.leads[unit]
        if lead >= 0:
            return self._of(lead)
        return self._set(-2 - lead) if lead < ANYTHING else ~(<uint64_t>0)

    cdef uint64_t _begins_of_any(self, int32_t unit) noexcept:
        """The same of a unit that begins with alternatives."""
        cdef uint32_t step = self.steps[self.sequences[unit]]
        cdef uint64_t found
        cdef Group *group
        cdef int32_t k
        if step & ((1 << BITS) - 1) != C_ONE:
            return ~(<uint64_t>0)
        group = self.groups + (step >> BITS)
        found = self._set(group.set) if group.set >= 0 else 0
        for k in range(group.base, group.base + group.count):
            found |= self._begins(k)
        return found

    # -- steps

    cdef inline uint64_t _set(self, int32_t number) noexcept:
        """Where the words of a set stand."""
        cdef Set *found = self.sets + number
        cdef uint64_t mask = 0
        cdef const uint16_t *word
        cdef const uint16_t *behind
        cdef const uint16_t *slots = self.slots
        cdef const uint64_t *masks = self.masks
        if found.epoch != self.epoch:
            word, behind = self.set_words + found.at, self.set_words + (found + 1).at
            while word < behind:
                mask |= masks[slots[word[0]]] | masks[slots[word[1]]] | masks[slots[word[2]]] | masks[slots[word[3]]]
                word += 4
            found.epoch = self.epoch
            found.mask = mask
        return found.mask

    cdef inline uint64_t _narrow(self, int32_t sequence, uint64_t at) noexcept:
        """Where these steps can end that begin at the places ``at``."""
        return self._follow(self.steps + self.sequences[sequence], at)

    cdef uint64_t _follow(self, const uint32_t *step, uint64_t at) noexcept:
        """The same of steps from one of them on."""
        cdef uint64_t own
        cdef int32_t n, code, value
        while at:
            code, value = step[0] & ((1 << BITS) - 1), step[0] >> BITS
            if code == C_WORD:
                at = (at & self._of(value)) << 1
            elif code == C_WORDS:
                at = (at & self._set(value)) << 1
            elif code == C_BEHIND:
                return at
            elif code == C_ONE:
                at = self._any(self.groups + value, at)
            elif code == C_MAYBE:
                at |= self._narrow(value, at)
            elif code == C_ANY:
                at = (at & self.others_mask) << 1
            elif code == C_GAP:
                own = at
                for n in range(value):
                    own = (own & self.others_mask) << 1
                    if not own:
                        break
                    at |= own
            elif code == C_AMOUNT:
                at = (at & self._of(self.number_id)) << 1
                at |= (((at & self.marks_mask) << 1) & self._of(self.number_id)) << 1
            else:
                own = (at & self.marks_mask) << 1
                if value:
                    at &= self.loose_first if code == C_START else self.loose_last
                else:  # only the text's own beginning or end
                    at &= self.text_first if code == C_START else self.text_last
                at |= own
            step += 1
        return 0

    cdef uint64_t _any(self, Group *group, uint64_t at) noexcept:
        """Where these alternatives can end."""
        cdef uint64_t found = (at & self._set(group.set)) << 1 if group.set >= 0 else 0
        cdef uint16_t *lead = self.lead_words + group.base
        cdef uint16_t *behind = lead + group.count
        cdef const uint32_t *step
        cdef uint64_t own
        cdef int code
        while lead < behind:
            if at & self._of(lead[0]):
                step = self.steps + self.sequences[lead - self.lead_words]
                own = at
                while own:  # mostly nothing but words
                    code = step[0] & ((1 << BITS) - 1)
                    if code == C_WORD:
                        own = (own & self._of(step[0] >> BITS)) << 1
                    elif code == C_WORDS:
                        own = (own & self._set(step[0] >> BITS)) << 1
                    else:
                        found |= own if code == C_BEHIND else self._follow(step, own)
                        break
                    step += 1
            lead += 1
        return found


cdef int _by_number(const void *one, const void *other) noexcept nogil:
    return (<int32_t *>one)[0] - (<int32_t *>other)[0]


include "_finder.pxi"
include "_turns.pxi"
