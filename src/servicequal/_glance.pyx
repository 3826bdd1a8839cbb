# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""One pass over each text of a conversation, compiled. Same answers as servicequal.outline.Glance, which says what they are.

Signs are found by an Aho-Corasick automaton over case-folded text with single spaces, common words by a trie. Both read
classes of characters: one for each character that a sign or a word has, one for all others.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t

cdef extern from "Python.h":
    dict PyObject_GenericGetDict(object o, void *context)
    unsigned int PyUnicode_KIND(object o)
    void *PyUnicode_DATA(object o)
    Py_UCS4 PyUnicode_READ(unsigned int kind, const void *data, Py_ssize_t index) nogil
    Py_ssize_t PyUnicode_GET_LENGTH(object o)
    int Py_UNICODE_ISSPACE(Py_UCS4 character) nogil

cdef enum:
    OTHER = 0       # a character that no sign and no word has
    SPACE = 1
    UNSURE = 255    # one that case-folding may turn into another
    WIDE = 16       # such as are not ASCII, at most
    BITS = 12       # of an entry of the automaton: the signs that end there; above them the next state

cdef struct Seen:
    Py_ssize_t words
    Py_ssize_t common
    Py_ssize_t size
    uint32_t signs


cdef void *_room(size_t count, size_t size) except NULL:
    cdef void *found = PyMem_Calloc(count if count else 1, size)
    if found == NULL:
        raise MemoryError
    return found


cdef inline bint _stays(Py_UCS4 character) noexcept nogil:
    """Whether case-folding makes one character of it that is not ASCII; of most it does, this knows a few blocks."""
    return (
        0xA0 <= character < 0xDF or 0xDF < character <= 0xFF  # Latin-1 without sharp s
        or 0x2000 <= character <= 0x20FF                        # punctuation, currencies
        or 0x2600 <= character <= 0x27BF                        # symbols
        or character >= 0x1F000                                 # pictures
    )


