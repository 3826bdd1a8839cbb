# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The normal form compiled: one pass over a text's characters. Same answers as servicequal.normal, which says what
they are and hands over the words and signs that it knows.

A word is an entry of a :class:`Lexicon` and goes by its number; Python's objects are made for those who ask for them.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

cdef extern from "Python.h":
    int PyUnicode_KIND(object text)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    uint32_t PyUnicode_READ(int kind, void *data, Py_ssize_t at)
    uint32_t PyUnicode_MAX_CHAR_VALUE(object text)
    object PyUnicode_New(Py_ssize_t size, uint32_t widest)
    object PyUnicode_FromKindAndData(int kind, const void *data, Py_ssize_t size)
    Py_ssize_t PyUnicode_CopyCharacters(object to, Py_ssize_t at, object source, Py_ssize_t begin, Py_ssize_t size) except -1
    int Py_UNICODE_ISSPACE(uint32_t character)
    object PyList_New(Py_ssize_t size)
    void PyList_SET_ITEM(object target, Py_ssize_t at, object item)

cdef enum:
    FIGURES = 3  # of a word that gives a detail, as in servicequal.families

cdef enum:  # traits of words, as servicequal.normal numbers them
    FILLER = 1
    YOU = 2
    KNOW = 4
    NOT_BEFORE_YOU_KNOW = 8
    WERE = 16
    SUBJECT = 32
    ARE = 64
    OPENER = 128
    PARTICIPLE = 256
    IS = 512
    MARK = 1024
    GLUED = 2048            # holds other characters than a-z, 0-9 and _
    SPECIAL = 4096          # of a brief: its entry says more

cdef enum:  # kinds of characters, as servicequal.normal numbers them; from FIRST_ALONE on words by themselves
    PLAIN = 0
    UPPER = 1
    DELETED = 2
    SPACE = 3
    QUOTE = 4
    OPENING = 5
    CLOSING = 6
    LINKING = 7
    UPPER_LINKING = 8
    RARE = 9
    FIRST_ALONE = 16

cdef enum:
    CODES = 0x10000
    LONGEST_WORD = 128
    SHORT = 256             # characters of a text whose raw words fit on the stack
    LONGEST_TEXT = 50000000
    LINKED = -3             # there may be a web address in the text

cdef extern from *:
    """
    static inline uint64_t stirred(uint64_t hash, uint64_t eight) {
        hash = (hash ^ eight) * 0x9E3779B97F4A7C15ULL;
        return hash ^ hash >> 32;
    }
    static inline uint64_t few_bytes(const uint8_t *at, Py_ssize_t count) {
        uint64_t found = 0;
        Py_ssize_t k;
        for (k = 0; k < count; k++) found |= (uint64_t)at[k] << 8 * k;
        return found;
    }
    #if PY_BIG_ENDIAN
    #define eight_bytes(at) few_bytes(at, 8)
    #else
    static inline uint64_t eight_bytes(const uint8_t *at) { uint64_t found; memcpy(&found, at, 8); return found; }
    #endif
    /* Of eight ASCII characters those that are capitals small. */
    static inline uint64_t lowered(uint64_t eight) {
        uint64_t ones = 0x0101010101010101ULL;
        uint64_t capital = (eight + (0x80 - 'A') * ones) & ~(eight + (0x7F - 'Z') * ones) & 0x80 * ones;
        return eight | capital >> 2;
    }
    """
    uint64_t stirred(uint64_t hash, uint64_t eight) nogil
    uint64_t few_bytes(const uint8_t *at, Py_ssize_t count) nogil
    uint64_t eight_bytes(const uint8_t *at) nogil
    uint64_t lowered(uint64_t eight) nogil


cdef inline uint64_t _eight(const uint32_t *characters, Py_ssize_t count) noexcept:
    """Up to eight characters as one number, which tells them apart where all are below 256."""
    cdef uint64_t found = 0
    cdef Py_ssize_t at
    for at in range(count):
        found |= <uint64_t>(characters[at] & 0xFF) << (8 * at)
        found ^= <uint64_t>(characters[at] >> 8) << (4 * at)
    return found


