# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The sieve's two steps over one text, compiled. Same answers as servicequal.sieve.Scan, which says what they are.

Bit *i* of a mask stands for the place before word *i*. The masks of a text of up to 63 words are one 64-bit number each
(*narrow*), those of a longer one as many as it needs (*wide*). What belongs to one text carries its number (``epoch``),
so hardly anything has to be wiped between texts. A :class:`Finder` goes on from there to the cues themselves.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
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
    MOST_NEEDED = 28
    BLOCK = 64          # looked up together
    NARROW = 63         # words of a text whose masks are one number
    UNKNOWN = -1        # a word that the sieve has not met
    ANYTHING = -1       # a unit that may begin with whatever there is

cdef struct Step:
    int32_t code
    int32_t value   # WORD: word; WORDS, ONE: set or -1; GAP: words; START, END: loose; MAYBE: sequence
    int32_t base    # ONE: first unit
    int32_t count   # ONE: units


cdef struct Unit:
    int32_t epoch           # of a phrase that was looked at
    int32_t others[OTHERS]  # words that must be there besides its first anchor; -1: no more


cdef struct Needs:          # of a phrase: up to four groups of words of which one each must be there
    uint8_t sizes[NEEDS]
    int32_t steps           # where its steps begin
    uint16_t words[MOST_NEEDED]


cdef struct Pair:           # two words that stand side by side in some phrases
    uint32_t key            # 0: no pair
    int32_t at              # where its owners begin; the last of them is below zero


cdef struct Set:
    uint64_t mask
    int32_t epoch
    int32_t at              # where its words begin among those of all sets


cdef struct Place:          # of a pair that is looked up
    uint32_t key
    uint32_t slot


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


