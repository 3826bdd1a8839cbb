# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Columns, compiled. Same answers as servicequal.gather, which says what they are.

Values go into memory as Arrow lays it out, so that nothing is left to do but to hand it over.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, uint8_t
from libc.stdlib cimport qsort
from libc.string cimport memcpy, memset

from servicequal._slots cimport place_of

cdef extern from "Python.h":
    dict PyObject_GenericGetDict(object o, void *context)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    PyObject *PyDict_GetItemWithError(dict found, object key) except? NULL
    bint PyDict_Next(dict found, Py_ssize_t *at, PyObject **key, PyObject **value)
    PyObject *PyList_GET_ITEM(list values, Py_ssize_t at)
    Py_ssize_t PyList_GET_SIZE(list values)
    PyObject *PyTuple_GET_ITEM(object values, Py_ssize_t at)
    Py_ssize_t PyTuple_GET_SIZE(object values)

cdef extern from *:
    """
    #include <stddef.h>
    static const Py_ssize_t FIRST_ITEM = offsetof(PyTupleObject, ob_item);
    """
    const Py_ssize_t FIRST_ITEM

cdef enum:
    MOST = 32
    KNOWN = 64  # texts of a column that are known by where they are held

cdef struct Room:
    char *data
    size_t used
    size_t size

cdef struct Place:
    int32_t turn
    int32_t start
    int32_t end
    int32_t at


cdef int _grow(Room *room, size_t count) except -1:
    cdef size_t size = max(2 * room.size, room.used + count, <size_t>1024)
    cdef char *data = <char *>PyMem_Realloc(room.data, size)
    if data == NULL:
        raise MemoryError
    room.data, room.size = data, size
    return 0


cdef inline char *_more(Room *room, size_t count) except NULL:
    """Room for so many bytes more behind those used, which they then are."""
    if room.data == NULL or room.size - room.used < count:
        _grow(room, count)
    room.used += count
    return room.data + room.used - count


cdef inline int _put_number(Room *room, int32_t number) except -1:
    (<int32_t *>_more(room, sizeof(int32_t)))[0] = number
    return 0


cdef inline int _put_end(Room *offsets, size_t end) except -1:
    """Where a text or a list ends."""
    if end > INT32_MAX:
        raise OverflowError("more than a column of one part can hold")
    return _put_number(offsets, <int32_t>end)


cdef object _bytes(Room *room):
    import pyarrow as pa

    return pa.py_buffer(PyBytes_FromStringAndSize(room.data, room.used))