cdef uint32_t _hashed(const uint32_t *characters, Py_ssize_t length) noexcept:
    cdef uint64_t hash = length
    cdef Py_ssize_t at = 0
    while at < length:
        hash = stirred(hash, _eight(characters + at, min(8, length - at)))
        at += 8
    return <uint32_t>hash


cdef uint32_t _key(const uint32_t *characters, Py_ssize_t length, uint32_t hash) noexcept:
    """The key of a word's slot."""
    cdef Py_ssize_t at
    if length > 8:
        return hash & ~(<uint32_t>0xFF)
    for at in range(length):
        if characters[at] > 255:
            return hash & ~(<uint32_t>0xFF)
    return hash & ~(<uint32_t>0xFF) | <uint32_t>length


cdef class Lexicon:
    """Words by number. ``about`` describes a word: its traits, its families, the number of the contraction that it may
    be, those that it may follow, and what it is spelled as. All ``known`` words are taken in; one that is not among
    them is described only if it begins with a figure or '<': all others are nothing but themselves.

    It only grows; its maker starts a new one when it has grown too large.
    """

    def __cinit__(self, about, known, signs):
        self.describe = about
        self.figures, self.address = signs
        self.room = 4096
        self.entries = <Entry *>PyMem_Malloc(self.room * sizeof(Entry))
        self.characters_room = 1 << 15
        self.characters = <uint32_t *>PyMem_Malloc(self.characters_room * sizeof(uint32_t))
        self.mask = (1 << 14) - 1
        self.table = <Slot *>PyMem_Malloc((self.mask + 1) * sizeof(Slot))
        self.briefs = <Brief *>PyMem_Malloc(self.room * sizeof(Brief))
        self.parts_room = 1024
        self.parts = <int32_t *>PyMem_Malloc(self.parts_room * sizeof(int32_t))
        if self.entries == NULL or self.characters == NULL or self.table == NULL or self.parts == NULL:
            raise MemoryError
        if self.briefs == NULL:
            raise MemoryError
        memset(self.table, 0xFF, (self.mask + 1) * sizeof(Slot))
        for word in known:
            self._spell(self._number_of(word), about(word))
        self.has = self._number_of("has")

    def __dealloc__(self):
        cdef int32_t at
        for at in range(self.size):
            Py_DECREF(<object>self.entries[at].word)
        PyMem_Free(self.entries)
        PyMem_Free(self.characters)
        PyMem_Free(self.table)
        PyMem_Free(self.briefs)
        PyMem_Free(self.parts)

    cdef int32_t _number_of(self, str word) except -1:
        """A word's number; it is taken in where it is new, and left undescribed."""
        cdef Py_ssize_t at, length = PyUnicode_GET_LENGTH(word)
        cdef uint32_t hash
        cdef int32_t found
        cdef uint32_t *copied = <uint32_t *>PyMem_Malloc((length + 1) * sizeof(uint32_t))
        if copied == NULL:
            raise MemoryError
        try:
            for at in range(length):
                copied[at] = PyUnicode_READ(PyUnicode_KIND(word), PyUnicode_DATA(word), at)
            hash = _hashed(copied, length)
            found = self._met(copied, length, hash)
            return found if found >= 0 else self._added(copied, length, hash)
        finally:
            PyMem_Free(copied)

    cdef int32_t number(self, const uint32_t *characters, Py_ssize_t length, uint32_t hash) except -1:
        """A raw word's number. What is asked for a new word may let other texts be read in between."""
        cdef int32_t found = self._met(characters, length, hash)
        if found >= 0:
            return found
        if characters[0] == c"<" or c"0" <= characters[0] <= c"9":
            about = self.describe(PyUnicode_FromKindAndData(4, characters, length))
            found = self._met(characters, length, hash)
            if found < 0:
                found = self._added(characters, length, hash)
                self._spell(found, about)
            return found
        return self._added(characters, length, hash)

    cdef int32_t _short(self, uint64_t head, int32_t length, uint32_t hash) except -1:
        """The number of a raw word of one to eight ASCII characters."""
        cdef uint32_t key = hash & ~(<uint32_t>0xFF) | <uint32_t>length
        cdef Slot *slot = self.table + (hash & self.mask)
        cdef uint32_t characters[8]
        cdef int32_t at
        while slot.entry >= 0:
            if slot.head == head and slot.key == key:
                return slot.entry
            slot += 1
            if slot > self.table + self.mask:
                slot = self.table
        for at in range(length):
            characters[at] = head >> (8 * at) & 0xFF
        return self.number(characters, length, hash)

    cdef int32_t _met(self, const uint32_t *characters, Py_ssize_t length, uint32_t hash) noexcept:
        cdef uint32_t at = hash & self.mask, key = _key(characters, length, hash)
        cdef uint64_t head = _eight(characters, min(length, 8))
        cdef Slot *slot = self.table + at
        cdef Entry *entry
        while slot.entry >= 0:
            if slot.head == head and slot.key == key:
                if key & 0xFF:
                    return slot.entry
                entry = self.entries + slot.entry
                if entry.length == length and not memcmp(
                    self.characters + entry.at, characters, length * sizeof(uint32_t)
                ):
                    return slot.entry
            at = (at + 1) & self.mask
            slot = self.table + at
        return -1

    cdef void _place(self, int32_t number) noexcept:
        """Give an entry its slot."""
        cdef Entry *entry = self.entries + number
        cdef uint32_t at = entry.hash & self.mask
        while self.table[at].entry >= 0:
            at = (at + 1) & self.mask
        self.table[at].head = _eight(self.characters + entry.at, min(entry.length, 8))
        self.table[at].key = _key(self.characters + entry.at, entry.length, entry.hash)
        self.table[at].entry = number

    cdef void _brief(self, int32_t number) noexcept:
        """Write down what is asked of every word."""
        cdef Entry *entry = self.entries + number
        cdef bint special = entry.count or entry.context or entry.widest > 127 or entry.length > 255
        self.briefs[number].family = entry.family
        self.briefs[number].traits = <uint16_t>(entry.traits | (SPECIAL if special else 0))
        self.briefs[number].length = <uint8_t>min(entry.length, 255)

    cdef int32_t _added(self, const uint32_t *characters, Py_ssize_t length, uint32_t hash) except -1:
        cdef Entry *entry
        cdef void *wider
        if self.size == self.room or 2 * <uint32_t>self.size >= self.mask:
            self._grow()
        if self.n_characters + length > self.characters_room:
            wider = PyMem_Realloc(self.characters, 2 * (self.n_characters + length) * sizeof(uint32_t))
            if wider == NULL:
                raise MemoryError
            self.characters = <uint32_t *>wider
            self.characters_room = 2 * (self.n_characters + length)
        word = PyUnicode_FromKindAndData(4, characters, length)
        entry = self.entries + self.size
        memset(entry, 0, sizeof(Entry))
        entry.traits = _glued(characters, length)
        entry.family = self._told(characters, length, entry.traits)
        entry.widest = PyUnicode_MAX_CHAR_VALUE(word)
        entry.hash, entry.at, entry.length = hash, <int32_t>self.n_characters, <int32_t>length
        memcpy(self.characters + self.n_characters, characters, length * sizeof(uint32_t))
        self.n_characters += length
        Py_INCREF(word)
        entry.word = <PyObject *>word
        self._place(self.size)
        self._brief(self.size)
        self.size += 1
        return self.size - 1

    cdef uint32_t _told(self, const uint32_t *characters, Py_ssize_t length, uint32_t traits) noexcept:
        """The families that a word is of by its characters, as servicequal.families.of has it."""
        cdef uint32_t found = 0
        cdef Py_ssize_t at
        cdef int figures = 0
        cdef int32_t head
        for at in range(length):
            if c"0" <= characters[at] <= c"9":
                figures += figures < FIGURES
            elif characters[at] == c"@":
                found |= self.address
        if figures == FIGURES:
            found |= self.figures
        if traits & GLUED:
            at = 0
            while at < length and not _glued(characters + at, 1):
                at += 1
            head = self._met(characters, at, _hashed(characters, at))
            if head >= 0:
                found |= self.entries[head].family
        return found

    cdef int _grow(self) except -1:
        cdef void *wider
        cdef int32_t at
        cdef uint32_t mask
        if self.size == self.room:
            wider = PyMem_Realloc(self.entries, 2 * self.room * sizeof(Entry))
            if wider == NULL:
                raise MemoryError
            self.entries = <Entry *>wider
            wider = PyMem_Realloc(self.briefs, 2 * self.room * sizeof(Brief))
            if wider == NULL:
                raise MemoryError
            self.briefs = <Brief *>wider
            self.room *= 2
        if 2 * <uint32_t>self.size >= self.mask:
            mask = 2 * self.mask + 1
            wider = PyMem_Malloc((<size_t>mask + 1) * sizeof(Slot))
            if wider == NULL:
                raise MemoryError
            PyMem_Free(self.table)
            self.table, self.mask = <Slot *>wider, mask
            memset(self.table, 0xFF, (<size_t>mask + 1) * sizeof(Slot))
            for at in range(self.size):
                self._place(at)
        return 0

    cdef int _spell(self, int32_t number, tuple about) except -1:
        """Write down what is known about an entry."""
        cdef int32_t part, at
        cdef Entry *entry
        cdef void *wider
        traits, family, context, follows, spelled = about
        numbers = [self._number_of(word) for word in spelled]
        if self.n_parts + <int32_t>len(numbers) > self.parts_room:
            wider = PyMem_Realloc(self.parts, 2 * (self.parts_room + len(numbers)) * sizeof(int32_t))
            if wider == NULL:
                raise MemoryError
            self.parts = <int32_t *>wider
            self.parts_room = 2 * (self.parts_room + <int32_t>len(numbers))
        entry = self.entries + number
        entry.traits |= <uint32_t>traits
        entry.family, entry.context, entry.follows = family, context, follows
        entry.first, entry.count = self.n_parts, <int32_t>len(numbers)
        for part in numbers:
            self.parts[self.n_parts] = part
            self.n_parts += 1
        self._brief(number)
        return 0