cdef class Glance:
    """The automaton of some signs and the trie of some words; holds nothing of a text."""

    cdef uint8_t ascii[128]
    cdef Py_UCS4 wide[WIDE]     # characters of signs that are not ASCII, and their classes
    cdef int wide_class[WIDE]
    cdef int n_wide, classes
    cdef int32_t n_states, n_nodes
    cdef uint32_t *states       # where a state's row begins, plus class: the same of the next one, signs that end there
    cdef uint16_t *nodes        # the same of words; the first row is of no node, the second of the root
    cdef uint8_t *ends          # where a node's row begins: whether it ends a word

    def __cinit__(self, signs, words, alike):
        """``signs`` are pairs of a text and a bit, ``alike`` says which other character counts as one of theirs."""
        cdef int at
        cdef dict classes = {}
        for text in (*(text for text, _ in signs), *words):
            for character in text:
                if character != " ":
                    classes.setdefault(character, len(classes) + 2)
        self.classes = len(classes) + 2
        wide = {character: found for character, found in classes.items() if not character.isascii()}
        wide.update({character: classes[other] for character, other in alike.items()})
        if self.classes >= UNSURE or len(wide) > WIDE:
            raise ValueError("too many characters")
        self.n_wide = len(wide)
        for at, (character, found) in enumerate(wide.items()):
            self.wide[at], self.wide_class[at] = character, found
        for at in range(128):
            character = chr(at)
            self.ascii[at] = SPACE if character.isspace() else classes.get(character.lower(), OTHER)
        classes[" "] = SPACE
        self._build_states([([classes[c] for c in text], bit) for text, bit in signs])
        self._build_nodes([[classes[c] for c in word] for word in words])

    def __dealloc__(self):
        PyMem_Free(self.states)
        PyMem_Free(self.nodes)
        PyMem_Free(self.ends)

    cdef int _build_states(self, list signs) except -1:
        cdef int32_t state, k
        cdef list goto = [{}], out = [0], fail = [0], queue = []
        for path, bit in signs:
            if not 0 < bit < 1 << BITS:
                raise ValueError(f"no bit for a sign: {bit}")
            state = 0
            for k in path:
                if k not in goto[state]:
                    goto[state][k] = len(goto)
                    goto.append({})
                    out.append(0)
                    fail.append(0)
                state = goto[state][k]
            out[state] |= bit
        self.n_states = len(goto)
        if self.n_states * self.classes >= 1 << 32 - BITS:
            raise ValueError("too many signs")
        self.states = <uint32_t *>_room(self.n_states * self.classes, sizeof(uint32_t))
        for k, state in goto[0].items():
            queue.append(state)
        self._fill(0, goto[0], out, 0)
        for state in queue:  # grows: breadth first, so that what a state falls back to is filled in before
            for k, child in goto[state].items():
                fail[child] = (self.states[<int32_t>fail[state] * self.classes + k] >> BITS) // self.classes
                out[child] |= out[fail[child]]
                queue.append(child)
            self._fill(state, goto[state], out, fail[state])
        return 0

    cdef int _fill(self, int32_t state, dict children, list out, int32_t fallen) except -1:
        cdef int32_t k, child
        for k in range(self.classes):
            if k in children:
                child = children[k]
                self.states[state * self.classes + k] = <uint32_t>(child * self.classes) << BITS | <uint32_t>out[child]
            elif state:
                self.states[state * self.classes + k] = self.states[fallen * self.classes + k]
        return 0

    cdef int _build_nodes(self, list words) except -1:
        cdef int32_t node, k
        cdef list trie = [{}, {}]
        cdef set ends = set()
        for word in words:
            node = 1
            for k in word:
                if k not in trie[node]:
                    trie[node][k] = len(trie)
                    trie.append({})
                node = trie[node][k]
            ends.add(node)
        self.n_nodes = len(trie)
        if self.n_nodes * self.classes >= 1 << 16:
            raise ValueError("too many words")
        self.nodes = <uint16_t *>_room(self.n_nodes * self.classes, sizeof(uint16_t))
        self.ends = <uint8_t *>_room(self.n_nodes * self.classes, 1)
        for node in range(self.n_nodes):
            self.ends[node * self.classes] = node in ends
            for k, child in trie[node].items():
                self.nodes[node * self.classes + k] = child * self.classes
        return 0

    cdef int _class_of(self, Py_UCS4 character, bint folded) noexcept nogil:
        """The class of a character that is not ASCII."""
        cdef int at
        for at in range(self.n_wide):
            if self.wide[at] == character:
                return self.wide_class[at]
        if Py_UNICODE_ISSPACE(character):
            return SPACE
        return OTHER if folded or _stays(character) else UNSURE

    cdef bint _pass(self, str text, bint folded, Seen *seen) noexcept:
        """What a text holds; False where it has to be case-folded first."""
        cdef unsigned int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef const uint32_t *states = self.states
        cdef const uint16_t *nodes = self.nodes
        cdef Py_ssize_t at, size = PyUnicode_GET_LENGTH(text)
        cdef Py_ssize_t words = 0, common = 0, letters = 0
        cdef Py_UCS4 character
        cdef int k, root = self.classes
        cdef uint32_t state = 0, signs = 0, node = 0
        cdef bint inside = False
        for at in range(size):
            character = (<const uint8_t *>data)[at] if kind == 1 else PyUnicode_READ(kind, data, at)
            k = self.ascii[character] if character < 128 else self._class_of(character, folded)
            if k == SPACE:
                if inside:
                    common += self.ends[node]
                    inside = False
                continue
            if k == UNSURE:
                return False
            if not inside:
                if words:
                    state = states[(state >> BITS) + SPACE]
                    signs |= state
                words += 1
                node = root
                inside = True
            letters += 1
            state = states[(state >> BITS) + k]
            signs |= state
            node = nodes[node + k]
        if inside:
            common += self.ends[node]
        seen.words, seen.common = words, common
        seen.size = letters + words - 1 if words else 0
        seen.signs = signs & ((1 << BITS) - 1)
        return True

    cdef int _look(self, str text, Seen *seen) except -1:
        if not self._pass(text, False, seen):
            self._pass(text.casefold(), True, seen)
        return 0

    def at(self, str text not None):
        """Words, common words, length with single spaces, and the signs of one text."""
        cdef Seen seen
        self._look(text, &seen)
        return seen.words, seen.common, seen.size, seen.signs

    def over(self, tuple turns, Py_ssize_t long, Py_ssize_t longest):
        """The fields of an Outline; turns from ``long`` characters on are compared, one over ``longest`` is marked."""
        cdef Seen seen
        cdef Py_ssize_t n, before = -1, total = 0, common = 0, length
        cdef list spoken = [], agent = [], customer = [], unknown = [], others = [], words = [], signs = [], again = []
        cdef list timed = []
        cdef bint sided = False, rated = False, over = False
        cdef str text, speaker
        cdef dict fields
        for n in range(len(turns)):
            fields = PyObject_GenericGetDict(turns[n], NULL)
            text = fields["text"]
            self._look(text, &seen)
            rated = rated or fields["confidence"] is not None
            if seen.words and fields["kind"] == "message":
                length = len(text)
                speaker = fields["speaker"]
                spoken.append(n)
                if speaker == "agent":
                    agent.append(n)
                elif speaker == "customer":
                    customer.append(n)
                elif speaker == "unknown":
                    unknown.append(n)
                start = fields["start"]
                if start is not None:
                    timed.append((speaker, start, fields["end"], seen.words))
                    sided = sided or speaker == "agent" or speaker == "customer"
                if seen.signs:
                    signs.append((n, seen.signs))
                if seen.size == before and length >= long:
                    again.append(n)
                over = over or length > longest
                words.append(seen.words)
                total += seen.words
                common += seen.common
            else:
                words.append(0)
            before = seen.size
        return (
            tuple(spoken), tuple(agent), tuple(customer), tuple(unknown), tuple(words), total, common,
            tuple(signs), tuple(again), tuple(timed) if sided else (), rated, over,
        )