cdef object _bits(Room *gaps, Py_ssize_t count):
    """A bit for each of so many values: all are there but for those at these places."""
    import pyarrow as pa

    cdef Py_ssize_t at, size = (count + 7) // 8
    cdef Py_ssize_t *places = <Py_ssize_t *>gaps.data
    cdef bytes made = PyBytes_FromStringAndSize(NULL, size)
    cdef uint8_t *bits = <uint8_t *><char *>made
    memset(bits, 255, size)
    if count % 8:
        bits[size - 1] = <uint8_t>((1 << (count % 8)) - 1)
    for at in range(<Py_ssize_t>(gaps.used // sizeof(Py_ssize_t))):
        bits[places[at] >> 3] &= <uint8_t>~(1 << (places[at] & 7))
    return pa.py_buffer(made)


cdef inline int32_t _number(object value) except? -1:
    cdef Py_ssize_t found = value  # by __index__: what is no whole number is refused
    if not INT32_MIN <= found <= INT32_MAX:
        raise OverflowError(f"{found} is no number of 32 bits")
    return <int32_t>found


cdef class Column:
    """See servicequal.gather."""

    cdef Py_ssize_t count, none
    cdef Room values, gaps

    def __dealloc__(self):
        PyMem_Free(self.values.data)
        PyMem_Free(self.gaps.data)

    def __len__(self):
        return self.count

    cdef int put(self, object value) except -1:
        raise NotImplementedError

    def add(self, value):
        self.put(value)

    def extend(self, values):
        for value in values:
            self.put(value)

    def pick(self, list values not None, places):
        cdef Py_ssize_t place
        for at in places:
            place = at
            if not 0 <= place < PyList_GET_SIZE(values):
                raise IndexError("there is no such value")
            self.put(<object>PyList_GET_ITEM(values, place))

    cdef int miss(self) except -1:
        """The next value is none."""
        (<Py_ssize_t *>_more(&self.gaps, sizeof(Py_ssize_t)))[0] = self.count
        self.none += 1
        return 0

    cdef object _validity(self):
        return _bits(&self.gaps, self.count) if self.none else None


cdef class Floats(Column):
    """See servicequal.gather."""

    cdef int put(self, object value) except -1:
        cdef double found = 0.0
        if value is None:
            self.miss()
        else:
            found = value
        (<double *>_more(&self.values, sizeof(double)))[0] = found
        self.count += 1
        return 0

    def array(self):
        import pyarrow as pa

        return pa.Array.from_buffers(pa.float64(), self.count, [self._validity(), _bytes(&self.values)], self.none)


cdef class Numbers(Column):
    """See servicequal.gather."""

    cdef int put(self, object value) except -1:
        cdef int32_t found = 0
        if value is None:
            self.miss()
        else:
            found = _number(value)
        _put_number(&self.values, found)
        self.count += 1
        return 0

    def array(self):
        import pyarrow as pa

        return pa.Array.from_buffers(pa.int32(), self.count, [self._validity(), _bytes(&self.values)], self.none)


cdef class Words(Column):
    """See servicequal.gather."""

    cdef dict places
    cdef list names
    cdef PyObject *known[KNOWN]
    cdef int32_t place_of_known[KNOWN]

    def __cinit__(self):
        memset(self.known, 0, sizeof(self.known))
        self.places, self.names = {}, []

    cdef int put(self, object value) except -1:
        cdef size_t at
        cdef int32_t place = 0
        if value is None:
            self.miss()
        else:
            at = (<size_t><PyObject *>value >> 4) % KNOWN
            if self.known[at] == <PyObject *>value:
                place = self.place_of_known[at]
            else:
                place = self.look_up(value, at)
        _put_number(&self.values, place)
        self.count += 1
        return 0

    cdef int32_t look_up(self, object value, size_t at) except? -1:
        """The place of a text; of the very one that is held, where to find it sooner the next time."""
        cdef PyObject *found = PyDict_GetItemWithError(self.places, value)
        cdef int32_t place
        if found == NULL:
            if not isinstance(value, str):
                raise TypeError(f"{value!r} is no text")
            place = len(self.names)
            self.names.append(value)
            self.places[value] = place
        else:
            place = <object>found
        if PyList_GET_ITEM(self.names, place) == <PyObject *>value:
            self.known[at] = <PyObject *>value
            self.place_of_known[at] = place
        return place

    def array(self):
        import pyarrow as pa

        places = pa.Array.from_buffers(pa.int32(), self.count, [self._validity(), _bytes(&self.values)], self.none)
        return pa.DictionaryArray.from_arrays(places, pa.array(self.names, pa.string()), safe=False)


cdef class Texts(Column):
    """See servicequal.gather."""

    cdef Room offsets

    def __cinit__(self):
        _put_number(&self.offsets, 0)

    def __dealloc__(self):
        PyMem_Free(self.offsets.data)

    cdef int put(self, object value) except -1:
        cdef Py_ssize_t size
        cdef const char *text = PyUnicode_AsUTF8AndSize(value, &size)
        _put_end(&self.offsets, self.values.used + size)
        memcpy(_more(&self.values, size), text, size)
        self.count += 1
        return 0

    def array(self):
        import pyarrow as pa

        return pa.Array.from_buffers(pa.string(), self.count, [None, _bytes(&self.offsets), _bytes(&self.values)], 0)


cdef class Lists(Column):
    """See servicequal.gather."""

    cdef Room offsets

    def __cinit__(self):
        _put_number(&self.offsets, 0)

    def __dealloc__(self):
        PyMem_Free(self.offsets.data)

    cdef int put(self, object value) except -1:
        cdef Py_ssize_t at
        if type(value) is tuple:  # as it nearly always is
            for at in range(PyTuple_GET_SIZE(value)):
                _put_number(&self.values, _number(<object>PyTuple_GET_ITEM(value, at)))
        else:
            for number in value:
                _put_number(&self.values, _number(number))
        _put_end(&self.offsets, self.values.used // sizeof(int32_t))
        self.count += 1
        return 0

    def array(self):
        import pyarrow as pa

        inner = pa.Array.from_buffers(pa.int32(), self.values.used // sizeof(int32_t), [None, _bytes(&self.values)], 0)
        return pa.Array.from_buffers(pa.list_(pa.int32()), self.count, [None, _bytes(&self.offsets)], 0, 0, [inner])


cdef enum:
    ELSEWHERE = -1
    IN_DICT = -2


cdef class Slots:
    """Where objects of one class at a time keep their attributes of some names.

    A place is the bytes from an object's beginning to the slot, or the item of a named tuple; or it is in the object's
    dictionary, or somewhere that only Python knows.
    """

    cdef tuple names
    cdef type made
    cdef Py_ssize_t count, items
    cdef bint dictionary
    cdef Py_ssize_t places[MOST]

    def __init__(self, tuple names not None):
        if len(names) > MOST:
            raise ValueError(f"more than {MOST} names")
        self.names, self.count = names, len(names)

    cdef int look_at(self, type made) except -1:
        cdef Py_ssize_t at
        self.made, self.items, self.dictionary = None, -1, False
        fields = getattr(made, "_fields", ()) if issubclass(made, tuple) else ()
        for at in range(self.count):
            name = self.names[at]
            found = made.__dict__.get(name)
            self.places[at] = place_of(<PyObject *>found, <PyTypeObject *>made)
            if type(found).__name__ == "_tuplegetter" and name in fields:
                self.items = len(fields)
                self.places[at] = FIRST_ITEM + fields.index(name) * <Py_ssize_t>sizeof(PyObject *)
            elif self.places[at] < 0 and made.__dictoffset__ and not hasattr(made, name):
                self.places[at] = IN_DICT
                self.dictionary = True
        self.made = made
        return 0

    cdef inline dict know(self, object one):
        """Call this before :meth:`get`, and give it what comes of it."""
        if type(one) is not self.made:
            self.look_at(type(one))
        if self.items >= 0 and PyTuple_GET_SIZE(one) != self.items:
            raise ValueError("a tuple with too few or too many items")
        return PyObject_GenericGetDict(one, NULL) if self.dictionary else None

    cdef inline object get(self, object one, dict held, Py_ssize_t at):
        """The attribute of the name at that place."""
        cdef PyObject *found = NULL
        if self.places[at] >= 0:
            found = (<PyObject **>(<char *><PyObject *>one + self.places[at]))[0]
        elif self.places[at] == IN_DICT:
            found = PyDict_GetItemWithError(held, <object>PyTuple_GET_ITEM(self.names, at))
        return getattr(one, self.names[at]) if found == NULL else <object>found


cdef class Spans(Column):
    """See servicequal.gather."""

    cdef Room offsets, turns, starts, ends
    cdef Slots slots

    def __cinit__(self):
        self.slots = Slots(("turn", "start", "end"))
        _put_number(&self.offsets, 0)

    def __dealloc__(self):
        PyMem_Free(self.offsets.data)
        PyMem_Free(self.turns.data)
        PyMem_Free(self.starts.data)
        PyMem_Free(self.ends.data)

    cdef int put(self, object value) except -1:
        cdef Py_ssize_t at
        if type(value) is tuple:  # as it nearly always is
            for at in range(PyTuple_GET_SIZE(value)):
                self.put_span(<object>PyTuple_GET_ITEM(value, at))
        else:
            for span in value:
                self.put_span(span)
        _put_end(&self.offsets, self.turns.used // sizeof(int32_t))
        self.count += 1
        return 0

    cdef inline int put_span(self, object span) except -1:
        cdef Place place
        self.place(span, &place)
        _put_number(&self.turns, place.turn)
        _put_number(&self.starts, place.start)
        _put_number(&self.ends, place.end)
        return 0

    cdef inline int place(self, object span, Place *found) except -1:
        held = self.slots.know(span)
        found.turn = _number(self.slots.get(span, held, 0))
        found.start = _number(self.slots.get(span, held, 1))
        found.end = _number(self.slots.get(span, held, 2))
        return 0

    def array(self):
        import pyarrow as pa

        count = self.turns.used // sizeof(int32_t)
        each = [
            pa.Array.from_buffers(pa.int32(), count, [None, numbers], 0)
            for numbers in (_bytes(&self.turns), _bytes(&self.starts), _bytes(&self.ends))
        ]
        inner = pa.StructArray.from_arrays(each, names=("turn", "start", "end"))
        return pa.Array.from_buffers(pa.list_(inner.type), self.count, [None, _bytes(&self.offsets)], 0, 0, [inner])


cdef int _ordered(const void *a, const void *b) noexcept nogil:
    cdef Place *one = <Place *>a
    cdef Place *other = <Place *>b
    if one.turn != other.turn:
        return -1 if one.turn < other.turn else 1
    if one.start != other.start:
        return -1 if one.start < other.start else 1
    if one.end != other.end:
        return -1 if one.end < other.end else 1
    return -1 if one.at < other.at else one.at > other.at


cdef int _smaller(const void *a, const void *b) noexcept nogil:
    cdef int32_t one = (<int32_t *>a)[0]
    cdef int32_t other = (<int32_t *>b)[0]
    return -1 if one < other else one > other


cdef class Quotes(Spans):
    """See servicequal.gather."""

    cdef Room said, mine, turn_ends, turn_text, word_ends, word_text
    cdef list texts
    cdef Slots of_cue

    def __cinit__(self):
        self.texts = []
        self.of_cue = Slots(("text",))
        _put_number(&self.turn_ends, 0)
        _put_number(&self.word_ends, 0)

    def __dealloc__(self):
        PyMem_Free(self.said.data)
        PyMem_Free(self.mine.data)
        PyMem_Free(self.turn_ends.data)
        PyMem_Free(self.turn_text.data)
        PyMem_Free(self.word_ends.data)
        PyMem_Free(self.word_text.data)

    def hear(self, cues):
        cdef Place *place
        cdef Py_ssize_t at = 0
        cdef bint ordered = True
        self.texts.clear()
        self.said.used = 0
        for cue in cues:
            place = <Place *>_more(&self.said, sizeof(Place))
            place.at = at
            self.place(cue, place)
            self.texts.append(self.of_cue.get(cue, self.of_cue.know(cue), 0))
            ordered = ordered and (at == 0 or _ordered(place - 1, place) < 0)
            at += 1
        if not ordered:
            qsort(self.said.data, at, sizeof(Place), _ordered)

    cdef int put(self, object value) except -1:
        cdef size_t first = self.turns.used // sizeof(int32_t)
        Spans.put(self, value)
        self._put_words(first)
        self._put_turns(first)
        return 0

    cdef int _put_words(self, size_t first) except -1:
        """The words at the places from the first one on."""
        cdef size_t at
        cdef Py_ssize_t heard, size
        cdef const char *text
        cdef bint begun = False
        for at in range(first, self.turns.used // sizeof(int32_t)):
            heard = self._heard(at)
            if heard < 0:
                continue
            if begun:
                memcpy(_more(&self.word_text, 3), b" | ", 3)
            begun = True
            text = PyUnicode_AsUTF8AndSize(<object>PyList_GET_ITEM(self.texts, heard), &size)
            memcpy(_more(&self.word_text, size), text, size)
        return _put_end(&self.word_ends, self.word_text.used)

    cdef Py_ssize_t _heard(self, size_t at) noexcept:
        """Which cue is at a place, the last of several; -1 if there is none."""
        cdef Place place
        cdef Place *said = <Place *>self.said.data
        cdef size_t low = 0, high = self.said.used // sizeof(Place), middle
        place.turn = (<int32_t *>self.turns.data)[at]
        place.start = (<int32_t *>self.starts.data)[at]
        place.end = (<int32_t *>self.ends.data)[at]
        place.at = INT32_MAX
        while low < high:
            middle = (low + high) // 2
            if _ordered(&said[middle], &place) < 0:
                low = middle + 1
            else:
                high = middle
        if low and said[low - 1].turn == place.turn and said[low - 1].start == place.start and (
            said[low - 1].end == place.end
        ):
            return said[low - 1].at
        return -1

    cdef int _put_turns(self, size_t first) except -1:
        """The turns of the places from the first one on, each once and in order."""
        cdef size_t at, count = self.turns.used // sizeof(int32_t) - first
        cdef int32_t *turns
        cdef bint ordered = True
        if count:
            self.mine.used = 0
            turns = <int32_t *>_more(&self.mine, count * sizeof(int32_t))
            memcpy(turns, self.turns.data + first * sizeof(int32_t), count * sizeof(int32_t))
            for at in range(1, count):
                ordered = ordered and turns[at - 1] <= turns[at]
            if not ordered:
                qsort(turns, count, sizeof(int32_t), _smaller)
            for at in range(count):
                if at == 0 or turns[at] != turns[at - 1]:
                    self._put_digits(turns[at], at > 0)
        return _put_end(&self.turn_ends, self.turn_text.used)

    cdef int _put_digits(self, int32_t number, bint apart) except -1:
        cdef char digits[16]
        cdef int at = 16
        cdef long left = number if number >= 0 else -<long>number
        while left or at == 16:
            at -= 1
            digits[at] = <char>(48 + left % 10)
            left //= 10
        if number < 0:
            at -= 1
            digits[at] = 45
        if apart:
            at -= 1
            digits[at] = 32
        memcpy(_more(&self.turn_text, 16 - at), digits + at, 16 - at)
        return 0

    def turns_said(self):
        import pyarrow as pa

        buffers = [None, _bytes(&self.turn_ends), _bytes(&self.turn_text)]
        return pa.Array.from_buffers(pa.string(), self.count, buffers, 0)

    def words_said(self):
        import pyarrow as pa

        buffers = [None, _bytes(&self.word_ends), _bytes(&self.word_text)]
        return pa.Array.from_buffers(pa.string(), self.count, buffers, 0)


cdef class Adder:
    """See servicequal.gather."""

    cdef Slots slots
    cdef tuple columns

    def __init__(self, tuple names not None, tuple columns not None):
        _as_many(names, columns)
        self.slots, self.columns = Slots(names), columns

    def __call__(self, objects):
        cdef Py_ssize_t k, at
        cdef PyObject *name
        cdef PyObject *value
        cdef dict held
        for one in objects:
            held = self.slots.know(one)
            at = k = 0
            if held is not None:  # mostly in the order of the names
                while k < self.slots.count and PyDict_Next(held, &at, &name, &value):
                    if name == PyTuple_GET_ITEM(self.slots.names, k):
                        (<Column>PyTuple_GET_ITEM(self.columns, k)).put(<object>value)
                        k += 1
            for k in range(k, self.slots.count):
                (<Column>PyTuple_GET_ITEM(self.columns, k)).put(self.slots.get(one, held, k))


def add_row(tuple values not None, tuple columns not None):
    """See servicequal.gather."""
    cdef Py_ssize_t k
    for k in range(_as_many(values, columns)):
        (<Column>PyTuple_GET_ITEM(columns, k)).put(<object>PyTuple_GET_ITEM(values, k))


cdef Py_ssize_t _as_many(tuple values, tuple columns) except -1:
    if len(values) != len(columns):
        raise ValueError("as many columns as values")
    for one in columns:
        if not isinstance(one, Column):
            raise TypeError("no column")
    return len(columns)