cdef uint32_t _glued(const uint32_t *characters, Py_ssize_t length) noexcept:
    cdef Py_ssize_t at
    cdef uint32_t one
    for at in range(length):
        one = characters[at]
        if not (c"a" <= one <= c"z" or c"0" <= one <= c"9" or one == c"_"):
            return GLUED
    return 0


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Form:
    """A :class:`servicequal.normal.Aligned` whose tokens are numbers until somebody asks for words."""

    def __dealloc__(self):
        PyMem_Free(self.tokens)

    def __reduce__(self):
        from .normal import align

        return align, (self.source,)

    @property
    def text(self):
        """The normal form."""
        cdef int32_t at
        cdef char *target
        cdef Entry *entry
        if self._text is None:
            if not self.count:
                self._text = ""
                return self._text
            text = PyUnicode_New(self.length, self.widest)
            if self.widest < 256:
                target = <char *>PyUnicode_DATA(text)
                for at in range(self.count):
                    entry = self.lexicon.entries + self.tokens[at].entry
                    target[0] = c" "
                    memcpy(target + 1, PyUnicode_DATA(<object>entry.word), entry.length)
                    target += entry.length + 1
            else:
                for at in range(self.count):
                    entry = self.lexicon.entries + self.tokens[at].entry
                    PyUnicode_CopyCharacters(text, self.tokens[at].at - 1, " ", 0, 1)
                    PyUnicode_CopyCharacters(text, self.tokens[at].at, <object>entry.word, 0, entry.length)
            self._text = text
        return self._text

    @property
    def words(self):
        """The tokens."""
        cdef int32_t at
        if self._words is None:
            words = PyList_New(self.count)
            for at in range(self.count):
                word = <object>self.lexicon.entries[self.tokens[at].entry].word
                Py_INCREF(word)
                PyList_SET_ITEM(words, at, word)
            self._words = words
        return self._words

    @property
    def starts(self):
        """The offset of every token in ``text``."""
        cdef int32_t at
        if self._starts is None:
            self._starts = [self.tokens[at].at for at in range(self.count)]
        return self._starts

    @property
    def spans(self):
        """The characters of the original that every token came from."""
        cdef int32_t at
        if self._spans is None:
            self._spans = [(self.tokens[at].start, self.tokens[at].end) for at in range(self.count)]
        return self._spans

    def original(self, start, end):
        """Characters of the original that normal characters ``start`` to ``end`` came from."""
        cdef Py_ssize_t first, last
        if not self.count:
            raise IndexError("an empty normal form came from no characters")
        first = max(self._before(start + 2) - 1, 0)
        last = max(self._before(end) - 1, first)
        return self.tokens[first].start, self.tokens[last].end

    cdef Py_ssize_t _before(self, Py_ssize_t place):
        """How many tokens stand before a place."""
        cdef Py_ssize_t low = 0, high = self.count, middle
        while low < high:
            middle = (low + high) // 2
            if self.tokens[middle].at < place:
                low = middle + 1
            else:
                high = middle
        return low


