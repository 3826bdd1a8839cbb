# From phrases to cues: the second half of _sieve.pyx.

cdef extern from "Python.h":
    int PyUnicode_KIND(object text) nogil
    void *PyUnicode_DATA(object text) nogil
    Py_ssize_t PyUnicode_GET_LENGTH(object text) nogil
    uint32_t PyUnicode_READ(int kind, void *data, Py_ssize_t at) nogil
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)
    dict PyObject_GenericGetDict(object o, void *context)
    void PyObject_GC_UnTrack(void *one)

cdef enum:  # what excuses a cue, as servicequal.cues numbers it
    ASKED = 1
    DENIED = 2
    SUPPOSED = 4
    REPORTED = 8

cdef enum:
    TRAIT_MARK = 1024       # as servicequal.normal numbers them
    TRAIT_GLUED = 2048
    QUOTES = 4
    REASONS = 2
    FIELDS = 11             # of a match
    FLAT_REACH = 3          # words before a match where a flat denial can stand
    REPORTER_REACH = 5      # words before a report where who reports can stand
    OPENING_WORDS = 3       # of a question: one of them asks


cdef enum:  # what is left open of a hit, and the reasons that are not
    OPEN = 1
    CAN = 2
    EXCEPTED = 1
    ASKS = 2


cdef enum:  # how a turn's cues were found
    PLAINLY = 0
    HARSHLY = 1     # help can soften one of them
    SLOWLY = 2      # not at all: the steps that are not compiled have to say


cdef struct Cue:
    int32_t excuses
    int32_t first, count            # its exceptions among the units
    int32_t turn_first, turn_count  # those that may stand anywhere in the turn
    int64_t text                    # of what follows: whether they can be in it
    bint can, turn_can
    bint harsh                      # whether help can soften it


cdef struct Hit:
    int32_t cue
    int32_t start, end      # in the normal form
    int32_t first, behind   # its tokens
    int32_t phrase
    int32_t order


cdef inline object atomic(object one):
    """A value of nothing but texts, numbers and values like it: the garbage collector need not know of it."""
    PyObject_GC_UnTrack(<PyObject *>one)
    return one