cdef class Table:
    """Flat tables of a sieve's units, and room for one text at a time."""

    cdef readonly int phrases
    cdef int longest, depth
    cdef dict _ids, _known
    cdef object _names_of
    cdef int most_known
    cdef uint32_t begin_letters     # which of a-z the known beginnings of words begin with
    cdef int32_t number_id
    cdef int32_t marks[3]
    cdef int32_t n_units, n_words, n_sets
    cdef Step *steps
    cdef int32_t *sequences     # where each begins among the steps; one more at the end
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
    cdef Set *sets
    cdef int32_t *set_words
    cdef Lexicon lexicon        # whose entries' codes are at hand
    cdef int32_t *codes         # by entry: 0 nothing, a word's number + 1, or past those a place in the pool
    cdef size_t codes_room
    cdef int32_t *pool          # how many numbers, whether a phrase may end inside the word, the numbers
    cdef int32_t n_pool
    cdef size_t pool_room
    cdef readonly int32_t epoch
    cdef uint64_t *place        # of words: their mask, or in a wide text whether they are there
    cdef uint64_t *there        # which words are there, a bit each
    cdef int32_t *slot          # of a word among those present
    cdef int32_t *present
    cdef int32_t n_present
    cdef int32_t *active        # phrases whose anchors are there, then those that can be there
    cdef readonly int32_t n_active
    cdef bint sifted            # whether these are only those that can be there
    cdef int32_t *grouped       # a group's units that can begin in this text, from its first on
    cdef int32_t *n_grouped
    cdef int32_t *group_epoch
    cdef int length, width
    cdef bint shallow, odd
    cdef uint64_t whole_mask, others_mask, marks_mask
    cdef int part_begin, part_end           # the words that loose units are looked for in; -1: any part of the text
    cdef uint64_t loose_first, loose_last   # where a loose unit may have its beginning and its end of a sentence
    cdef uint64_t *places       # of the words present, in a wide text
    cdef size_t places_room
    cdef uint64_t *set_masks
    cdef uint64_t *room         # words that are no marks, marks, nothing, the whole, and two masks a level
    cdef size_t width_room
    cdef int32_t *spots         # where the unit asked for last stands: pairs of first word and the one behind
    cdef int32_t n_spots
    cdef size_t spots_room

    def __cinit__(self, plan, names_of, str number, int longest, int most_known):
        """``plan`` is a servicequal.plan.Plan, ``names_of`` gives a word's other names."""
        self.phrases, self.longest, self.most_known = plan.phrases, longest, most_known
        self._names_of, self._known = names_of, {}
        self._ids = {word_: at_ for at_, word_ in enumerate(plan.words)}
        for begin in plan.begins:
            if "a" <= begin[0] <= "z":
                self.begin_letters |= <uint32_t>1 << (ord(begin[0]) - 97)
        self.n_units, self.n_words, self.n_sets = plan.units, len(plan.words), len(plan.tables["set_at"]) - 1
        self.depth = plan.depth + 2
        self.number_id = self._ids[number]
        for at, mark in enumerate(".?:"):
            self.marks[at] = self._ids[mark]
        self.sequences = _copied(plan.tables["sequences"])
        self.set_words = _copied(plan.tables["set_words"])
        self.place = <uint64_t *>_room(self.n_words, sizeof(uint64_t))
        self.there = <uint64_t *>_room(self.n_words // 64 + 1, sizeof(uint64_t))
        self.slot = <int32_t *>_room(self.n_words, sizeof(int32_t))
        self.present = <int32_t *>_room(self.n_words + 1, sizeof(int32_t))
        self.active = <int32_t *>_room(self.phrases, sizeof(int32_t))
        self.grouped = <int32_t *>_room(self.n_units, sizeof(int32_t))
        self.n_grouped = <int32_t *>_room(self.n_units, sizeof(int32_t))
        self.group_epoch = <int32_t *>_room(self.n_units, sizeof(int32_t))
        self._take_units(plan.tables)
        self.loose_first = self.loose_last = ~(<uint64_t>0)
        self.part_begin = self.part_end = -1
        paired = self._take_pairs(plan.tables)
        self._take_owners(plan.tables, paired)
        self._take_needs(plan.tables)
        self._widen(1)

    cdef int _take_units(self, tables) except -1:
        cdef int32_t[:, ::1] rows = tables["steps"]
        cdef int32_t[:, ::1] others = tables["others"]
        cdef int32_t[::1] set_at = tables["set_at"]
        cdef int32_t at, k
        cdef Step first
        if others.shape[1] != OTHERS:
            raise ValueError(f"a plan of {others.shape[1]} further words for each unit; these steps take {OTHERS}")
        self.steps = <Step *>_room(rows.shape[0], sizeof(Step))
        for at in range(rows.shape[0]):
            self.steps[at] = Step(rows[at, 0], rows[at, 1], rows[at, 2], rows[at, 3])
        self.sets = <Set *>_room(self.n_sets + 1, sizeof(Set))
        for at in range(self.n_sets + 1):
            self.sets[at].at = set_at[at]
        self.units = <Unit *>_room(self.n_units, sizeof(Unit))
        self.leads = <int32_t *>_room(self.n_units, sizeof(int32_t))
        for at in range(self.n_units):
            for k in range(OTHERS):
                self.units[at].others[k] = others[at, k]
            self.leads[at] = ANYTHING
            if self.sequences[at] < self.sequences[at + 1]:
                first = self.steps[self.sequences[at]]
                if first.code == C_WORD:
                    self.leads[at] = first.value
                elif first.code == C_WORDS:
                    self.leads[at] = -2 - first.value
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
        cdef int32_t row, n_rows = <int32_t>rows.shape[0] if self.n_words < 65536 else 0
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
        return self.sets[number + 1].at - self.sets[number].at

    cdef int32_t _enter_pairs(self, int32_t[:, ::1] rows, int32_t n_rows, bint owners) noexcept:
        """Count how many phrases have a pair, or write them down from the last on; how many pairs are new."""
        cdef int32_t row, at, k, found = 0
        cdef Pair *pair
        for row in range(n_rows):
            for at in range(self.sets[rows[row, 1]].at, self.sets[rows[row, 1] + 1].at):
                for k in range(self.sets[rows[row, 2]].at, self.sets[rows[row, 2] + 1].at):
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
        cdef int32_t phrase, k, n, at, size, kept
        self.needs = <Needs *>_room(self.phrases, sizeof(Needs))
        if needs.shape[1] != NEEDS:
            raise ValueError(f"a plan of {needs.shape[1]} groups that a phrase needs; these steps take {NEEDS}")
        for phrase in range(self.phrases):
            self.needs[phrase].steps = self.sequences[phrase]
        for phrase in range(self.phrases if self.n_words < 65536 else 0):
            n = kept = 0
            for k in range(NEEDS):
                size = self._size(needs[phrase, k]) if needs[phrase, k] >= 0 else 0
                if size and kept + size <= MOST_NEEDED:
                    self.needs[phrase].sizes[n] = size
                    n += 1
                    for at in range(self.sets[needs[phrase, k]].at, self.sets[needs[phrase, k] + 1].at):
                        self.needs[phrase].words[kept] = self.set_words[at]
                        kept += 1
        return 0

    cdef inline uint32_t _key(self, int32_t first, int32_t second) noexcept:
        """The key of two words side by side, never 0; words are fewer than 65,536 where there are pairs."""
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
        PyMem_Free(self.place)
        PyMem_Free(self.there)
        PyMem_Free(self.needs)
        PyMem_Free(self.slot)
        PyMem_Free(self.present)
        PyMem_Free(self.active)
        PyMem_Free(self.grouped)
        PyMem_Free(self.n_grouped)
        PyMem_Free(self.group_epoch)
        PyMem_Free(self.places)
        PyMem_Free(self.set_masks)
        PyMem_Free(self.room)
        PyMem_Free(self.spots)

    cdef int _widen(self, size_t width) except -1:
        """Room for masks of this many words."""
        cdef int32_t at
        if width <= self.width_room:
            return 0
        width = max(width, 2 * self.width_room)
        self.set_masks = <uint64_t *>_wider(self.set_masks, (self.n_sets + 1) * width, sizeof(uint64_t))
        self.room = <uint64_t *>_wider(self.room, (4 + 2 * self.depth) * width, sizeof(uint64_t))
        for at in range(self.n_sets):
            self.sets[at].epoch = 0
        self.width_room = width
        return 0

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
        """Have the codes of a form's words at hand."""
        cdef Lexicon lexicon = form.lexicon
        cdef size_t had
        cdef int32_t at
        cdef bint missing = True
        while missing:
            missing = False
            if self.lexicon is not lexicon or self.n_pool > 16 * self.most_known:
                self._forget(lexicon)
            if <size_t>lexicon.size > self.codes_room:
                had, self.codes_room = self.codes_room, 2 * <size_t>lexicon.size
                self.codes = <int32_t *>_wider(self.codes, self.codes_room, sizeof(int32_t))
                memset(self.codes + had, 0xFF, (self.codes_room - had) * sizeof(int32_t))
            for at in range(form.count):
                if self.codes[form.tokens[at].entry] == UNKNOWN:
                    self._learn_entry(lexicon, form.tokens[at].entry)
                    missing = True
                    if self.lexicon is not lexicon:
                        break
        return 0

    # -- one text

    cpdef int32_t scan(self, list words) except -1:
        """Take a text in: where its words stand, and the phrases whose anchors are all there. Its number is returned."""
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
        self._activate()
        return self.epoch

    cdef int32_t scan_form(self, Form form) except -1:
        """The same for a compiled normal form."""
        cdef int32_t at
        self._know(form)
        self._begin(form.count)
        for at in range(form.count):
            self._put(self.codes[form.tokens[at].entry], at)
        self._activate()
        return self.epoch

    cdef int _begin(self, Py_ssize_t length) except -1:
        cdef int32_t k
        for k in range(self.n_present):
            self.place[self.present[k]] = 0
            self.there[self.present[k] >> 6] = 0
        self.n_present = self.n_active = 0
        self._next()
        self.length = <int>min(length, 2147483646)
        self.shallow = length > self.longest
        self.odd = self.sifted = False
        self.width = 1 if self.shallow else self.length // 64 + 1
        self._widen(self.width)
        if <size_t>length > self.text_room:
            self.text_codes = <int32_t *>_wider(self.text_codes, 2 * length, sizeof(int32_t))
            self.text_room = 2 * length
        return 0

    cdef void _next(self) noexcept:
        """The next text's number; after two thousand million they begin anew."""
        cdef int32_t k
        if self.epoch == 2147483647:
            memset(self.group_epoch, 0, self.n_units * sizeof(int32_t))
            for k in range(self.n_units):
                self.units[k].epoch = 0
            for k in range(self.n_sets):
                self.sets[k].epoch = 0
            self.epoch = 0
        self.epoch += 1

    cdef inline int _put(self, int32_t code, Py_ssize_t at) except -1:
        """The word of a code stands at a place."""
        cdef int32_t k
        self.text_codes[at] = code
        if code <= 0:
            return 0
        if code <= self.n_words:
            return self._stand(code - 1, at)
        code -= self.n_words + 1
        if self.pool[code + 1]:
            self.odd = True
        for k in range(self.pool[code]):
            self._stand(self.pool[code + 2 + k], at)
        return 0

    cdef inline int _stand(self, int32_t word, Py_ssize_t at) except -1:
        cdef size_t needed
        if self.width == 1 and not self.shallow:
            if not self.place[word]:
                self.present[self.n_present] = word
                self.n_present += 1
                self.there[word >> 6] |= (<uint64_t>1) << (word & 63)
            self.place[word] |= (<uint64_t>1) << at
            return 0
        if not self.place[word]:
            needed = <size_t>(self.n_present + 1) * self.width
            if needed > self.places_room:
                self.places = <uint64_t *>_wider(self.places, 2 * needed, sizeof(uint64_t))
                self.places_room = 2 * needed
            memset(self.places + <size_t>self.n_present * self.width, 0, self.width * sizeof(uint64_t))
            self.place[word] = 1
            self.there[word >> 6] |= (<uint64_t>1) << (word & 63)
            self.slot[word] = self.n_present
            self.present[self.n_present] = word
            self.n_present += 1
        if not self.shallow:
            self.places[<size_t>self.slot[word] * self.width + (at >> 6)] |= (<uint64_t>1) << (at & 63)
        return 0

    cdef int _activate(self) except -1:
        """The phrases whose anchors are there; the masks of marks, of other words and of every place."""
        cdef int32_t k, word
        self.present[self.n_present] = self.n_words  # phrases without anchors
        for k in range(self.n_present + 1):
            word = self.present[k]
            self._come_upon(self.owners + self.owner_at[word], self.owner_at[word + 1] - self.owner_at[word])
        self._side_by_side()
        if self.width == 1:
            self.marks_mask = self.place[self.marks[0]] | self.place[self.marks[1]] | self.place[self.marks[2]]
            self.whole_mask = 0 if self.shallow else ((<uint64_t>1) << self.length) - 1
            self.others_mask = self.whole_mask & ~self.marks_mask
        else:
            self._mark()
        return 0

    cdef void _side_by_side(self) noexcept:
        """The phrases of the pairs that words in a row are, by all their names. What is looked up lies far apart: it is
        asked for some steps ahead."""
        cdef Place found[BLOCK]
        cdef int32_t at, i, j, code, n = 0, n_firsts = 0, n_seconds, first, second = 0
        cdef int32_t *firsts = &first
        cdef int32_t *seconds
        for at in range(self.length):
            code = self.text_codes[at]
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
        cdef int32_t phrases[BLOCK]
        cdef int32_t k, n = 0, kept = 0
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
                found[kept].slot = self.pairs[slot].at
                soon(self.pair_owners + self.pairs[slot].at)
                kept += 1
        for k in range(kept):
            slot = found[k].slot
            while True:
                phrases[n] = self.pair_owners[slot]
                if phrases[n] < 0:
                    phrases[n] = -1 - phrases[n]
                    found[k].key = 0
                soon(self.needs + phrases[n])
                n += 1
                if n == BLOCK:
                    self._come_upon(phrases, n)
                    n = 0
                if not found[k].key:
                    break
                slot += 1
        self._come_upon(phrases, n)

    cdef void _come_upon(self, const int32_t *phrases, int32_t count) noexcept:
        """Some phrases may be there: keep those of which all is there that they need besides."""
        cdef int32_t k, phrase
        for k in range(count):
            phrase = phrases[k]
            if self._has_needs(self.needs + phrase) and self.units[phrase].epoch != self.epoch:
                self.units[phrase].epoch = self.epoch
                self.active[self.n_active] = phrase
                self.n_active += 1
                soon(self.steps + self.needs[phrase].steps)

    cdef inline bint _has_needs(self, Needs *needs) noexcept:
        cdef int32_t k, n = 0, behind = 0
        cdef uint64_t any
        for k in range(NEEDS):
            if not needs.sizes[k]:
                break
            behind += needs.sizes[k]
            any = 0
            while n < behind:
                any |= self.there[needs.words[n] >> 6] >> (needs.words[n] & 63)
                n += 1
            if not any & 1:
                return False
        return True

    cdef inline bint _has_others(self, Unit *unit) noexcept:
        cdef int32_t k
        for k in range(OTHERS):
            if unit.others[k] < 0:
                return True
            if not self.place[unit.others[k]]:
                return False
        return True

    cdef void _mark(self) noexcept:
        """The masks of the marks, of all other words, and of every place of a wide text."""
        cdef int32_t k, i
        cdef int width = self.width
        cdef uint64_t *others = self.room
        cdef uint64_t *marks = self.room + width
        cdef uint64_t *whole = self.room + 3 * width
        memset(self.room, 0, 4 * width * sizeof(uint64_t))
        for k in range(3):
            if self.place[self.marks[k]]:
                for i in range(width):
                    marks[i] |= self.places[<size_t>self.slot[self.marks[k]] * width + i]
        for i in range(self.length):
            whole[i >> 6] |= (<uint64_t>1) << (i & 63)
        for i in range(width):
            others[i] = whole[i] & ~marks[i]

    # -- what can be there

    cdef void _sift(self) noexcept:
        """Of the phrases whose anchors are there those that can be in the text, in order."""
        cdef int32_t k, phrase, kept = 0
        if self.sifted:
            return
        self.sifted = True
        for k in range(self.n_active):
            phrase = self.active[k]
            if self.shallow or self._whole(phrase):
                self.active[kept] = phrase
                kept += 1
        self.n_active = kept
        if kept > 1:
            qsort(self.active, kept, sizeof(int32_t), &_by_number)

    def found(self):
        """The phrases that can be in the text, in order."""
        cdef int32_t k
        self._sift()
        return [self.active[k] for k in range(self.n_active)]

    def can(self, int32_t first, int32_t count):
        """Whether one of some units in a row can be in the text."""
        return self._can(first, count)

    cdef bint _can(self, int32_t first, int32_t count) noexcept:
        cdef int32_t unit
        for unit in range(first, first + count):
            if self._can_begin(unit) and (self.shallow or self._whole(unit)):
                return True
        return False

    cdef bint _is_between(self, int32_t first, int32_t count, int begin, int end) noexcept:
        """Whether one of some loose units in a row is in these words of a text, taken for a text of their own."""
        if self.width > 1:
            return self._is_between_wide(first, count, begin, end)
        cdef uint64_t begins = self.whole_mask & ~(((<uint64_t>1) << begin) - 1)
        cdef uint64_t ends = ((<uint64_t>2) << end) - 1
        cdef int32_t unit
        cdef bint found = False
        self.loose_first, self.loose_last = (<uint64_t>1) << begin, (<uint64_t>1) << end
        for unit in range(first, first + count):
            if self._can_begin(unit) and self._narrow(unit, begins) & ends:
                found = True
                break
        self.loose_first = self.loose_last = ~(<uint64_t>0)
        return found

    cdef bint _is_between_wide(self, int32_t first, int32_t count, int begin, int end) noexcept:
        cdef uint64_t *mask = self.room + 4 * self.width
        cdef int32_t unit
        cdef int at
        cdef bint found = False
        self.part_begin, self.part_end = begin, end
        for unit in range(first, first + count):
            if not self._can_begin(unit):
                continue
            memset(mask, 0, self.width * sizeof(uint64_t))
            for at in range(begin, end):
                mask[at >> 6] |= (<uint64_t>1) << (at & 63)
            if not self._ends(unit, mask, 1):
                continue
            for at in range(begin, end + 1):
                found = found or mask[at >> 6] >> (at & 63) & 1
            if found:
                break
        self.part_begin = self.part_end = -1
        return found

    cdef inline bint _can_begin(self, int32_t number) noexcept:
        """Whether what a unit begins with is there, and some of what it needs besides."""
        cdef int32_t lead = self.leads[number]
        if lead >= 0:
            if not self.place[lead]:
                return False
        elif lead < ANYTHING and not self._any_of(-2 - lead):
            return False
        return self._has_others(self.units + number)

    cdef int32_t _group(self, int32_t base, int32_t count) noexcept:
        """How many of a group's units can begin in this text; they are written down."""
        cdef int32_t unit, kept
        if self.group_epoch[base] != self.epoch:
            kept = 0
            for unit in range(base, base + count):
                if self._can_begin(unit):
                    self.grouped[base + kept] = unit
                    kept += 1
            self.group_epoch[base] = self.epoch
            self.n_grouped[base] = kept
        return self.n_grouped[base]

    cdef bint _any_of(self, int32_t number) noexcept:
        """Whether a word of a set is there."""
        cdef uint64_t *mask
        cdef uint64_t any = 0
        cdef int32_t k
        if self.shallow:
            for k in range(self.sets[number].at, self.sets[number + 1].at):
                any |= self.place[self.set_words[k]]
            return any != 0
        if self.width == 1:
            return self._narrow_set(number) != 0
        mask = self._set(number)
        for k in range(self.width):
            any |= mask[k]
        return any != 0

    cdef bint _whole(self, int32_t unit) noexcept:
        """Whether a unit stands anywhere."""
        cdef uint64_t *at
        if self.width == 1:
            return self._narrow(unit, self.whole_mask) != 0
        at = self.room + 4 * self.width
        memcpy(at, self.room + 3 * self.width, self.width * sizeof(uint64_t))
        return self._ends(unit, at, 1)

    # -- where it is

    def located(self, int32_t unit):
        """Where a unit stands: the longest match at the first place, then on behind it; None where RE2 has to say."""
        cdef int32_t k
        if self.odd or self.shallow:
            return None
        self._locate(unit)
        return [(self.spots[2 * k], self.spots[2 * k + 1]) for k in range(self.n_spots)]

    cdef int _locate(self, int32_t unit) except -1:
        if self.spots_room < 2 * <size_t>self.length + 2:
            self.spots = <int32_t *>_wider(self.spots, 4 * self.length + 2, sizeof(int32_t))
            self.spots_room = 4 * <size_t>self.length + 2
        self.n_spots = 0
        if self.width == 1:
            self._locate_narrow(unit)
        else:
            self._locate_wide(unit)
        return 0

    cdef inline void _spot(self, int begin, int end) noexcept:
        self.spots[2 * self.n_spots] = begin
        self.spots[2 * self.n_spots + 1] = end
        self.n_spots += 1

    cdef void _locate_narrow(self, int32_t unit) noexcept:
        cdef uint64_t begins = self.whole_mask & self._begins(unit)
        cdef uint64_t ends
        cdef int at, end
        while begins:
            at = lowest_bit(begins)
            begins &= begins - 1
            ends = self._narrow(unit, (<uint64_t>1) << at)
            if ends:
                end = highest_bit(ends)
                self._spot(at, end)
                if end > at + 1:
                    begins &= ~(((<uint64_t>1) << end) - 1)

    cdef uint64_t _begins(self, int32_t unit) noexcept:
        """Where a unit can begin, as far as its first step says."""
        cdef Step step = self.steps[self.sequences[unit]]
        cdef uint64_t found = 0
        cdef int32_t k, lead
        if step.code == C_WORD:
            return self.place[step.value]
        if step.code == C_WORDS:
            return self._narrow_set(step.value)
        if step.code != C_ONE:
            return ~found
        if step.value >= 0:
            found = self._narrow_set(step.value)
        for k in range(step.base, step.base + step.count):
            lead = self.leads[k]
            if lead == ANYTHING:
                return ~(<uint64_t>0)
            found |= self.place[lead] if lead >= 0 else self._narrow_set(-2 - lead)
        return found

    cdef void _locate_wide(self, int32_t unit) noexcept:
        cdef int at = 0, i, end
        cdef int width = self.width
        cdef uint64_t *mask = self.room + 4 * width
        cdef uint64_t *first = self._first(unit)
        while at < self.length:
            if first != NULL and not first[at >> 6] >> (at & 63) & 1:
                at += 1
                continue
            memset(mask, 0, width * sizeof(uint64_t))
            mask[at >> 6] = (<uint64_t>1) << (at & 63)
            if not self._ends(unit, mask, 1):
                at += 1
                continue
            end = 0
            for i in range(width - 1, -1, -1):
                if mask[i]:
                    end = 64 * i + highest_bit(mask[i])
                    break
            self._spot(at, end)
            at = max(at + 1, end)

    cdef uint64_t *_first(self, int32_t unit) noexcept:
        """Where a unit can begin, if its first step says so."""
        cdef Step step = self.steps[self.sequences[unit]]
        if step.code == C_WORD:
            return self._word(step.value)
        if step.code == C_WORDS:
            return self._set(step.value)
        return NULL

    # -- steps over a narrow text

    cdef inline uint64_t _narrow_set(self, int32_t number) noexcept:
        """Where the words of a set stand."""
        cdef Set *found = self.sets + number
        cdef uint64_t mask = 0
        cdef int32_t k
        if found.epoch != self.epoch:
            for k in range(found.at, self.sets[number + 1].at):
                mask |= self.place[self.set_words[k]]
            found.epoch = self.epoch
            found.mask = mask
        return found.mask

    cdef uint64_t _narrow(self, int32_t sequence, uint64_t at) noexcept:
        """Where these steps can end that begin at the places ``at``."""
        cdef Step *step = self.steps + self.sequences[sequence]
        cdef Step *behind = self.steps + self.sequences[sequence + 1]
        cdef uint64_t own
        cdef int32_t n, code, lead
        while step < behind:
            code = step.code
            if code == C_WORD:
                at = (at & self.place[step.value]) << 1
            elif code == C_WORDS:
                at = (at & self._narrow_set(step.value)) << 1
            elif code == C_ONE:
                own = (at & self._narrow_set(step.value)) << 1 if step.value >= 0 else 0
                for n in range(step.base, step.base + step.count):
                    lead = self.leads[n]
                    if at & (self.place[lead] if lead >= 0 else self._narrow_set(-2 - lead) if lead < -1 else at):
                        own |= self._narrow(n, at)
                at = own
            elif code == C_MAYBE:
                at |= self._narrow(step.value, at)
            elif code == C_ANY:
                at = (at & self.others_mask) << 1
            elif code == C_GAP:
                own = at
                for n in range(step.value):
                    own = (own & self.others_mask) << 1
                    if not own:
                        break
                    at |= own
            elif code == C_AMOUNT:
                at = (at & self.place[self.number_id]) << 1
                at |= (((at & self.marks_mask) << 1) & self.place[self.number_id]) << 1
            else:
                own = (at & self.marks_mask) << 1
                if step.value:
                    at &= self.loose_first if code == C_START else self.loose_last
                else:  # only the text's own beginning or end
                    at &= 1 if code == C_START else (<uint64_t>1) << self.length
                at |= own
            if not at:
                return 0
            step += 1
        return at

    # -- steps over a wide text

    cdef uint64_t *_word(self, int32_t word) noexcept:
        if self.place[word]:
            return self.places + <size_t>self.slot[word] * self.width
        return self.room + 2 * self.width

    cdef uint64_t *_set(self, int32_t number) noexcept:
        """Where the words of a set stand."""
        cdef uint64_t *mask = self.set_masks + <size_t>number * self.width
        cdef int32_t k, i, word
        if self.sets[number].epoch != self.epoch:
            self.sets[number].epoch = self.epoch
            memset(mask, 0, self.width * sizeof(uint64_t))
            for k in range(self.sets[number].at, self.sets[number + 1].at):
                word = self.set_words[k]
                if self.place[word]:
                    for i in range(self.width):
                        mask[i] |= self.places[<size_t>self.slot[word] * self.width + i]
        return mask

    cdef bint _ends(self, int32_t sequence, uint64_t *at, int level) noexcept:
        """Let these steps be taken from the places ``at``, which becomes where they end; whether they can."""
        cdef int32_t k, n, i
        cdef int width = self.width
        cdef Step step
        cdef uint64_t *out = self.room + (4 + 2 * level) * width
        cdef uint64_t *own = out + width
        cdef uint64_t *marks = self.room + width
        cdef uint64_t any, last
        cdef int place
        for k in range(self.sequences[sequence], self.sequences[sequence + 1]):
            step = self.steps[k]
            if step.code == C_WORD:
                if not _over(at, self._word(step.value), width):
                    return False
                continue
            if step.code == C_WORDS:
                if not _over(at, self._set(step.value), width):
                    return False
                continue
            if step.code == C_ANY:
                _over(at, self.room, width)
            elif step.code == C_ONE:
                memcpy(out, at, width * sizeof(uint64_t))
                if step.value >= 0:
                    _over(out, self._set(step.value), width)
                else:
                    memset(out, 0, width * sizeof(uint64_t))
                if step.count:
                    for n in range(self._group(step.base, step.count)):
                        memcpy(own, at, width * sizeof(uint64_t))
                        if self._ends(self.grouped[step.base + n], own, level + 1):
                            for i in range(width):
                                out[i] |= own[i]
                memcpy(at, out, width * sizeof(uint64_t))
            elif step.code == C_MAYBE:
                memcpy(own, at, width * sizeof(uint64_t))
                if self._ends(step.value, own, level + 1):
                    for i in range(width):
                        at[i] |= own[i]
            elif step.code == C_GAP:
                memcpy(own, at, width * sizeof(uint64_t))
                for n in range(step.value):
                    if not _over(own, self.room, width):
                        break
                    for i in range(width):
                        at[i] |= own[i]
            elif step.code == C_AMOUNT:
                _over(at, self._word(self.number_id), width)
                memcpy(own, at, width * sizeof(uint64_t))
                if _over(own, marks, width) and _over(own, self._word(self.number_id), width):
                    for i in range(width):
                        at[i] |= own[i]
            else:
                memcpy(own, at, width * sizeof(uint64_t))
                _over(own, marks, width)
                place = -1
                if not step.value:  # only the text's own beginning or end
                    place = 0 if step.code == C_START else self.length
                elif self.part_begin >= 0:
                    place = self.part_begin if step.code == C_START else self.part_end
                if place >= 0:
                    last = at[place >> 6] & ((<uint64_t>1) << (place & 63))
                    memset(at, 0, width * sizeof(uint64_t))
                    at[place >> 6] = last
                for i in range(width):
                    at[i] |= own[i]
            any = 0
            for i in range(width):
                any |= at[i]
            if not any:
                return False
        return True


cdef int _by_number(const void *one, const void *other) noexcept nogil:
    return (<int32_t *>one)[0] - (<int32_t *>other)[0]


cdef inline bint _over(uint64_t *at, uint64_t *places, int width) noexcept:
    """One step over a word: and, shift; whether anything is left."""
    cdef uint64_t carry = 0, found, any = 0
    cdef int i
    for i in range(width):
        found = at[i] & places[i]
        at[i] = (found << 1) | carry
        carry = found >> 63
        any |= at[i]
    return any != 0


include "_finder.pxi"
include "_turns.pxi"