cdef class Reader:
    """Texts to forms. ``kinds`` are the kinds of the characters that are not plain, by code; ``alone`` are the words that
    characters of the kinds from FIRST_ALONE on are; ``signs`` are the families of words with three figures and of those
    with an @ in them; ``most`` is how many words a lexicon may grow to."""

    def __cinit__(self, kinds, alone, about, known, signs, int32_t most):
        cdef int code
        self.kinds = <uint8_t *>PyMem_Calloc(CODES, 1)
        if self.kinds == NULL:
            raise MemoryError
        if len(alone) > 64 or max(kinds) >= CODES:
            raise ValueError("more signs than there is room for")
        for code in range(CODES):
            if Py_UNICODE_ISSPACE(<uint32_t>code):
                self.kinds[code] = SPACE
        for code_, kind in kinds.items():
            self.kinds[<Py_ssize_t>code_] = kind
        self.alone, self.about, self.known, self.most = list(alone), about, tuple(known), most
        self.signs = signs
        for code in range(128):
            self.inside[code] = self.kinds[code] in (PLAIN, UPPER, LINKING, UPPER_LINKING)
        self._begin()

    def __dealloc__(self):
        PyMem_Free(self.kinds)

    cdef int _begin(self) except -1:
        """A new lexicon."""
        cdef Lexicon lexicon = Lexicon(self.about, self.known, self.signs)
        cdef Py_ssize_t at
        for at in range(len(self.alone)):
            self.alone_numbers[at] = lexicon._number_of(self.alone[at])
        self.link = lexicon._number_of("xlink")
        self.lexicon = lexicon
        return 0

    def align(self, text):
        """The form of a text; None where it is for the steps that are not compiled."""
        return self.form(text) if type(text) is str else None

    cdef Form form(self, str text):
        cdef Raw few[SHORT]
        cdef Raw *raw = few
        cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text), found = LINKED
        cdef Form form
        if length > LONGEST_TEXT:
            return None
        if self.lexicon.size >= self.most:
            self._begin()
        if length > SHORT:
            raw = <Raw *>PyMem_Malloc(length * sizeof(Raw))
            if raw == NULL:
                raise MemoryError
        try:
            form = Form.__new__(Form)
            form.source = text
            form.lexicon = self.lexicon
            if PyUnicode_MAX_CHAR_VALUE(text) < 128:
                found = self._read_ascii(form, raw, length)
            if found == LINKED:
                form.quotes = False
                found = self._read(form, raw, length)
            if found < 0:
                return None
            _expand(form, raw, found)
            return form
        finally:
            if raw != few:
                PyMem_Free(raw)

    cdef Py_ssize_t _read(self, Form form, Raw *raw, Py_ssize_t length) except -2:
        """The words of a text as they stand, without fillers; how many, or -1 where a character or word is rare."""
        cdef Lexicon lexicon = form.lexicon
        cdef int kind = PyUnicode_KIND(form.source)
        cdef void *data = PyUnicode_DATA(form.source)
        cdef int32_t *alone_numbers = self.alone_numbers
        cdef uint8_t *kinds = self.kinds
        cdef uint32_t word[LONGEST_WORD]
        cdef uint32_t character
        cdef Py_ssize_t at = 0, begun = 0, ended = 0, count = 0, size = 0, link
        cdef int what
        while at < length:
            if kind == 1:
                character = (<uint8_t *>data)[at]
            else:
                character = PyUnicode_READ(kind, data, at)
            what = kinds[character] if character < CODES else PLAIN
            if what >= LINKING and what <= UPPER_LINKING:
                link = _link_end(kind, data, at, length)
                if link:
                    if size:
                        count = _kept(lexicon, raw, count, lexicon.number(word, size, _hashed(word, size)), begun, ended)
                        size = 0
                    count = _kept(lexicon, raw, count, self.link, at, link)
                    while at < link:  # quotation marks in an address are some too
                        character = PyUnicode_READ(kind, data, at)
                        form.quotes = form.quotes or (character < CODES and kinds[character] == QUOTE)
                        at += 1
                    continue
                what = PLAIN if what == LINKING else UPPER
            if what <= UPPER:
                if not size:
                    begun = at
                elif size == LONGEST_WORD:
                    return -1
                if what == UPPER:
                    character += 32
                word[size] = character
                size += 1
                at += 1
                ended = at
                continue
            if what == DELETED:
                at += 1
                continue
            if what == CLOSING:  # the last of its word
                if not size:
                    begun = at
                elif size == LONGEST_WORD:
                    return -1
                word[size] = character
                size += 1
                ended = at + 1
            if size:
                count = _kept(lexicon, raw, count, lexicon.number(word, size, _hashed(word, size)), begun, ended)
                size = 0
            if what == OPENING:
                word[0] = character
                size, begun, ended = 1, at, at + 1
            elif what >= FIRST_ALONE:
                count = _kept(lexicon, raw, count, alone_numbers[what - FIRST_ALONE], at, at + 1)
            elif what == QUOTE:
                form.quotes = True
            elif what == RARE:
                return -1
            at += 1
        if size:
            count = _kept(lexicon, raw, count, lexicon.number(word, size, _hashed(word, size)), begun, ended)
        return count

    cdef Py_ssize_t _read_ascii(self, Form form, Raw *raw, Py_ssize_t length) except -2:
        """The same of a text of ASCII characters; LINKED where there may be a web address in it."""
        cdef Lexicon lexicon = form.lexicon
        cdef const uint8_t *data = <const uint8_t *>PyUnicode_DATA(form.source)
        cdef const uint8_t *kinds = self.kinds
        cdef const uint8_t *inside = self.inside
        cdef uint32_t word[LONGEST_WORD]
        cdef Py_ssize_t at = 0, begun, ended = 0, count = 0, size
        cdef int what
        cdef int32_t number
        if _shouts_link(data, length):
            return LINKED
        while at < length:
            begun = at
            while at < length and inside[data[at]]:
                at += 1
            size = at - begun
            what = kinds[data[at]] if at < length else SPACE
            if what == DELETED or what == CLOSING or (what == OPENING and not size):
                at = begun
                size = self._apart(data, &begun, &at, &ended, length, word)
                if size < 0:
                    return -1
                if size:
                    number = lexicon.number(word, size, _hashed(word, size))
                    count = _kept(lexicon, raw, count, number, begun, ended)
                continue
            if size:
                if size > LONGEST_WORD:
                    return -1
                number = _numbered(lexicon, data, begun, size, length, word)
                count = _kept(lexicon, raw, count, number, begun, at)
            if what >= FIRST_ALONE:
                if _may_link(data, at, length):
                    return LINKED
                count = _kept(lexicon, raw, count, self.alone_numbers[what - FIRST_ALONE], at, at + 1)
            elif what == QUOTE:
                form.quotes = True
            elif what == RARE:
                return -1
            elif what == OPENING:
                continue
            at += 1
        return count

    cdef Py_ssize_t _apart(
        self, const uint8_t *data, Py_ssize_t *begun, Py_ssize_t *at, Py_ssize_t *ended, Py_ssize_t length, uint32_t *word
    ) noexcept:
        """One word with signs in it; how many characters it has, or -1 for too many."""
        cdef Py_ssize_t size = 0
        cdef int what
        cdef uint32_t character
        while at[0] < length:
            character = data[at[0]]
            what = self.kinds[character]
            if what == DELETED:
                at[0] += 1
                continue
            if not self.inside[character] and what != CLOSING and (what != OPENING or size):
                break
            if size == LONGEST_WORD:
                return -1
            if not size:
                begun[0] = at[0]
            word[size] = character + 32 if c"A" <= character <= c"Z" else character
            size += 1
            at[0] += 1
            ended[0] = at[0]
            if what == CLOSING:
                break
        return size