@cython.final
cdef class Finder:
    """The cues of one turn by the compiled steps, as servicequal.cues._Side finds them one by one.

    ``cues`` are, in the order of their names: name, whether help can soften it, what excuses it, its exceptions' first number and count, and the
    same of those that may stand anywhere in the turn. ``phrases`` are the number of the cue and the source of each.
    ``made`` makes matches, given every field; ``families`` are bits of servicequal.families, and ``reach`` is how
    many words before a match a denial, a supposition and a report can stand. ``doubts`` makes the judge of what is left
    open.
    """

    cdef Table table
    cdef list names, sources
    cdef Maker made
    cdef object doubts, plain, excused
    cdef tuple reasons, nothing
    cdef Cue *cues
    cdef int32_t *cue_of
    cdef Hit *hits
    cdef int32_t n_hits
    cdef size_t hits_room
    cdef uint32_t mark, asking, denying, denial, flat, supposing, reporting, reporter
    cdef int32_t deny_reach, suppose_reach, report_reach
    cdef uint32_t opening[QUOTES]
    cdef uint32_t closing[QUOTES]
    cdef int32_t look_behind, sentence

    def __cinit__(self, Table table, cues, phrases, Maker made, families, reach, reasons, quotes,
                  look_behind, sentence, doubts):
        cdef Py_ssize_t at
        if table.phrases != len(phrases) or len(quotes) != QUOTES or len(reasons) != REASONS:
            raise ValueError("these steps are of another version")
        if made.count != FIELDS:
            raise ValueError("matches of another version")
        self.table, self.made, self.doubts, self.nothing = table, made, doubts, ()
        self.plain, self.excused, self.reasons = "plain", "excused", (None, *reasons)
        self.mark, self.asking, self.denying, self.denial, self.flat = families[:5]
        self.supposing, self.reporting, self.reporter = families[5:]
        for at in range(min(len(quotes), QUOTES)):
            self.opening[at], self.closing[at] = ord(quotes[at][0]), ord(quotes[at][1])
        self.deny_reach, self.suppose_reach, self.report_reach = reach
        self.look_behind, self.sentence = look_behind, sentence
        self.cues = <Cue *>_room(len(cues), sizeof(Cue))
        self.cue_of = <int32_t *>_room(len(phrases), sizeof(int32_t))
        self.names, self.sources = [cue[0] for cue in cues], [source for _, source in phrases]
        for at in range(len(cues)):
            _, harsh, excuses, first, count, turn_first, turn_count = cues[at]
            if max(first + count, turn_first + turn_count) > table.n_units:
                raise ValueError("exceptions that the sieve does not hold")
            self.cues[at] = Cue(excuses, first, count, turn_first, turn_count, 0, False, False, harsh)
        for at in range(len(phrases)):
            self.cue_of[at] = phrases[at][0]

    def __dealloc__(self):
        PyMem_Free(self.cues)
        PyMem_Free(self.cue_of)
        PyMem_Free(self.hits)

    def find(self, form, speaker, turn):
        """The cues of a turn, in order of start and cue; None where the steps that are not compiled have to say."""
        found = []
        return found if type(form) is Form and self._find(form, speaker, turn, found) != SLOWLY else None

    cdef int _find(self, Form form, speaker, turn, list found) except -1:
        """Append them, and say whether help can soften one of them."""
        cdef Hit few[16]
        cdef Hit *hits = few
        cdef Hit *hit
        cdef int32_t k, count
        cdef int told = PLAINLY
        self.table.scan_form(form)
        if self.table.odd or self.table.shallow:
            self.table._sift()
            return SLOWLY if self.table.n_active else PLAINLY
        self._gather(form)
        if not self.n_hits:
            return PLAINLY
        self._merge()
        self._weigh(form)
        count = self.n_hits
        if count > 16:  # their own: what makes Python's objects may let other texts be looked at in between
            hits = <Hit *>PyMem_Malloc(count * sizeof(Hit))
            if hits == NULL:
                raise MemoryError
        try:
            memcpy(hits, self.hits, count * sizeof(Hit))
            doubts = None
            for k in range(count):
                hit = hits + k
                if hit.order <= 0 and self.cues[hit.cue].harsh:
                    told = HARSHLY
                if hit.order >= 0:
                    found.append(self._match(form, hit, speaker, turn))
                    continue
                if doubts is None:
                    doubts = self.doubts(form, speaker, turn)
                found.append(doubts.judged(hit.phrase, hit.start, hit.end, bool(-hit.order & CAN)))
            return told
        finally:
            if hits != few:
                PyMem_Free(hits)

    cdef object _match(self, Form form, Hit *hit, speaker, turn):
        cdef int32_t start = form.tokens[hit.first].start
        cdef int32_t end = form.tokens[hit.behind - 1].end
        cdef PyObject *values[11]
        cdef object begins = start, ends = end, text = PyUnicode_Substring(form.source, start, end)
        values[0], values[1] = <PyObject *>self.names[hit.cue], <PyObject *>turn
        values[2], values[3], values[4] = <PyObject *>begins, <PyObject *>ends, <PyObject *>text
        values[5], values[6] = <PyObject *>speaker, <PyObject *>(self.excused if hit.order else self.plain)
        values[7], values[8] = <PyObject *>self.reasons[hit.order], <PyObject *>self.sources[hit.phrase]
        values[9], values[10] = <PyObject *>None, <PyObject *>self.nothing
        return atomic(self.made.of(values))

    cdef int _gather(self, Form form) except -1:
        """All places of all phrases, without the marks at their borders ('?' is kept at an end)."""
        cdef Table table = self.table
        cdef int32_t k, phrase
        cdef int window = 0
        self.n_hits = 0
        if table.length <= WINDOW:
            for k in range(table.n_active):
                table._locate(table.active[k], 0)
                if table.n_spots:
                    self._add(form, table.active[k])
            return 0
        while table._to(window):
            table._activate()
            for k in range(table.n_active):
                phrase = table.active[k]
                if table.seen_in[phrase] != table.text:
                    table.seen_in[phrase], table.seen_to[phrase] = table.text, 0
                table.seen_to[phrase] = table._locate(phrase, table.seen_to[phrase])
                if table.n_spots:
                    self._add(form, phrase)
            window += 1
        return 0

    cdef int _add(self, Form form, int32_t phrase) except -1:
        """The places of a phrase that was located."""
        cdef Table table = self.table
        cdef Token *tokens = form.tokens
        cdef Entry *entries = form.lexicon.entries
        cdef int32_t n, first, behind
        cdef Hit *hit
        if <size_t>(self.n_hits + table.n_spots) > self.hits_room:
            self.hits = <Hit *>_wider(self.hits, 2 * (self.n_hits + table.n_spots), sizeof(Hit))
            self.hits_room = 2 * (self.n_hits + table.n_spots)
        for n in range(table.n_spots):
            first, behind = table.spots[2 * n], table.spots[2 * n + 1]
            while first < behind and entries[tokens[first].entry].traits & TRAIT_MARK:
                first += 1
            while behind > first and self._stops(entries + tokens[behind - 1].entry):
                behind -= 1
            if first < behind:
                hit = self.hits + self.n_hits
                hit.cue, hit.phrase, hit.order = self.cue_of[phrase], phrase, self.n_hits
                hit.first, hit.behind = first, behind
                hit.start = tokens[first].at
                hit.end = tokens[behind - 1].at + entries[tokens[behind - 1].entry].length
                self.n_hits += 1
        return 0

    cdef inline bint _stops(self, Entry *entry) noexcept:
        return entry.traits & TRAIT_MARK and not entry.family & self.mark

    cdef void _merge(self) noexcept:
        """Overlapping hits of one cue become one, the longest phrase naming it; in order of start and cue."""
        cdef Hit *hits = self.hits
        cdef Hit *last
        cdef int32_t k, kept = 1
        if self.n_hits == 1:
            return
        qsort(hits, self.n_hits, sizeof(Hit), &_by_cue)
        for k in range(1, self.n_hits):
            last = hits + kept - 1
            if last.cue != hits[k].cue or hits[k].start >= last.end:
                hits[kept] = hits[k]
                kept += 1
                continue
            if last.end - last.start < hits[k].end - hits[k].start:
                last.phrase = hits[k].phrase
            if hits[k].end > last.end:
                last.end, last.behind = hits[k].end, hits[k].behind
        self.n_hits = kept
        qsort(hits, kept, sizeof(Hit), &_by_place)

    cdef void _weigh(self, Form form) noexcept:
        """What becomes of every hit, as its ``order``: 0 plain, else the number of its reason; below zero RE2 has to say."""
        cdef int32_t k
        for k in range(self.n_hits):
            self.hits[k].order = self._weighed(form, self.hits + k)

    cdef int32_t _weighed(self, Form form, Hit *hit) noexcept:
        cdef Table table = self.table
        cdef Token *tokens = form.tokens
        cdef Entry *entries = form.lexicon.entries
        cdef Cue *cue = self.cues + hit.cue
        cdef int32_t before = hit.first - 1, after = hit.behind, left, right, asks
        if cue.text != table.text:
            cue.text = table.text
            cue.can = cue.count and (table.length > WINDOW or table._can(cue.first, cue.count))
            cue.turn_can = cue.turn_count and table._is_between(cue.turn_first, cue.turn_count, 0, form.count)
        if cue.turn_can:
            return EXCEPTED
        if form.quotes and self._may_be_quoted(form, tokens[hit.first].start):
            return -(OPEN | (CAN if cue.can else 0))
        while before >= 0 and not entries[tokens[before].entry].traits & TRAIT_MARK:
            before -= 1
        if entries[tokens[after - 1].entry].traits & TRAIT_MARK:
            after -= 1
        while after < form.count and not entries[tokens[after].entry].traits & TRAIT_MARK:
            after += 1
        left = tokens[before].at + 1 if before >= 0 else 0
        right = tokens[after].at - 1 if after < form.count else form.length
        if cue.count and (left < hit.start - self.sentence or right + 2 > hit.end + self.sentence):
            return -(OPEN | (CAN if cue.can else 0))  # a long sentence is cut, perhaps within a word
        if cue.can and table._is_between(cue.first, cue.count, before + 1, min(after + 1, form.count)):
            return EXCEPTED
        if cue.excuses & ASKED and after < form.count and entries[tokens[after].entry].family & self.mark:
            asks = self._asks(form, before + 1, after, left)
            if asks:
                return asks
        if (
            (cue.excuses & DENIED and self._may_be_denied(form, hit.first, before))
            or (cue.excuses & SUPPOSED and self._may_be_supposed(form, hit.first, before))
            or (cue.excuses & REPORTED and self._may_be_reported(form, hit.first, before))
        ):
            return -OPEN
        return 0

    cdef bint _may_be_quoted(self, Form form, int32_t start) noexcept:
        """Whether a sign that opens a quotation stands before a place, and after it one that closes such."""
        cdef int kind = PyUnicode_KIND(form.source)
        cdef void *data = PyUnicode_DATA(form.source)
        cdef Py_ssize_t at
        cdef uint32_t character
        cdef int k, opened = 0
        for at in range(PyUnicode_GET_LENGTH(form.source)):
            character = PyUnicode_READ(kind, data, at)
            if at == start or (character != c'"' and character < 128):
                continue
            for k in range(QUOTES):
                if at < start and character == self.opening[k]:
                    opened |= 1 << k
                elif at > start and character == self.closing[k] and opened >> k & 1:
                    return True
        return False

    cdef int32_t _asks(self, Form form, int32_t first, int32_t behind, int32_t left) noexcept:
        """Whether one of the first words asks; below zero where RE2 has to say."""
        cdef Token *tokens = form.tokens
        cdef Entry *entry
        cdef int32_t at
        for at in range(first, min(first + OPENING_WORDS, behind)):
            entry = form.lexicon.entries + tokens[at].entry
            if entry.traits & TRAIT_MARK:
                return 0
            if entry.traits & TRAIT_GLUED or tokens[at].at + entry.length > left + self.look_behind:
                return -OPEN
            if entry.family & self.asking:
                return ASKS
        return 0

    cdef bint _may_be_denied(self, Form form, int32_t first, int32_t mark) noexcept:
        """Whether words that deny stand before a match, after a mark and within reach."""
        cdef Entry *entries = form.lexicon.entries
        cdef int32_t at
        cdef uint32_t family
        if not form.flags & self.denying:
            return False
        for at in range(max(mark + 1, first - self.deny_reach), first):
            family = entries[form.tokens[at].entry].family
            if family & self.denying:
                if family & self.flat and first - at <= FLAT_REACH:
                    return True
                if at + 1 < first and entries[form.tokens[at + 1].entry].family & self.denial:
                    return True
        return False

    cdef bint _may_be_supposed(self, Form form, int32_t first, int32_t mark) noexcept:
        cdef int32_t at
        if not form.flags & self.supposing:
            return False
        for at in range(max(mark + 1, first - self.suppose_reach), first):
            if form.lexicon.entries[form.tokens[at].entry].family & self.supposing:
                return True
        return False

    cdef bint _may_be_reported(self, Form form, int32_t first, int32_t mark) noexcept:
        """The same of a word that reports, and before it one of who does."""
        cdef Entry *entries = form.lexicon.entries
        cdef int32_t at, k
        if not form.flags & self.reporting:
            return False
        for at in range(max(mark + 1, first - self.report_reach), first):
            if entries[form.tokens[at].entry].family & self.reporting:
                for k in range(max(mark + 1, at - REPORTER_REACH), at):
                    if entries[form.tokens[k].entry].family & self.reporter:
                        return True
        return False


cdef int _by_cue(const void *one, const void *other) noexcept nogil:
    cdef Hit *a = <Hit *>one
    cdef Hit *b = <Hit *>other
    if a.cue != b.cue:
        return a.cue - b.cue
    if a.start != b.start:
        return a.start - b.start
    if a.end != b.end:
        return b.end - a.end
    return a.phrase - b.phrase


cdef int _by_place(const void *one, const void *other) noexcept nogil:
    cdef Hit *a = <Hit *>one
    cdef Hit *b = <Hit *>other
    if a.start != b.start:
        return a.start - b.start
    if a.cue != b.cue:
        return a.cue - b.cue
    return a.end - b.end
