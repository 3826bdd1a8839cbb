# All turns of a conversation: the last part of _sieve.pyx.

cdef enum:  # as servicequal.cues has them
    MOST_SPANS = 20
    KINDS = 2


cdef struct Said:           # of a match
    int32_t cue             # its number among those that soften or are softened, or -1
    int32_t turn, start, end
    bint plain
    int32_t helping         # the next match that is plainly help, itself or behind it


cdef struct Next:           # of a turn that is softened
    int32_t turn
    int32_t following       # the agent's next turn, or -1
    Py_ssize_t first        # the first match from there on


@cython.final
cdef class Talk:
    """All turns of a conversation in one call. ``sides`` are the finders of agent and customer, None where one has no
    phrases, and what finds the cues of a turn where these cannot say; ``spelled`` makes the normal form of a text where
    ``reader`` does not. ``softened_by`` are the cues of help by the cue that they soften; ``made`` and ``span`` make
    matches and where they stand."""

    cdef Finder agent, customer
    cdef object agent_slowly, customer_slowly, spelled
    cdef Reader reader
    cdef Maker made, span
    cdef dict numbers           # by name: which of the cues that soften or are softened
    cdef int32_t n_cues
    cdef uint8_t *helps         # for each of these: whether it softens any, then whether it softens each of them
    cdef uint8_t *harsh         # whether it can be softened
    cdef object plain, softened, reason, message, agent_name, customer_name

    def __cinit__(self, sides, Reader reader, spelled, Maker made, Maker span, softened_by):
        (self.agent, self.agent_slowly), (self.customer, self.customer_slowly) = sides
        self.reader, self.spelled = reader, spelled
        if made.count != FIELDS or span.count != 3:
            raise ValueError("matches of another version")
        self.made, self.span = made, span
        self.plain, self.softened, self.reason = "plain", "softened", "help follows"
        self.message, self.agent_name, self.customer_name = "message", "agent", "customer"
        names = sorted({*softened_by, *(name for some in softened_by.values() for name in some)})
        self.numbers, self.n_cues = {name: at for at, name in enumerate(names)}, len(names)
        self.harsh = <uint8_t *>_room(len(names), 1)
        self.helps = <uint8_t *>_room((len(names) + 1) * len(names), 1)
        for name, some in softened_by.items():
            self.harsh[<int32_t>self.numbers[name]] = True
            for other in some:
                self.helps[<int32_t>self.numbers[other]] = True
                self.helps[(<int32_t>self.numbers[name] + 1) * self.n_cues + <int32_t>self.numbers[other]] = True

    def __dealloc__(self):
        PyMem_Free(self.harsh)
        PyMem_Free(self.helps)

    def find(self, tuple turns not None, list forms not None):
        """The cues of the turns, in order; softening applied. Normal forms that are missing are added."""
        cdef Py_ssize_t at
        cdef int told, harsh = PLAINLY
        cdef dict fields
        cdef Finder side
        cdef list found = []
        if len(forms) != len(turns):
            raise ValueError("as many normal forms as turns")
        for at in range(len(turns)):
            fields = PyObject_GenericGetDict(<object>turns[at], NULL)
            if not _is(fields["kind"], self.message):  # one without words holds no cue
                continue
            speaker = fields["speaker"]
            if _is(speaker, self.agent_name):
                side, slowly = self.agent, self.agent_slowly
            elif _is(speaker, self.customer_name):
                side, slowly = self.customer, self.customer_slowly
            else:
                continue
            if side is None:
                continue
            form = forms[at]
            if form is None:
                form = self._form(fields["text"])
                forms[at] = form
            told = side._find(form, speaker, at, found) if type(form) is Form else SLOWLY
            if told == SLOWLY:
                found += slowly(form, speaker, at, False)
                told = HARSHLY
            harsh |= told
        if harsh:
            self._soften(found, turns)
        return tuple(found)

    cdef object _form(self, text):
        cdef Form form = self.reader.form(text) if type(text) is str else None
        return self.spelled(text) if form is None else form

    # -- softening

    def soften(self, found, tuple turns not None):
        """What servicequal.cues.soften makes of matches."""
        out = list(found)
        self._soften(out, turns)
        return tuple(out)

    cdef int _soften(self, list found, tuple turns) except -1:
        """Put in what help softens."""
        cdef Py_ssize_t count = len(found), at
        cdef Said *said = <Said *>PyMem_Malloc((count + 1) * sizeof(Said))
        cdef Next next = Next(-1, -1, 0)
        if said == NULL:
            raise MemoryError
        try:
            self._tell(found, said)
            for at in range(count):
                if said[at].plain and said[at].cue >= 0 and self.harsh[said[at].cue]:
                    if said[at].turn != next.turn:
                        next.turn, next.following = said[at].turn, self._following(turns, said[at].turn)
                        next.first = at
                        while next.first < count and said[next.first].turn < next.following:
                            next.first += 1
                    spans = self._help(found, said, at, next)
                    if spans:
                        found[at] = self._softened(found[at], spans)
            return 0
        finally:
            PyMem_Free(said)

    cdef int _tell(self, list found, Said *said) except -1:
        """What has to be known of matches; of each the next plain one of help, that itself or behind it."""
        cdef Py_ssize_t at, count = len(found)
        said[count] = Said(-1, -1, 0, 0, False, <int32_t>count)
        for at in range(count - 1, -1, -1):
            match = found[at]
            number = self.numbers.get(match.cue)
            said[at].cue = -1 if number is None else <int32_t>number
            said[at].turn, said[at].start, said[at].end = match.turn, match.start, match.end
            said[at].plain = _is(match.status, self.plain)
            said[at].helping = said[at + 1].helping
            if number is not None and said[at].plain and self.helps[said[at].cue]:
                said[at].helping = <int32_t>at
        return 0

    cdef int32_t _following(self, tuple turns, int32_t turn) except -2:
        """The next turn in which the agent says something; -1 where there is none, and for a turn that is none itself."""
        cdef Py_ssize_t at
        if 0 <= turn < len(turns) and self._of_agent(turns[turn]):
            for at in range(turn + 1, len(turns)):
                if self._of_agent(turns[at]):
                    return <int32_t>at
        return -1

    cdef bint _of_agent(self, turn) except -1:
        cdef dict fields = PyObject_GenericGetDict(turn, NULL)
        return _is(fields["speaker"], self.agent_name) and turn.scorable

    cdef tuple _help(self, list found, Said *said, Py_ssize_t at, Next next):
        """Where the help stands that softens a match: behind it in its turn, and of two kinds at least in the next."""
        cdef const uint8_t *wanted = self.helps + (said[at].cue + 1) * self.n_cues
        cdef int32_t k = said[at + 1].helping, count = 0, kinds = 0, one = -1
        cdef Py_ssize_t total = len(found)
        cdef list spans = []
        while k < total and said[k].turn == said[at].turn and count < MOST_SPANS:
            if said[k].start >= said[at].end:
                count += 1
                if wanted[said[k].cue]:
                    spans.append(self._span(said + k))
            k = said[k + 1].helping
        if next.following >= 0:
            here = len(spans)
            k, count = said[next.first].helping, 0
            while k < total and said[k].turn == next.following and count < MOST_SPANS:
                count += 1
                if wanted[said[k].cue]:
                    kinds += one != said[k].cue and kinds < KINDS
                    one = said[k].cue
                    spans.append(self._span(said + k))
                k = said[k + 1].helping
            if kinds < KINDS:
                del spans[here:]
        return tuple(spans)

    cdef object _span(self, Said *said):
        cdef PyObject *values[3]
        cdef object turn = said.turn, start = said.start, end = said.end
        values[0], values[1], values[2] = <PyObject *>turn, <PyObject *>start, <PyObject *>end
        return atomic(self.span.of(values))

    cdef object _softened(self, match, tuple spans):
        """The match again, with another status and reason."""
        cdef PyObject *values[FIELDS]
        cdef tuple had = (match.cue, match.turn, match.start, match.end, match.text, match.speaker, self.softened,
                          self.reason, match.pattern, match.confidence, spans)
        cdef int k
        for k in range(FIELDS):
            values[k] = <PyObject *>had[k]
        return atomic(self.made.of(values))


cdef inline bint _is(object one, object other) except -1:
    """Whether two words are the same: mostly one object."""
    return one is other or one == other