cdef inline int32_t _numbered(
    Lexicon lexicon, const uint8_t *data, Py_ssize_t at, Py_ssize_t size, Py_ssize_t length, uint32_t *word
) except -1:
    """The number of a raw word of ASCII letters and figures and what is read as them."""
    cdef uint64_t head
    cdef Py_ssize_t k
    if size <= 8:
        if at + 8 <= length:
            head = eight_bytes(data + at) & ~(<uint64_t>0) >> (64 - 8 * size)
        else:
            head = few_bytes(data + at, size)
        head = lowered(head)
        return lexicon._short(head, <int32_t>size, <uint32_t>stirred(size, head))
    for k in range(size):
        word[k] = data[at + k] + 32 if c"A" <= data[at + k] <= c"Z" else data[at + k]
    return lexicon.number(word, size, _hashed(word, size))


cdef inline bint _may_link(const uint8_t *data, Py_ssize_t at, Py_ssize_t length) noexcept:
    """Whether a sign may belong to the beginning of a web address."""
    if data[at] == c":":
        return at + 2 < length and data[at + 1] == c"/" and data[at + 2] == c"/"
    return data[at] == c"." and at >= 3 and data[at - 1] | 32 == c"w" and data[at - 2] | 32 == c"w"


cdef inline bint _shouts_link(const uint8_t *data, Py_ssize_t length) noexcept:
    """Whether there is an HTTP in a text."""
    cdef const uint8_t *at = <const uint8_t *>memchr(data, c"H", length)
    while at != NULL:
        if at + 3 < data + length and at[1] == c"T" and at[2] == c"T" and at[3] == c"P":
            return True
        at += 1
        at = <const uint8_t *>memchr(at, c"H", data + length - at)
    return False


