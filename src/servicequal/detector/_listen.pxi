# What the normal form of a turn drops: how loud it is.
# Part of _grams.pyx.

cdef inline bint _space(Py_UCS4 c) noexcept:
    return c == 32 or 9 <= c <= 13 or 28 <= c <= 31 if c < 128 else Py_UNICODE_ISSPACE(c)


cdef bint _sounds(str text):
    """Whether there is anything in a text but space; with its kind this makes Turn.scorable."""
    return len(text) > 0 and (not _space(PyUnicode_READ_CHAR(text, 0)) or not text.isspace())


cdef extern from *:
    """
    enum { SQ_EXCLAIMS = 1, SQ_ASKS = 2, SQ_CLOSES = 4, SQ_SHOUTS = 8, SQ_FAR = 16, SQ_QUOTES = 32 };
    /* Which signs there are in a text; SHOUTS: three characters side by side that may be capitals. */
    #define SQ_SIGNS(name, type) \
        static int name(const type *text, ptrdiff_t size) { \
            type exclaims = 0, asks = 0, closes = 0, shouts = 0, far = 0, quotes = 0; \
            for (ptrdiff_t at = 0; at < size; at++) { \
                type c = text[at]; \
                exclaims |= (type)(c == 33); \
                asks |= (type)(c == 63); \
                closes |= (type)(c == 41); \
                far |= (type)(sizeof(type) > 1 && c > (type)0x2190); \
                quotes |= (type)((c == 34) | (c > 127)); \
            } \
            for (ptrdiff_t at = 0; at + 2 < size; at++) { \
                type a = text[at], b = text[at + 1], c = text[at + 2]; \
                shouts |= (type)(((type)(a - 65) < 26) | (a > 127)) & (type)(((type)(b - 65) < 26) | (b > 127)) \
                    & (type)(((type)(c - 65) < 26) | (c > 127)); \
            } \
            return (exclaims ? SQ_EXCLAIMS : 0) | (asks ? SQ_ASKS : 0) | (closes ? SQ_CLOSES : 0) \
                | (shouts ? SQ_SHOUTS : 0) | (far ? SQ_FAR : 0) | (quotes ? SQ_QUOTES : 0); \
        } \
        static ptrdiff_t name##_counted(const type *text, ptrdiff_t size, type sign) { \
            ptrdiff_t count = 0; \
            for (ptrdiff_t at = 0; at < size; at++) count += text[at] == sign; \
            return count; \
        }
    SQ_SIGNS(sq_signs, uint8_t)
    SQ_SIGNS(sq_wide_signs, uint16_t)
    """
    enum:
        SQ_EXCLAIMS
        SQ_ASKS
        SQ_CLOSES
        SQ_SHOUTS
        SQ_FAR
        SQ_QUOTES
    int sq_signs(const void *text, Py_ssize_t size) noexcept
    int sq_wide_signs(const void *text, Py_ssize_t size) noexcept
    Py_ssize_t sq_signs_counted(const void *text, Py_ssize_t size, int sign) noexcept
    Py_ssize_t sq_wide_signs_counted(const void *text, Py_ssize_t size, int sign) noexcept


cdef bint _listen(str text, Py_ssize_t longest, double *loudness) noexcept:
    """What the normal form drops: servicequal.detector.features._loudness. Whether the text may hold a sign that opens a
    quotation."""
    cdef Py_ssize_t size = min(<Py_ssize_t>len(text), longest), exclaims = 0, asks = 0
    cdef int kind = PyUnicode_KIND(text), signs
    cdef void *data = PyUnicode_DATA(text)
    if kind > 2:
        _listen_closely(text, size, loudness)
        return True
    signs = sq_signs(data, size) if kind == 1 else sq_wide_signs(data, size)
    if signs & SQ_EXCLAIMS:
        exclaims = sq_signs_counted(data, size, 33) if kind == 1 else sq_wide_signs_counted(data, size, 33)
    if signs & SQ_ASKS:
        asks = sq_signs_counted(data, size, 63) if kind == 1 else sq_wide_signs_counted(data, size, 63)
    if signs & (SQ_SHOUTS | SQ_CLOSES) or (asks and asks + exclaims > 1):
        _listen_closely(text, size, loudness)
    else:
        loudness[0] = min(exclaims, 3) / 3.0
        loudness[1] = loudness[2] = 0.0
        loudness[3] = (signs & SQ_FAR) != 0
    return (signs & SQ_QUOTES) != 0 or len(text) > longest


cdef void _listen_closely(str text, Py_ssize_t size, double *loudness) noexcept:
    cdef Py_ssize_t at, letters = 0, alphabetic = 0, shouted = 0
    cdef int kind = PyUnicode_KIND(text)
    cdef void *data = PyUnicode_DATA(text)
    cdef int exclaims = 0
    cdef bint insists = False, smiles = False, plain = True, small = False, capital = False
    cdef Py_UCS4 c, last = 0, before = 0
    for at in range(size + 1):
        c = PyUnicode_READ(kind, data, at) if at < size else 32
        if 97 <= c <= 122:
            small = True
            letters += 1
        elif 65 <= c <= 90:
            capital = True
            letters += 1
        elif _space(c):
            if plain and letters > 2:
                alphabetic += 1
                shouted += capital and not small
            plain, small, capital, letters = True, False, False, 0
        elif c < 128:
            plain = False
            if c == 33:
                exclaims += 1
                insists = insists or last == 63
            elif c == 63:
                insists = insists or last == 63 or last == 33 or (last == 32 and before == 63)
            elif c == 41:
                smiles = smiles or last == 58 or (last == 45 and before == 58)
        else:
            letters += 1
            smiles = smiles or c > 0x2190
            plain = plain and Py_UNICODE_ISALPHA(c)
            small = small or Py_UNICODE_ISLOWER(c) or Py_UNICODE_ISTITLE(c)
            capital = capital or Py_UNICODE_ISUPPER(c)
        before, last = last, c
    loudness[0] = min(exclaims, 3) / 3.0
    loudness[1] = insists
    loudness[2] = min(1.0, <double>(3 * shouted) / <double>alphabetic) if shouted else 0.0
    loudness[3] = smiles
