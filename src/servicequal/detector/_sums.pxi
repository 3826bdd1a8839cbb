# Rows of a table added up, two numbers at a time: in the same order on every machine.
# Part of _grams.pyx.

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #if defined(__SSE2__) || defined(_M_X64)
    #include <emmintrin.h>
    typedef __m128d sq_two;
    #define SQ_TWO(at) _mm_loadu_pd(at)
    #define SQ_TWO_FLOATS(at) _mm_cvtps_pd(_mm_castpd_ps(_mm_load_sd((const double *)(at))))
    #define SQ_BOTH(value) _mm_set1_pd(value)
    #define SQ_ADD(a, b) _mm_add_pd(a, b)
    #define SQ_TIMES(a, b) _mm_mul_pd(a, b)
    #define SQ_PUT(at, two) _mm_storeu_pd(at, two)
    #else
    typedef struct { double a, b; } sq_two;
    static inline sq_two SQ_TWO(const double *at) { sq_two two = {at[0], at[1]}; return two; }
    static inline sq_two SQ_TWO_FLOATS(const float *at) { sq_two two = {at[0], at[1]}; return two; }
    static inline sq_two SQ_BOTH(double value) { sq_two two = {value, value}; return two; }
    static inline sq_two SQ_ADD(sq_two x, sq_two y) { sq_two two = {x.a + y.a, x.b + y.b}; return two; }
    static inline sq_two SQ_TIMES(sq_two x, sq_two y) { sq_two two = {x.a * y.a, x.b * y.b}; return two; }
    static inline void SQ_PUT(double *at, sq_two two) { at[0] = two.a; at[1] = two.b; }
    #endif
    #if defined(__GNUC__)
    #define SQ_ALONE __restrict__
    #define SQ_INLINE static inline __attribute__((always_inline))
    #define SQ_UNROLL _Pragma("GCC unroll 12")
    #define SQ_PREFETCH(at) __builtin_prefetch(at)
    #else
    #define SQ_ALONE
    #define SQ_INLINE static inline
    #define SQ_UNROLL
    #define SQ_PREFETCH(at) ((void)0)
    #endif

    /* Add rows to total, each times its value (plain: as it is); twos is a constant, so that the sums stay in registers. */
    #define SQ_ADDING(name, type, READ) \\
        SQ_INLINE void name##_some(double *total, const type *table, ptrdiff_t stride, int twos, const int32_t *rows, \\
                                   const double *values, ptrdiff_t count, int plain) { \\
            sq_two sum[12]; \\
            SQ_UNROLL for (int k = 0; k < twos; k++) sum[k] = SQ_TWO(total + 2 * k); \\
            for (ptrdiff_t at = 0; at < count; at++) { \\
                const type *row = table + rows[at] * stride; \\
                sq_two value = SQ_BOTH(plain ? 1.0 : values[at]); \\
                SQ_UNROLL for (int k = 0; k < twos; k++) \\
                    sum[k] = SQ_ADD(sum[k], plain ? READ(row + 2 * k) : SQ_TIMES(value, READ(row + 2 * k))); \\
            } \\
            SQ_UNROLL for (int k = 0; k < twos; k++) SQ_PUT(total + 2 * k, sum[k]); \\
        } \\
        SQ_INLINE void name##_all(double *total, const type *table, ptrdiff_t stride, int twos, const int32_t *rows, \\
                                  const double *values, ptrdiff_t count, int plain) { \\
            if (twos == 11) { name##_some(total, table, stride, 11, rows, values, count, plain); return; } \\
            if (twos == 10) { name##_some(total, table, stride, 10, rows, values, count, plain); return; } \\
            for (; twos >= 4; twos -= 4, total += 8, table += 8) \\
                name##_some(total, table, stride, 4, rows, values, count, plain); \\
            for (; twos > 0; twos--, total += 2, table += 2) \\
                name##_some(total, table, stride, 1, rows, values, count, plain); \\
        } \\
        static void name(double *total, const type *table, ptrdiff_t stride, int twos, const int32_t *rows, \\
                         ptrdiff_t count) { \\
            name##_all(total, table, stride, twos, rows, NULL, count, 1); \\
        } \\
        static void name##_weighed(double *total, const type *table, ptrdiff_t stride, int twos, const int32_t *rows, \\
                                   const double *values, ptrdiff_t count) { \\
            name##_all(total, table, stride, twos, rows, values, count, 0); \\
        }
    /* The same of rows that stand side by side. */
    SQ_INLINE void sq_add_side_by_side_some(double *total, const double *row, ptrdiff_t stride, int twos,
                                            const double *values, ptrdiff_t count) {
        sq_two sum[12];
        SQ_UNROLL for (int k = 0; k < twos; k++) sum[k] = SQ_TWO(total + 2 * k);
        for (ptrdiff_t at = 0; at < count; at++, row += stride) {
            sq_two value = SQ_BOTH(values[at]);
            SQ_UNROLL for (int k = 0; k < twos; k++) sum[k] = SQ_ADD(sum[k], SQ_TIMES(value, SQ_TWO(row + 2 * k)));
        }
        SQ_UNROLL for (int k = 0; k < twos; k++) SQ_PUT(total + 2 * k, sum[k]);
    }
    static void sq_add_side_by_side(double *total, const double *table, ptrdiff_t stride, int twos, const double *values,
                                    ptrdiff_t count) {
        if (twos == 10) { sq_add_side_by_side_some(total, table, stride, 10, values, count); return; }
        if (twos == 3) { sq_add_side_by_side_some(total, table, stride, 3, values, count); return; }
        for (; twos > 0; twos--, total += 2, table += 2)
            sq_add_side_by_side_some(total, table, stride, 1, values, count);
    }
    /* Count rows; those that there are more than once, how many. */
    static ptrdiff_t sq_count(const int32_t *SQ_ALONE rows, ptrdiff_t count, uint16_t *SQ_ALONE counts,
                              int32_t *SQ_ALONE again) {
        ptrdiff_t more = 0;
        for (ptrdiff_t at = 0; at < count; at++) {
            int32_t row = rows[at];
            uint32_t times = counts[row];
            again[more] = row;
            more += times == 1;
            counts[row] = (uint16_t)(times + 1);
        }
        return more;
    }
    static void sq_uncount(const int32_t *SQ_ALONE rows, ptrdiff_t count, uint16_t *SQ_ALONE counts) {
        for (ptrdiff_t at = 0; at < count; at++) counts[rows[at]] = 0;
    }
    SQ_ADDING(sq_add, double, SQ_TWO)
    SQ_ADDING(sq_add_floats, float, SQ_TWO_FLOATS)
    """
    void SQ_PREFETCH(const void *at) noexcept
    void sq_add(double *total, const double *table, Py_ssize_t stride, int twos, const int32_t *rows,
                Py_ssize_t count) noexcept
    void sq_add_weighed(double *total, const double *table, Py_ssize_t stride, int twos, const int32_t *rows,
                        const double *values, Py_ssize_t count) noexcept
    void sq_add_floats(double *total, const float *table, Py_ssize_t stride, int twos, const int32_t *rows,
                       Py_ssize_t count) noexcept
    void sq_add_floats_weighed(double *total, const float *table, Py_ssize_t stride, int twos, const int32_t *rows,
                               const double *values, Py_ssize_t count) noexcept
    void sq_add_side_by_side(double *total, const double *table, Py_ssize_t stride, int twos, const double *values,
                             Py_ssize_t count) noexcept
    Py_ssize_t sq_count(const int32_t *rows, Py_ssize_t count, uint16_t *counts, int32_t *again) noexcept
    void sq_uncount(const int32_t *rows, Py_ssize_t count, uint16_t *counts) noexcept