cdef inline Py_ssize_t _kept(
    Lexicon lexicon, Raw *raw, Py_ssize_t count, int32_t entry, Py_ssize_t start, Py_ssize_t end
) noexcept:
    """One more raw word, unless it is a filler; how many there are now."""
    cdef Brief *briefs = lexicon.briefs
    cdef uint32_t traits = briefs[entry].traits
    if traits & (FILLER | KNOW):
        if traits & FILLER:
            return count
        if (
            count > 1
            and briefs[raw[count - 1].entry].traits & YOU
            and not briefs[raw[count - 2].entry].traits & NOT_BEFORE_YOU_KNOW
        ):
            return count - 1
    raw[count] = Raw(entry, <int32_t>start, <int32_t>end)
    return count + 1


cdef Py_ssize_t _link_end(int kind, void *data, Py_ssize_t at, Py_ssize_t length) noexcept:
    """Where a web address that begins here ends; 0 if none does."""
    cdef Py_ssize_t begun
    if _says(kind, data, at, length, "http"):
        begun = at + 4
        if begun < length and PyUnicode_READ(kind, data, begun) == c"s":
            begun += 1
        if not _says(kind, data, begun, length, "://"):
            return 0
        begun += 3
    elif _says(kind, data, at, length, "www.") or _says(kind, data, at, length, "HTTP") or _says(
        kind, data, at, length, "WWW."
    ):
        begun = at + 4
    else:
        return 0
    at = begun
    while at < length and not Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, at)):
        at += 1
    return at if at > begun else 0


