# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Which cues the turns of a conversation hold, compiled: see servicequal.rules.said, which says what this does."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memset

from ..conversation import Span
from ..made import maker
from .bits import BITS, COUNTING, OWN, PLAIN, SOFTENED

cdef object _span = maker(Span)
cdef dict _bits = dict(BITS)
cdef uint32_t _own = OWN
cdef int _plain = PLAIN, _softened = SOFTENED

if OWN >> 32 or (PLAIN, SOFTENED, COUNTING) != (0, 1, 2):
    raise ImportError("more cues than a number has bits")


cdef struct Turn:
    uint32_t said
    uint32_t softened
    int32_t first       # its first cue, -1: none
    int32_t last


cdef struct Cue:
    uint32_t bit
    int32_t which       # 0: plain, 1: softened
    int32_t turn
    int32_t start
    int32_t end
    int32_t next        # the next cue of the turn, -1: none
    int32_t alike       # the first cue of the turn that stands at the same place
    int32_t seen        # by which question its place was told last
    PyObject *span


cdef class Said:
    """The cues of a conversation's turns as bits, and where they stand."""

    cdef Turn *turns
    cdef Cue *cues
    cdef int32_t *ends          # for each place among the agent's turns where its breath ends
    cdef int32_t n_turns, n_cues, n_agent
    cdef int32_t question
    cdef bint mixed             # cues of a turn do not come by start
    cdef tuple agent_turns
    cdef int32_t *agent_at

    def __cinit__(self, *_, **__):
        self.turns = NULL
        self.cues = NULL
        self.ends = self.agent_at = NULL
        self.n_turns = self.n_cues = self.n_agent = self.question = 0
        self.mixed = False

    def __init__(self, Py_ssize_t turns, cues, tuple agent not None):
        if self.turns != NULL:
            raise RuntimeError("made once")
        if turns < 0 or turns >= 1 << 30 or len(cues) >= 1 << 30:
            raise ValueError("too many turns or cues")
        self.agent_turns = agent
        self.turns = <Turn *>PyMem_Malloc((turns + 1) * sizeof(Turn))
        self.cues = <Cue *>PyMem_Malloc((len(cues) + 1) * sizeof(Cue))
        self.agent_at = <int32_t *>PyMem_Malloc((len(agent) + 1) * 2 * sizeof(int32_t))
        if self.turns == NULL or self.cues == NULL or self.agent_at == NULL:
            raise MemoryError()
        self.ends = self.agent_at + len(agent) + 1
        self.n_turns = <int32_t>turns
        memset(self.turns, 0, turns * sizeof(Turn))
        for at in range(self.n_turns):
            self.turns[at].first = -1
        self._place(cues, <Py_ssize_t>len(cues))
        self._breathe(agent)

    def __dealloc__(self):
        cdef int32_t at
        for at in range(self.n_cues):
            Py_XDECREF(self.cues[at].span)
        PyMem_Free(self.turns)
        PyMem_Free(self.cues)
        PyMem_Free(self.agent_at)

    cdef int _place(self, cues, Py_ssize_t room) except -1:
        cdef int32_t at, n
        cdef Cue *cue
        cdef Turn *turn
        cdef str status
        for match in cues:
            status = match.status
            n = match.turn
            if n < 0 or n >= self.n_turns:
                raise IndexError(f"there is no turn {n}")
            if status == "excused":
                continue
            if self.n_cues >= room:
                raise ValueError("more cues than expected")
            at = self.n_cues
            cue = &self.cues[at]
            turn = &self.turns[n]
            bit = _bits.get(match.cue)
            cue.bit = _own if bit is None else <uint32_t>bit
            cue.which = 0 if status == "plain" else 1
            cue.turn, cue.start, cue.end = n, match.start, match.end
            cue.next, cue.seen, cue.span, cue.alike = -1, 0, NULL, at
            self.n_cues += 1
            if turn.first < 0:
                turn.first = at
            else:
                if cue.start <= self.cues[turn.last].start:
                    self._compare(turn, cue)
                self.cues[turn.last].next = at
            turn.last = at
            if cue.which == 0:
                turn.said |= cue.bit
            else:
                turn.softened |= cue.bit
        return 0

    cdef void _compare(self, Turn *turn, Cue *cue) noexcept:
        """Cues that begin at one place come one behind the other, so few are looked at, unless they are mixed."""
        cdef int32_t at = turn.last
        if cue.start < self.cues[at].start:
            self.mixed = True
            return
        while at >= 0 and self.cues[at].turn == cue.turn and self.cues[at].start == cue.start:
            if self.cues[at].end == cue.end:
                cue.alike = self.cues[at].alike
                return
            at -= 1
        return

    cdef int _breathe(self, tuple agent) except -1:
        cdef Py_ssize_t at
        cdef int32_t end, after, following = -1, turn
        self.n_agent = <int32_t>len(agent)
        for at in range(self.n_agent):
            self.agent_at[at] = agent[at]
        end = after = self.n_agent
        for at in range(self.n_agent - 1, -1, -1):
            turn = self.agent_at[at]
            if turn + 1 != following:
                end = after
            self.ends[at] = end
            following = turn
            after -= 1
        return 0

    cdef Turn *_turn(self, n) except NULL:
        cdef Py_ssize_t at = n
        if at < 0 or at >= self.n_turns:
            raise IndexError(f"there is no turn {at}")
        return &self.turns[at]

    @property
    def said(self):
        return [self.turns[at].said for at in range(self.n_turns)]

    @property
    def softened(self):
        return [self.turns[at].softened for at in range(self.n_turns)]

    def said_in(self, turns):
        """The bits of all plain cues of these turns."""
        cdef uint32_t found = 0
        for n in turns:
            found |= self._turn(n).said
        return found

    def softened_in(self, turns):
        """The bits of all softened cues of these turns."""
        cdef uint32_t found = 0
        for n in turns:
            found |= self._turn(n).softened
        return found

    def turns_with(self, turns, uint32_t wanted):
        """Those of the turns that plainly say one of the wanted cues."""
        return [n for n in turns if self._turn(n).said & wanted]

    def counting_with(self, turns, uint32_t wanted):
        """Those of the turns that say one of the wanted cues, plainly or softened."""
        cdef Turn *turn
        cdef list found = []
        for n in turns:
            turn = self._turn(n)
            if (turn.said | turn.softened) & wanted:
                found.append(n)
        return found

    def count(self, turns, uint32_t wanted, uint32_t without=0):
        """How many of the turns plainly say one of the wanted cues and none of ``without``."""
        cdef Py_ssize_t found = 0
        cdef uint32_t said
        for n in turns:
            said = self._turn(n).said
            found += said & wanted and not said & without
        return found

    def count_softened(self, turns, uint32_t wanted, uint32_t without=0):
        """How many of the turns hold a softened one of the wanted cues and plainly none of ``without``."""
        cdef Py_ssize_t found = 0
        cdef Turn *turn
        for n in turns:
            turn = self._turn(n)
            found += turn.softened & wanted and not turn.said & without
        return found

    def spans(self, turns, uint32_t wanted, int which=0):
        """Where the wanted cues stand in these turns, in order, without repeats."""
        cdef list found = []
        self._new_question()
        if which == _plain:
            self._places(turns, wanted, 0, found)
        elif which == _softened:
            self._places(turns, 0, wanted, found)
        else:
            self._places(turns, wanted, wanted, found)
        return self._apart(found)

    def spans_hard_first(self, turns, uint32_t wanted):
        """Where the wanted cues stand, those that are plain before those that are softened, without repeats."""
        cdef list found = []
        self._new_question()
        self._places(turns, wanted, 0, found)
        self._places(turns, 0, wanted, found)
        return self._apart(found)

    cdef void _new_question(self) noexcept:
        cdef int32_t at
        if self.question == 0x7fffffff:
            for at in range(self.n_cues):
                self.cues[at].seen = 0
            self.question = 0
        self.question += 1

    cdef int _places(self, turns, uint32_t plain, uint32_t softened, list found) except -1:
        cdef Turn *turn
        cdef Cue *cue
        cdef Cue *alike
        cdef int32_t at
        for n in turns:
            turn = self._turn(n)
            if not (turn.said & plain or turn.softened & softened):
                continue
            at = turn.first
            while at >= 0:
                cue = &self.cues[at]
                at = cue.next
                if cue.bit & (softened if cue.which else plain):
                    alike = &self.cues[cue.alike]
                    if alike.seen != self.question:
                        alike.seen = self.question
                        found.append(self._span_of(alike))
        return 0

    cdef object _span_of(self, Cue *cue):
        if cue.span == NULL:
            made = _span(cue.turn, cue.start, cue.end)
            Py_INCREF(made)
            cue.span = <PyObject *>made
        return <object>cue.span

    cdef tuple _apart(self, list found):
        return tuple(dict.fromkeys(found)) if self.mixed else tuple(found)

    def replies(self, Py_ssize_t turn, Py_ssize_t within):
        """The next ``within`` agent turns after a turn; turns in one breath count as one."""
        cdef int32_t begin = self._after(turn)
        return self.agent_turns[begin:self._reached(begin, within)]

    def answered(self, Py_ssize_t turn, Py_ssize_t within):
        """The bits of all plain cues of these replies."""
        cdef uint32_t found = 0
        cdef int32_t at, begin = self._after(turn)
        for at in range(begin, self._reached(begin, within)):
            found |= self._turn(self.agent_at[at]).said
        return found

    cdef int32_t _after(self, Py_ssize_t turn) noexcept:
        """The place of the agent's first turn after a turn."""
        cdef int32_t low = 0, high = self.n_agent, middle
        while low < high:
            middle = (low + high) >> 1
            if turn < self.agent_at[middle]:
                high = middle
            else:
                low = middle + 1
        return low

    cdef int32_t _reached(self, int32_t end, Py_ssize_t within) noexcept:
        while within > 0 and end < self.n_agent:
            end = self.ends[end]
            within -= 1
        return end
