# A conversation read and decided: the first layer's shapes, the second layer, and what comes of it.
# Part of _grams.pyx.

cdef struct Inputs:         # of the second layer that are not nothing
    int32_t rows[10 * MOST_LABELS]
    double values[10 * MOST_LABELS]
    int32_t count
    int32_t first


@cython.final
cdef class Asked:
    """What somebody wants to know of a conversation: see Talk.decided."""

    cdef double own_words, least_sure, share
    cdef Py_ssize_t readable
    cdef int group
    cdef Answers answers
    cdef object evidence, another_s


@cython.final
cdef class Talk:
    """A conversation read, and the matches in it."""

    cdef Reader reader
    cdef tuple said_turns
    cdef object forms, known
    cdef Py_ssize_t turns
    cdef list saids                 # by turn; None where it is not scored
    cdef list matches               # by turn
    cdef bint ordered               # within each turn too
    cdef void *held
    cdef double *odds               # by turn and label, of the first layer
    cdef double *chances            # and of the second, probabilities
    cdef double *shapes
    cdef uint64_t *told             # by turn and status the labels that matches name
    cdef int8_t *speakers
    cdef int8_t *roles              # the same of turns that are scored; else -1
    cdef int width
    cdef int32_t *places            # turns of the matches
    cdef int8_t *labels             # and their labels; -1: none of the side's
    cdef int8_t *statuses

    def __cinit__(self, Reader reader, turns, forms, matches, known, start, of, int channel):
        """``known`` keeps readings of turns; None where nobody looks again. ``channel`` is its place among those of a
        turn's shape, or -1."""
        cdef Py_ssize_t count, total, each
        self.reader, self.said_turns, self.forms, self.known = reader, tuple(turns), forms, known
        self.matches = list(matches)
        self.turns = count = len(self.said_turns)
        total = len(self.matches)
        self.width = max(reader.agent.width, reader.customer.width)
        each = (2 * self.width + SHAPES) * sizeof(double) + 3 * sizeof(uint64_t) + 2
        self.held = _room(1, count * each + total * (sizeof(int32_t) + 2) + 8)
        self.odds = <double *>self.held
        self.chances = self.odds + count * self.width
        self.shapes = self.chances + count * self.width
        self.told = <uint64_t *>(self.shapes + count * SHAPES)
        self.places = <int32_t *>(self.told + 3 * count)
        self.labels = <int8_t *>(self.places + total)
        self.statuses = self.labels + total
        self.speakers = self.statuses + total
        self.roles = self.speakers + count
        self._read()
        self._take()
        self._weigh(<double>start, <double>(max(1, (count if of is None else of) - 1)), channel)

    def __dealloc__(self):
        PyMem_Free(self.held)

    cdef int _read(self) except -1:
        cdef Py_ssize_t n = 0
        cdef Said said
        cdef dict turn
        cdef int role
        self.saids = []
        for each in self.said_turns:
            turn = each.__dict__  # a look at a model's field costs more than all that is done with it
            speaker, text = turn["speaker"], turn["text"]
            role = AGENT if speaker == "agent" else CUSTOMER if speaker == "customer" else OTHERS
            self.speakers[n] = role
            self.roles[n] = -1
            said = None
            if turn["kind"] == "message" and _sounds(text):
                self.roles[n] = role
                if self.known is not None:
                    said = self.known.get(("said", speaker, text))
                if said is None:
                    said = self.reader.read(self.forms[n], text, role)
                    if self.known is not None:
                        self.known["said", speaker, text] = said
            self.saids.append(said)
            n += 1
        return 0

    cdef int _take(self) except -1:
        cdef Py_ssize_t k, turn, start, last_turn = 0, last_start = -1
        cdef object label
        cdef int role, status
        self.ordered = True
        for k in range(len(self.matches)):
            turn = self.matches[k].turn
            if turn < last_turn:
                self.ordered = False
                self.matches.sort(key=_BY_TURN)
                break
            last_turn = turn
        last_turn = 0
        for k in range(len(self.matches)):
            match = self.matches[k]
            turn, start = match.turn, match.start
            if turn == last_turn and start <= last_start:
                self.ordered = False
            last_turn, last_start = turn, start
            self.places[k], self.labels[k] = <int32_t>turn, -1
            if not 0 <= turn < self.turns:
                continue
            role = self.roles[turn]
            if role != AGENT and role != CUSTOMER:
                continue
            label = self.reader.side(role).label_of.get(match.cue)
            if label is not None:
                self.labels[k] = <int8_t>label
                self.statuses[k] = status = _STATUSES[match.status]
                self.told[3 * turn + status] |= ONE << <int>label
        return 0

    cdef void _weigh(self, double start, double last, int channel) noexcept:
        cdef Py_ssize_t n
        for n in range(self.turns):
            if 0 <= self.roles[n] < OTHERS:
                self._first(n, start, last, channel)
        for n in range(self.turns):
            if 0 <= self.roles[n] < OTHERS:
                self._second(n)

    cdef inline Said said(self, Py_ssize_t n, int side):
        """What is said in a turn, None if by ``side`` itself or nothing."""
        cdef Said said
        if n < 0 or n >= self.turns or self.speakers[n] == side:
            return None
        said = <Said>self.saids[n]
        return said if said is not None and said.words else None

    cdef void _first(self, Py_ssize_t n, double start, double last, int channel) noexcept:
        """A turn's log-odds by the first layer, and its shape."""
        cdef int side = self.roles[n], label
        cdef Reader reader = self.reader
        cdef Fitted fitted = reader.side(side)
        cdef Said own = <Said>self.saids[n]
        cdef Said a = self.said(n - 2, side), b = self.said(n - 1, side), c = self.said(n + 1, side)
        cdef double around[MOST_LABELS]
        cdef double *odds = self.odds + n * self.width
        memset(around, 0, fitted.labels * sizeof(double))
        if a is not None or b is not None:
            reader.add_rows(fitted, BEFORE, around, reader.around_rows(a, b, side, 0))
        if c is not None:
            reader.add_rows(fitted, AFTER, around, reader.around_rows(c, None, side, 1))
        for label in range(fitted.labels):
            odds[label] = own.own[label] + around[label]
            odds[label] += fitted.bias[label]
        self._shape(n, own, start + n, last, channel)
        self.shapes[n * SHAPES + 7] = a is None and b is None
        self.shapes[n * SHAPES + 8] = c is None
        self._add_shape(n, 0, odds, fitted.width, fitted.shape_weights)

    cdef void _shape(self, Py_ssize_t n, Said own, double number, double last, int channel) noexcept:
        """Place, length and channel of a turn: servicequal.detector.features.shape."""
        cdef double *shape = self.shapes + n * SHAPES
        cdef int k
        shape[0] = min(1.0, number / min(last, self.reader.far))
        shape[1] = number <= 1
        shape[2] = number >= last - 1
        shape[3] = min(own.words, 60) / 60.0
        shape[4] = own.words < 6
        shape[5] = own.asks
        shape[6] = own.links
        for k in range(4):
            shape[9 + k] = own.loudness[k]
        shape[13] = n > 0 and self.speakers[n - 1] == self.speakers[n]
        if channel >= 0:
            shape[CHANNELS + channel] = 1.0

    cdef void _add_shape(self, Py_ssize_t n, int first, double *total, int width, const double *weights) noexcept:
        """Add what a turn's shape gives, its inputs being those from ``first`` on."""
        cdef int32_t rows[SHAPES]
        cdef double values[SHAPES]
        cdef int k, count = 0
        for k in range(SHAPES):
            if self.shapes[n * SHAPES + k] != 0.0:
                rows[count], values[count] = first + k, self.shapes[n * SHAPES + k]
                count += 1
        sq_add_weighed(total, weights, width, width // 2, rows, values, count)

    cdef Py_ssize_t neighbour(self, Py_ssize_t n, int step, int side) noexcept:
        """The nearest turn of a side before or after a turn, -1 where there is none within reach."""
        cdef int k
        cdef Py_ssize_t at = n
        for k in range(self.reader.reach):
            at += step
            if at < 0 or at >= self.turns:
                break
            if self.roles[at] == side:
                return at
        return -1

    cdef void _second(self, Py_ssize_t n) noexcept:
        """A turn's probabilities by the second layer: servicequal.detector.model.second_names are its inputs."""
        cdef int side = self.roles[n], label
        cdef Fitted mine = self.reader.side(side), theirs = self.reader.side(1 - side)
        cdef Py_ssize_t before = self.neighbour(n, -1, 1 - side), after = self.neighbour(n, 1, 1 - side)
        cdef Py_ssize_t own_before = self.neighbour(n, -1, side), own_after = self.neighbour(n, 1, side)
        cdef double *total = self.chances + n * self.width
        cdef double odds
        cdef Inputs inputs
        inputs.count = inputs.first = 0
        for label in range(mine.labels):
            total[label] = 0.0 + mine.second_bias[label]
        self._odds(&inputs, n, mine.labels)
        self._odds(&inputs, before, theirs.labels)
        self._odds(&inputs, after, theirs.labels)
        self._odds(&inputs, own_before, 1)
        self._odds(&inputs, own_after, 1)
        self._named(&inputs, n, PLAIN, mine)
        self._named(&inputs, n, SOFTENED, mine)
        self._named(&inputs, n, EXCUSED, mine)
        self._named(&inputs, before, PLAIN, theirs)
        self._named(&inputs, after, PLAIN, theirs)
        self._named(&inputs, own_after, PLAIN, mine)
        sq_add_weighed(total, mine.second, mine.width, mine.width // 2, inputs.rows, inputs.values, inputs.count)
        self._add_shape(n, inputs.first, total, mine.width, mine.second)
        for label in range(mine.labels):
            odds = total[label]
            odds = 30.0 if odds > 30.0 else (-30.0 if odds < -30.0 else odds)
            total[label] = 1.0 / (1.0 + exp(-odds))

    cdef void _odds(self, Inputs *inputs, Py_ssize_t turn, int labels) noexcept:
        """The first layer's log-odds of a turn as inputs."""
        cdef int label
        cdef double odds, most = self.reader.most_odds
        for label in range(labels):
            odds = self.reader.nothing
            if turn >= 0:
                odds = self.odds[turn * self.width + label]
                odds = most if odds > most else (-most if odds < -most else odds)
            if odds != 0.0:
                inputs.rows[inputs.count], inputs.values[inputs.count] = inputs.first + label, odds
                inputs.count += 1
        inputs.first += labels

    cdef void _named(self, Inputs *inputs, Py_ssize_t turn, int status, Fitted fitted) noexcept:
        """The cues that matches of a status name in a turn as inputs."""
        cdef int label
        cdef uint64_t told = self.told[3 * turn + status] & ~fitted.any if turn >= 0 else 0
        for label in range(fitted.labels):
            if told == 0:
                break
            if told >> label & 1:
                told ^= ONE << label
                inputs.rows[inputs.count], inputs.values[inputs.count] = inputs.first + fitted.column[label], 1.0
                inputs.count += 1
        inputs.first += fitted.cues

    # -- what comes of it

    def probabilities(self):
        """For both sides by turn number the probabilities of the side's labels."""
        cdef Py_ssize_t n
        cdef int label
        cdef tuple found = ({}, {})
        for n in range(self.turns):
            if 0 <= self.roles[n] < OTHERS:
                labels = range(self.reader.side(self.roles[n]).labels)
                found[self.roles[n]][n] = [self.chances[n * self.width + label] for label in labels]
        return found

    def own(self, Py_ssize_t turn):
        """What a side's turn's own words and letters speak for each label (log-odds)."""
        self._check(turn)
        cdef int label
        return [(<Said>self.saids[turn]).own[label] for label in range(self.reader.side(self.roles[turn]).labels)]

    def telling(self, Py_ssize_t turn, str name):
        """How much each word of a side's turn, as far as it is read, speaks for a label."""
        self._check(turn)
        cdef int side = self.roles[turn]
        return self.reader.telling(<Said>self.saids[turn], side, self.reader.side(side).label_of[name])

    cdef int _check(self, Py_ssize_t turn) except -1:
        if not 0 <= turn < self.turns or not 0 <= self.roles[turn] < OTHERS:
            raise IndexError("not a turn that is scored")
        return 0

    def decided(self, Answers answers, rules, int group, evidence, another_s):
        """The matches that count, in order. ``rules`` are numbers, as servicequal.detector.decide has them: the log-odds of
        a turn's own words and the probability of a deflection that a proposal needs, the share from which a word is
        telling and the words of a readable sentence. ``evidence`` says of a form and its words' weights where they speak,
        ``another_s`` of a place in a form whether its words are somebody else's."""
        cdef list out = [], found
        cdef Py_ssize_t n, k = 0, total = len(self.matches), begin
        cdef Asked asked = Asked.__new__(Asked)
        asked.own_words, asked.least_sure, asked.share, asked.readable = rules
        asked.evidence, asked.another_s, asked.answers, asked.group = evidence, another_s, answers, group
        while k < total and self.places[k] < 0:
            out.append(self.matches[k])
            k += 1
        for n in range(self.turns):
            begin = k
            while k < total and self.places[k] == n:
                k += 1
            if 0 <= self.roles[n] < OTHERS:
                found = self._of_turn(asked, n, begin, k)
                if found is not None:
                    out += found
            elif begin < k:
                out += self.matches[begin:k]
        out += self.matches[k:]
        if not self.ordered:
            out.sort(key=_IN_ORDER)
        return tuple(out)

    cdef list _of_turn(self, Asked asked, Py_ssize_t n, Py_ssize_t begin, Py_ssize_t end):
        """What counts in a turn, None if nothing."""
        cdef Fitted fitted = self.reader.side(self.roles[n])
        cdef double *row = self.chances + n * self.width
        cdef uint64_t mine = self.told[3 * n] | self.told[3 * n + 1]
        cdef uint64_t said = _said(fitted, row, mine, asked.group)
        cdef uint64_t missing
        cdef Py_ssize_t k
        cdef int label
        cdef list out = None
        if begin < end:
            out = []
            for k in range(begin, end):
                label = self.labels[k]
                match = self.matches[k]
                if label < 0:  # a cue of the user's own pack: the detector has no opinion
                    out.append(match)
                elif self.statuses[k] == EXCUSED or said >> label & 1:
                    out.append(asked.answers.sure(match, row[label]))
                else:
                    out.append(asked.answers.vetoed(match, row[label]))
        missing = said & ~(mine | self.told[3 * n + 2])
        return self._propose(asked, out, fitted, n, missing) if missing else out

    cdef list _propose(self, Asked asked, list out, Fitted fitted, Py_ssize_t n, uint64_t missing):
        """The matches of a turn and those that no phrase makes, in order."""
        cdef Said own = <Said>self.saids[n]
        cdef int label
        cdef double chance
        cdef dict turn = self.said_turns[n].__dict__
        cdef Py_ssize_t found = len(out) if out is not None else 0
        for label in range(fitted.labels):
            if not missing >> label & 1 or own.own[label] < asked.own_words:
                continue
            chance = self.chances[n * self.width + label]
            if fitted.hurting >> label & 1 and chance < asked.least_sure:
                continue
            place = self._remembered(asked, n, label) if self.known is not None else self._place(asked, n, label)
            if place is not None:
                start, end = <tuple>place
                if out is None:
                    out = []
                out.append(asked.answers.proposed(fitted.names[label], n, turn["text"], turn["speaker"], start, end, chance))
        if out is not None and len(out) > max(1, found):
            out.sort(key=_IN_TURN)
        return out

    cdef object _remembered(self, Asked asked, Py_ssize_t n, int label):
        """The same as ``_place``, found once for a text."""
        cdef tuple key = ("place", self.reader.side(self.roles[n]).names[label], self.said_turns[n].text)
        if key not in self.known:
            self.known[key] = self._place(asked, n, label)
        return self.known[key]

    cdef object _place(self, Asked asked, Py_ssize_t n, int label):
        """Where a turn's words speak for a label; None where they are another's."""
        cdef Said said = <Said>self.saids[n]
        cdef int side = self.roles[n]
        cdef Fitted fitted = self.reader.side(side)
        cdef Py_ssize_t ends[2]
        form = self.forms[n]
        if said.cut:
            place = asked.evidence(form, self.reader.telling(said, side, label))
        elif self.reader.shown(said, side, label, asked.share, asked.readable, ends):
            spans = form.spans
            place = (spans[ends[0]][0], spans[ends[1]][1])
        else:
            place = asked.evidence(form, [])
        if fitted.hurting >> label & 1 and asked.another_s(form, place[0], place[1]):
            return None
        return place


cdef uint64_t _said(Fitted fitted, const double *row, uint64_t named, int group) noexcept:
    """The cues that are probable enough: servicequal.detector.decide.said_cues."""
    cdef int label, best = -1
    cdef uint64_t enough = 0, said, hurting
    cdef double *phrase = fitted.limits + 2 * group * fitted.width
    cdef double *model = phrase + fitted.width
    if named & fitted.hurting:
        named |= fitted.any
    for label in range(fitted.labels):
        if row[label] >= (phrase[label] if named >> label & 1 else model[label]):
            enough |= ONE << label
    said = enough & ~fitted.any
    if not fitted.any:
        return said
    hurting = named & fitted.hurting
    if not enough & fitted.any:
        said &= ~fitted.hurting
    elif not said & fitted.hurting and hurting:
        for label in range(fitted.labels):
            if hurting >> label & 1 and (
                best < 0 or row[label] > row[best] or (row[label] == row[best] and fitted.rank[label] > fitted.rank[best])
            ):
                best = label
        said |= ONE << best
    return said


_STATUSES = {"plain": PLAIN, "softened": SOFTENED, "excused": EXCUSED}
_BY_TURN = attrgetter("turn")
_IN_TURN = attrgetter("start", "cue", "end")
_IN_ORDER = attrgetter("turn", "start", "cue", "end")