cdef bint _says(int kind, void *data, Py_ssize_t at, Py_ssize_t length, const char *sign) noexcept:
    cdef Py_ssize_t k = 0
    while sign[k]:
        if at + k >= length or PyUnicode_READ(kind, data, at + k) != <uint32_t>sign[k]:
            return False
        k += 1
    return True


cdef int _expand(Form form, Raw *raw, Py_ssize_t count) except -1:
    """Abbreviations and contractions spelled out, stutters and repeated marks folded."""
    cdef Lexicon lexicon = form.lexicon
    cdef Entry *entries = lexicon.entries
    cdef int32_t *parts
    cdef Entry *entry
    cdef Brief *briefs = lexicon.briefs
    cdef Brief *brief
    cdef uint32_t flags = 0, widest = 127
    cdef Py_ssize_t at, most = 0
    cdef int32_t last = -1, number, k, made = 0, place = 1, n_parts
    cdef Token *tokens
    for at in range(count):
        most += 1 if not briefs[raw[at].entry].traits & SPECIAL else entries[raw[at].entry].count or 1
    if not most:
        return 0
    tokens = form.tokens = <Token *>PyMem_Malloc(most * sizeof(Token))
    if tokens == NULL:
        raise MemoryError
    for at in range(count):
        number = raw[at].entry
        parts, n_parts = &number, 1
        if briefs[number].traits & SPECIAL:
            entry = entries + number
            if entry.count and (not entry.context or _contracted(
                entry,
                NULL if last < 0 else entries + last,
                NULL if at + 1 == count else entries + raw[at + 1].entry,
            )):
                parts, n_parts = lexicon.parts + entry.first, entry.count
        if n_parts == 1:
            if parts[0] == last:
                continue
            if last >= 0 and briefs[parts[0]].traits & PARTICIPLE and briefs[last].traits & IS:
                tokens[made - 1].entry = lexicon.has
        for k in range(n_parts):
            tokens[made] = Token(parts[k], 0, raw[at].start, raw[at].end)
            made += 1
        last = parts[n_parts - 1]
    for at in range(made):
        brief = briefs + tokens[at].entry
        tokens[at].at = place
        flags |= brief.family
        if brief.traits & SPECIAL:
            place += entries[tokens[at].entry].length + 1
            widest |= entries[tokens[at].entry].widest
        else:
            place += brief.length + 1
    form.flags, form.widest = flags, widest
    form.count, form.length = made, place - 1
    return 0


cdef inline bint _contracted(Entry *entry, Entry *last, Entry *after) noexcept:
    """Whether a word that may be a contraction is one between its neighbours."""
    if after == NULL or not after.follows >> (entry.context - 1) & 1:
        return False
    if not entry.traits & WERE or last == NULL:
        return True
    return not (last.traits & SUBJECT or not (after.traits & ARE or last.traits & OPENER))
