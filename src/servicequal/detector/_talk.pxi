# A conversation read and decided: the first layer's shapes, the second layer, and what comes of it.
# Part of _grams.pyx.

cdef struct Inputs:         # of the second layer: cues that are named
    int32_t rows[6 * MOST_LABELS]
    int32_t count
    int32_t first           # of those that come next


@cython.final
cdef class Asked:
    """What somebody wants to know of a conversation: see Talk.decided."""

    cdef double own_words, least_sure, share
    cdef Py_ssize_t readable
    cdef uint32_t hedging           # families
    cdef int group
    cdef Answers answers
    cdef object evidence, quoted, hedged


@cython.final
cdef class Talk:
    """A conversation read, and the matches in it."""

    cdef Reader reader
    cdef tuple said_turns
    cdef object forms, known
    cdef list formed                # the normal forms that are there, by turn
    cdef Py_ssize_t turns
    cdef list saids                 # by turn; None where it is not scored
    cdef list matches               # by turn
    cdef bint ordered               # within each turn too
    cdef void *held
    cdef double *odds               # by turn and label, of the first layer, as far as the second is told
    cdef double *second             # and of the second
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
        self.formed = forms.made
        self.matches = list(matches)
        self.turns = count = len(self.said_turns)
        total = len(self.matches)
        self.width = max(reader.agent.width, reader.customer.width)
        each = (2 * self.width + SHAPES) * sizeof(double) + 3 * sizeof(uint64_t) + 2
        self.held = _room(1, count * each + total * (sizeof(int32_t) + 2) + 8)
        self.odds = <double *>self.held
        self.second = self.odds + count * self.width
        self.shapes = self.second + count * self.width
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
            turn = PyObject_GenericGetDict(each, NULL)
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
                    said = self.reader.read(self.form(n), text, role)
                    if self.known is not None:
                        self.known["said", speaker, text] = said
            self.saids.append(said)
            n += 1
        return 0

    cdef object form(self, Py_ssize_t n):
        """The normal form of a turn."""
        form = self.formed[n]
        return self.forms[n] if form is None else form

    cdef int _take(self) except -1:
        cdef Py_ssize_t k, turn, start, last_turn = 0, last_start = -1
        cdef object label
        cdef int role, status
        cdef Reader reader = self.reader
        self.ordered = True
        for k in range(len(self.matches)):
            turn = reader.turn_of(self.matches[k])
            if turn < last_turn:
                self.ordered = False
                self.matches.sort(key=_BY_TURN)
                break
            last_turn = turn
        last_turn = 0
        for k in range(len(self.matches)):
            match = self.matches[k]
            turn, start = reader.turn_of(match), reader.start_of(match)
            if k and turn == last_turn and start <= last_start and self.ordered:
                self.ordered = start == last_start and _BY_CUE(self.matches[k - 1]) <= _BY_CUE(match)
            last_turn, last_start = turn, start
            self.places[k], self.labels[k] = <int32_t>turn, -1
            if not 0 <= turn < self.turns:
                continue
            role = self.roles[turn]
            if role != AGENT and role != CUSTOMER:
                continue
            label = reader.side(role).label_of.get(reader.cue_of(match))
            if label is not None:
                self.labels[k] = <int8_t>label
                self.statuses[k] = status = reader.status_of(match)
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
        self._add_shape(n, odds, fitted, fitted.shape_weights)
        for label in range(fitted.labels):
            odds[label] = max(-reader.most_odds, min(reader.most_odds, odds[label]))

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

    cdef void _add_shape(self, Py_ssize_t n, double *total, Fitted fitted, const double *weights) noexcept:
        """Add what a turn's shape gives."""
        cdef int32_t rows[SHAPES]
        cdef double values[SHAPES]
        cdef double *shape = self.shapes + n * SHAPES
        cdef int k, count = 0
        for k in range(SHAPES):
            rows[count], values[count] = k, shape[k]
            count += shape[k] != 0.0
        sq_add_weighed(total, weights, fitted.width, fitted.width // 2, rows, values, count)

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
        cdef double *total = self.second + n * self.width
        cdef double odds[3 * MOST_LABELS + 2]
        cdef double *end = odds
        cdef Inputs inputs
        end = self._odds(end, n, mine.labels)
        end = self._odds(end, before, theirs.labels)
        end = self._odds(end, after, theirs.labels)
        end = self._odds(end, own_before, 1)
        end = self._odds(end, own_after, 1)
        inputs.count, inputs.first = 0, <int32_t>(end - odds)
        self._named(&inputs, n, PLAIN, mine)
        self._named(&inputs, n, SOFTENED, mine)
        self._named(&inputs, n, EXCUSED, mine)
        self._named(&inputs, before, PLAIN, theirs)
        self._named(&inputs, after, PLAIN, theirs)
        self._named(&inputs, own_after, PLAIN, mine)
        memcpy(total, mine.second_bias, mine.width * sizeof(double))
        sq_add_side_by_side(total, mine.second, mine.width, mine.width // 2, odds, end - odds)
        sq_add(total, mine.second, mine.width, mine.width // 2, inputs.rows, inputs.count)
        self._add_shape(n, total, mine, mine.second + inputs.first * mine.width)
        for label in range(mine.labels):
            total[label] = max(-30.0, min(30.0, total[label]))

    cdef inline double *_odds(self, double *odds, Py_ssize_t turn, int labels) noexcept:
        """Write down the first layer's log-odds of a turn; where they end."""
        cdef int label
        for label in range(labels):
            odds[label] = self.odds[turn * self.width + label] if turn >= 0 else self.reader.nothing
        return odds + labels

    cdef void _named(self, Inputs *inputs, Py_ssize_t turn, int status, Fitted fitted) noexcept:
        """The cues that matches of a status name in a turn as inputs."""
        cdef int label
        cdef uint64_t told = self.told[3 * turn + status] & ~fitted.any if turn >= 0 else 0
        for label in range(fitted.labels):
            if told == 0:
                break
            if told >> label & 1:
                told ^= ONE << label
                inputs.rows[inputs.count] = inputs.first + fitted.column[label]
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
                found[self.roles[n]][n] = [_chance(self.second[n * self.width + label]) for label in labels]
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

    def decided(self, Answers answers, rules, int group, evidence, quoted, hedged):
        """The matches that count, in order. ``rules`` are numbers, as servicequal.detector.decide has them: the log-odds of
        a turn's own words and the probability of a deflection that a proposal needs, the share from which a word is
        telling, the words of a readable sentence, and the families without which none is hedged. ``evidence`` says of a
        form and its words' weights where they speak, ``quoted`` and ``hedged`` of a place in a text whether its words are
        somebody else's: they are asked where quotation marks or such families leave room for a yes."""
        cdef list out = [], found
        cdef Py_ssize_t n, k = 0, total = len(self.matches), begin
        cdef Asked asked = Asked.__new__(Asked)
        asked.own_words, asked.least_sure, asked.share, asked.readable, asked.hedging = rules
        asked.evidence, asked.quoted, asked.hedged, asked.answers, asked.group = evidence, quoted, hedged, answers, group
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
        cdef double *row = self.second + n * self.width
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
                    out.append(asked.answers.sure(match, _chance(row[label])))
                else:
                    out.append(asked.answers.vetoed(match, _chance(row[label])))
        missing = said & ~(mine | self.told[3 * n + 2])
        return self._propose(asked, out, fitted, n, missing) if missing else out

    cdef list _propose(self, Asked asked, list out, Fitted fitted, Py_ssize_t n, uint64_t missing):
        """The matches of a turn and those that no phrase makes, in order."""
        cdef Said own = <Said>self.saids[n]
        cdef int label
        cdef double chance
        cdef dict turn = PyObject_GenericGetDict(self.said_turns[n], NULL)
        cdef str cue
        cdef Py_ssize_t ends[2]
        for label in range(fitted.labels):
            if not missing >> label & 1 or own.own[label] < asked.own_words:
                continue
            chance = _chance(self.second[n * self.width + label])
            if fitted.hurting >> label & 1 and chance < asked.least_sure:
                continue
            if self._remembered(asked, n, label, ends) if self.known is not None else self._place(asked, n, label, ends):
                if out is None:
                    out = []
                cue = fitted.names[label]
                self._insert(
                    out, asked.answers.proposed(cue, n, turn["text"], turn["speaker"], ends[0], ends[1], chance), ends[0], cue
                )
        return out

    cdef int _insert(self, list out, match, Py_ssize_t start, str cue) except -1:
        """Put a match in its place among a turn's, none of which is of its cue."""
        cdef Py_ssize_t at = len(out), other
        if self.ordered:  # else all are sorted in the end
            while at:
                other = self.reader.start_of(out[at - 1])
                if other < start or (other == start and self.reader.cue_of(out[at - 1]) < cue):
                    break
                at -= 1
        out.insert(at, match)
        return 0

    cdef bint _remembered(self, Asked asked, Py_ssize_t n, int label, Py_ssize_t *ends) except -1:
        """The same as ``_place``, found once for a text."""
        cdef tuple key = ("place", self.reader.side(self.roles[n]).names[label], self.said_turns[n].text)
        if key not in self.known:
            self.known[key] = (ends[0], ends[1]) if self._place(asked, n, label, ends) else None
        place = self.known[key]
        if place is None:
            return False
        ends[0], ends[1] = place
        return True

    cdef bint _place(self, Asked asked, Py_ssize_t n, int label, Py_ssize_t *ends) except -1:
        """Find where a turn's words speak for a label; not where they are another's."""
        cdef Said said = <Said>self.saids[n]
        cdef int side = self.roles[n]
        cdef Fitted fitted = self.reader.side(side)
        form = self.form(n)
        if said.cut:
            ends[0], ends[1] = asked.evidence(form, self.reader.telling(said, side, label))
        elif self.reader.shown(said, side, label, asked.share, asked.readable, ends):
            _found(form, ends)
        else:
            ends[0], ends[1] = asked.evidence(form, [])
        if not fitted.hurting >> label & 1:
            return True
        if said.quotes and asked.quoted(form.source, ends[0], ends[1]):
            return False
        return not (<uint32_t>form.flags & asked.hedging and asked.hedged(form.source, ends[0], ends[1]))


cdef int _found(form, Py_ssize_t *ends) except -1:
    """From the first and the last word to their characters."""
    cdef Token *tokens
    if type(form) is Form:
        tokens = (<Form>form).tokens
        ends[0], ends[1] = tokens[ends[0]].start, tokens[ends[1]].end
    else:
        spans = form.spans
        ends[0], ends[1] = spans[ends[0]][0], spans[ends[1]][1]
    return 0


cdef inline double _chance(double odds) noexcept:
    return 1.0 / (1.0 + exp(-odds))


cdef inline bint _enough(double odds, const double *limit) noexcept:
    """Whether log-odds are those of a probability that is not below a limit; it is made only where it is near."""
    if odds < limit[1]:
        return False
    return odds > limit[2] or _chance(odds) >= limit[0]


cdef uint64_t _said(Fitted fitted, const double *row, uint64_t named, int group) noexcept:
    """The cues that are probable enough: servicequal.detector.decide.said_cues."""
    cdef int label, best = -1
    cdef uint64_t enough = 0, said, hurting
    cdef double *phrase = fitted.limits + 2 * group * 3 * fitted.labels
    cdef double *model = phrase + 3 * fitted.labels
    if named & fitted.hurting:
        named |= fitted.any
    for label in range(fitted.labels):
        if _enough(row[label], (phrase if named >> label & 1 else model) + 3 * label):
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


_BY_TURN = attrgetter("turn")
_BY_CUE = attrgetter("cue", "end")
_IN_ORDER = attrgetter("turn", "start", "cue", "end")
