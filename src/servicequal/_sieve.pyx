# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The sieve's two steps over one text, compiled. Same answers as servicequal.sieve.Scan, which says what they are.

Bit *i* of a mask stands for the place before word *i*; a mask has as many 64-bit words as the text needs. What belongs
to one text carries its number (``epoch``), so nothing has to be wiped between texts.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from libc.stdint cimport int32_t, uint64_t
from libc.string cimport memcpy, memset

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

cdef struct Step:
    int32_t code
    int32_t value   # WORD: word; WORDS, ONE: set or -1; GAP: words; START, END: loose; MAYBE: sequence
    int32_t base    # ONE: first unit
    int32_t count   # ONE: units


cdef struct Unit:  # together, for whoever looks at one looks at all
    int32_t epoch
    int32_t there
    int32_t group       # the first of the group of alternatives that it is of; else -1
    int32_t others[OTHERS]  # words that must be there besides; -1: no more


cdef void *_room(size_t count, size_t size) except NULL:
    cdef void *found = PyMem_Calloc(count if count else 1, size)
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
    cdef int32_t number_id
    cdef int32_t marks[3]
    cdef int32_t n_units, n_words, n_sets
    cdef Step *steps
    cdef int32_t *sequences     # where each begins among the steps; one more at the end
    cdef int32_t *owner_at
    cdef int32_t *owners        # units of which the word is in the rarest group of anchors
    cdef Unit *units
    cdef int32_t *set_at        # where each set begins among the words of all sets
    cdef int32_t *set_words
    cdef readonly int32_t epoch
    cdef int32_t *word_epoch
    cdef int32_t *set_epoch
    cdef int32_t *slot          # of a word among those present
    cdef int32_t *present
    cdef int32_t n_present
    cdef int32_t *active
    cdef int32_t n_active
    cdef int32_t *grouped       # a group's active units, from its first on
    cdef int32_t *n_grouped
    cdef int32_t *group_epoch
    cdef int length, width
    cdef bint shallow, odd
    cdef uint64_t *places       # of the words present
    cdef size_t places_room
    cdef uint64_t *set_masks
    cdef uint64_t *room         # words that are no marks, marks, nothing, the whole, and two masks a level
    cdef size_t width_room

    def __cinit__(self, plan, names_of, str number, int longest, int most_known):
        """``plan`` is a servicequal.plan.Plan, ``names_of`` gives a word's other names."""
        cdef int32_t at, k
        cdef int32_t[:, ::1] rows = plan.tables["steps"]
        cdef int32_t[:, ::1] others = plan.tables["others"]
        if others.shape[1] != OTHERS:
            raise ValueError(f"a plan of {others.shape[1]} further words for each unit; these steps take {OTHERS}")
        self.phrases, self.longest, self.most_known = plan.phrases, longest, most_known
        self._names_of, self._known = names_of, {}
        self._ids = {word_: at_ for at_, word_ in enumerate(plan.words)}
        self.n_units, self.n_words, self.n_sets = plan.units, len(plan.words), len(plan.tables["set_at"]) - 1
        self.depth = plan.depth + 2
        self.steps = <Step *>_room(rows.shape[0], sizeof(Step))
        for at in range(rows.shape[0]):
            self.steps[at] = Step(rows[at, 0], rows[at, 1], rows[at, 2], rows[at, 3])
        self.sequences = _copied(plan.tables["sequences"])
        self.owner_at = _copied(plan.tables["owner_at"])
        self.owners = _copied(plan.tables["owners"])
        self.set_at = _copied(plan.tables["set_at"])
        self.set_words = _copied(plan.tables["set_words"])
        self.number_id = self._ids[number]
        for at, mark in enumerate(".?:"):
            self.marks[at] = self._ids[mark]
        self.word_epoch = <int32_t *>_room(self.n_words, sizeof(int32_t))
        self.slot = <int32_t *>_room(self.n_words, sizeof(int32_t))
        self.present = <int32_t *>_room(self.n_words, sizeof(int32_t))
        self.units = <Unit *>_room(self.n_units, sizeof(Unit))
        self.active = <int32_t *>_room(self.n_units, sizeof(int32_t))
        self.set_epoch = <int32_t *>_room(self.n_sets, sizeof(int32_t))
        self.grouped = <int32_t *>_room(self.n_units, sizeof(int32_t))
        self.n_grouped = <int32_t *>_room(self.n_units, sizeof(int32_t))
        self.group_epoch = <int32_t *>_room(self.n_units, sizeof(int32_t))
        for at in range(self.n_units):
            self.units[at].group = -1
            for k in range(OTHERS):
                self.units[at].others[k] = others[at, k]
        for k in range(rows.shape[0]):
            for at in range(rows[k, 2], rows[k, 2] + rows[k, 3]):
                self.units[at].group = rows[k, 2]
        self._widen(1)

    def __dealloc__(self):
        PyMem_Free(self.steps)
        PyMem_Free(self.sequences)
        PyMem_Free(self.owner_at)
        PyMem_Free(self.owners)
        PyMem_Free(self.units)
        PyMem_Free(self.set_at)
        PyMem_Free(self.set_words)
        PyMem_Free(self.word_epoch)
        PyMem_Free(self.set_epoch)
        PyMem_Free(self.slot)
        PyMem_Free(self.present)
        PyMem_Free(self.active)
        PyMem_Free(self.grouped)
        PyMem_Free(self.n_grouped)
        PyMem_Free(self.group_epoch)
        PyMem_Free(self.places)
        PyMem_Free(self.set_masks)
        PyMem_Free(self.room)

    cdef int _widen(self, size_t width) except -1:
        """Room for masks of this many words."""
        cdef void *wider
        if width <= self.width_room:
            return 0
        width = max(width, 2 * self.width_room)
        wider = PyMem_Realloc(self.set_masks, (self.n_sets + 1) * width * sizeof(uint64_t))
        if wider == NULL:
            raise MemoryError
        self.set_masks = <uint64_t *>wider
        memset(self.set_epoch, 0, self.n_sets * sizeof(int32_t))
        wider = PyMem_Realloc(self.room, (4 + 2 * self.depth) * width * sizeof(uint64_t))
        if wider == NULL:
            raise MemoryError
        self.room = <uint64_t *>wider
        self.width_room = width
        return 0

    # -- one text

    cpdef int32_t scan(self, list words) except -1:
        """Take a text in: where its words stand, and the units whose anchors are all there. Its number is returned."""
        cdef int at, id
        cdef object ids
        cdef uint64_t *mask
        self._next()
        self.length = len(words)
        self.shallow = self.length > self.longest
        self.odd = False
        self.width = 1 if self.shallow else self.length // 64 + 1
        self._widen(self.width)
        self.n_present = self.n_active = 0
        for at in range(self.length):
            ids = self._known.get(words[at])
            if ids is None:
                ids = self._learn(words[at])
            for id in <tuple>ids:
                if id < 0:
                    self.odd = True
                    continue
                mask = self._stand(id)
                if not self.shallow:
                    mask[at >> 6] |= (<uint64_t>1) << (at & 63)
        self._activate()
        self._mark()
        return self.epoch

    cdef void _next(self) noexcept:
        """The next text's number; after two thousand million they begin anew."""
        cdef int32_t k
        if self.epoch == 2147483647:
            memset(self.word_epoch, 0, self.n_words * sizeof(int32_t))
            memset(self.set_epoch, 0, self.n_sets * sizeof(int32_t))
            memset(self.group_epoch, 0, self.n_units * sizeof(int32_t))
            for k in range(self.n_units):
                self.units[k].epoch = 0
            self.epoch = 0
        self.epoch += 1

    cdef tuple _learn(self, str word):
        names, odd = self._names_of(word)
        found = tuple(dict.fromkeys(self._ids[name] for name in (word, *names) if name in self._ids))
        if odd:
            found = (-1, *found)
        if len(self._known) >= self.most_known:
            self._known.clear()
        self._known[word] = found
        return found

    cdef uint64_t *_stand(self, int32_t word) except NULL:
        """The mask of a word, empty if it is met first."""
        cdef size_t needed
        cdef void *wider
        if self.word_epoch[word] != self.epoch:
            needed = <size_t>(self.n_present + 1) * self.width
            if needed > self.places_room:
                wider = PyMem_Realloc(self.places, 2 * needed * sizeof(uint64_t))
                if wider == NULL:
                    raise MemoryError
                self.places = <uint64_t *>wider
                self.places_room = 2 * needed
            self.word_epoch[word] = self.epoch
            self.slot[word] = self.n_present
            self.present[self.n_present] = word
            memset(self.places + <size_t>self.n_present * self.width, 0, self.width * sizeof(uint64_t))
            self.n_present += 1
        return self.places + <size_t>self.slot[word] * self.width

    cdef void _activate(self) noexcept:
        cdef int32_t k, at, word
        cdef Unit *unit
        for k in range(self.n_present + 1):
            word = self.present[k] if k < self.n_present else self.n_words  # last: units without anchors
            for at in range(self.owner_at[word], self.owner_at[word + 1]):
                unit = self.units + self.owners[at]
                if unit.epoch == self.epoch:
                    continue
                unit.epoch = self.epoch
                unit.there = self._has_others(unit)
                if unit.there:
                    if self.owners[at] < self.phrases:
                        self.active[self.n_active] = self.owners[at]
                        self.n_active += 1
                    elif unit.group >= 0:
                        self._join(unit.group, self.owners[at])

    cdef inline bint _has_others(self, Unit *unit) noexcept:
        cdef int32_t k
        for k in range(OTHERS):
            if unit.others[k] < 0:
                return True
            if self.word_epoch[unit.others[k]] != self.epoch:
                return False
        return True

    cdef inline void _join(self, int32_t group, int32_t unit) noexcept:
        if self.group_epoch[group] != self.epoch:
            self.group_epoch[group] = self.epoch
            self.n_grouped[group] = 0
        self.grouped[group + self.n_grouped[group]] = unit
        self.n_grouped[group] += 1

    cdef bint _is_active(self, int32_t unit) noexcept:
        return self.units[unit].epoch == self.epoch and self.units[unit].there

    cdef void _mark(self) noexcept:
        """The masks of the marks, of all other words, and of every place."""
        cdef int32_t k, i
        cdef int width = self.width
        cdef uint64_t *others = self.room
        cdef uint64_t *marks = self.room + width
        cdef uint64_t *whole = self.room + 3 * width
        memset(self.room, 0, 4 * width * sizeof(uint64_t))
        if self.shallow:
            return
        for k in range(3):
            if self.word_epoch[self.marks[k]] == self.epoch:
                for i in range(width):
                    marks[i] |= self.places[<size_t>self.slot[self.marks[k]] * width + i]
        for i in range(self.length):
            whole[i >> 6] |= (<uint64_t>1) << (i & 63)
        for i in range(width):
            others[i] = whole[i] & ~marks[i]

    def found(self):
        """The phrases that can be in the text, in order."""
        cdef int32_t k
        cdef list out = []
        for k in range(self.n_active):
            if self.shallow or self._whole(self.active[k]):
                out.append(self.active[k])
        out.sort()
        return out

    def located(self, int32_t unit):
        """Where a unit stands: the longest match at the first place, then on behind it; None where RE2 has to say."""
        cdef int at = 0, i, end
        cdef int width = self.width
        cdef uint64_t *mask = self.room + 4 * width
        cdef uint64_t *first = self._first(unit)
        cdef list found = []
        if self.odd or self.shallow:
            return None
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
            for i in range(width * 64 - 1, -1, -1):
                if mask[i >> 6] >> (i & 63) & 1:
                    end = i
                    break
            found.append((at, end))
            at = max(at + 1, end)
        return found

    cdef uint64_t *_first(self, int32_t unit) noexcept:
        """Where a unit can begin, if its first step says so."""
        cdef Step step = self.steps[self.sequences[unit]]
        if step.code == C_WORD:
            return self._word(step.value)
        if step.code == C_WORDS:
            return self._set(step.value)
        return NULL

    def can(self, int32_t first, int32_t count):
        """Whether one of some units in a row can be in the text."""
        cdef int32_t unit
        for unit in range(first, first + count):
            if self._is_active(unit) and (self.shallow or self._whole(unit)):
                return True
        return False

    cdef bint _whole(self, int32_t unit) noexcept:
        cdef uint64_t *at = self.room + 4 * self.width
        memcpy(at, self.room + 3 * self.width, self.width * sizeof(uint64_t))
        return self._ends(unit, at, 1)

    cdef uint64_t *_word(self, int32_t word) noexcept:
        if self.word_epoch[word] == self.epoch:
            return self.places + <size_t>self.slot[word] * self.width
        return self.room + 2 * self.width

    cdef uint64_t *_set(self, int32_t number) noexcept:
        """Where the words of a set stand."""
        cdef uint64_t *mask = self.set_masks + <size_t>number * self.width
        cdef int32_t k, i, word
        if self.set_epoch[number] != self.epoch:
            self.set_epoch[number] = self.epoch
            memset(mask, 0, self.width * sizeof(uint64_t))
            for k in range(self.set_at[number], self.set_at[number + 1]):
                word = self.set_words[k]
                if self.word_epoch[word] == self.epoch:
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
                if self.group_epoch[step.base] == self.epoch:
                    for n in range(self.n_grouped[step.base]):
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
                if not step.value:  # only the text's own beginning or end
                    if step.code == C_START:
                        last = at[0] & 1
                        memset(at, 0, width * sizeof(uint64_t))
                        at[0] = last
                    else:
                        last = at[self.length >> 6] & ((<uint64_t>1) << (self.length & 63))
                        memset(at, 0, width * sizeof(uint64_t))
                        at[self.length >> 6] = last
                for i in range(width):
                    at[i] |= own[i]
            any = 0
            for i in range(width):
                any |= at[i]
            if not any:
                return False
        return True


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

