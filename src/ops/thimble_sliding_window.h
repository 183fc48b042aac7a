/*
 * Rows of an input that its own output is overwriting. The window holds `rows` rows of it, from row *first on; rows
 * outside of the input are not touched. The host has proved that a row is here before its place is written.
 */
#ifndef THIMBLE_SLIDING_WINDOW_H
#define THIMBLE_SLIDING_WINDOW_H

#include "thimble_base.h"

/* Where an empty window is: so far away that nothing of it is kept. */
#define THIMBLE_WINDOW_EMPTY(backwards) ((backwards) ? 0x1000000 : -0x1000000)

/*
 * A word of two rows whose size is a multiple of it: tensors and scratch memory begin at multiples of 8. Compilers without
 * that attribute copy bytes.
 */
#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) thimble_window_word;
#define THIMBLE_WINDOW_STEP(row_bytes) ((row_bytes) % 4 == 0 ? 4 : 1)
#define THIMBLE_WINDOW_COPY(to, from, step)                                                                           \
    do {                                                                                                              \
        if ((step) == 4)                                                                                              \
            *(thimble_window_word *)(void *)(to) = *(const thimble_window_word *)(const void *)(from);                \
        else                                                                                                          \
            *(to) = *(from);                                                                                          \
    } while (0)
#else
#define THIMBLE_WINDOW_STEP(row_bytes) 1
#define THIMBLE_WINDOW_COPY(to, from, step) (*(to) = *(from))
#endif

/* First row that the window must hold for a row of the output; the last, less the window's other rows, where it slides
 * backwards. */
THIMBLE_INLINE int32_t thimble_window_first(
    int32_t top, int32_t reach, int32_t input_height, int32_t rows, int32_t backwards)
{
    const int32_t begin = THIMBLE_MIN(THIMBLE_MAX(top, 0), input_height - 1);

    if (!backwards)
        return begin;
    return THIMBLE_MAX(THIMBLE_MIN(top + reach - 1, input_height - 1), begin) - rows + 1;
}

/* Slides the window to `first`, in either direction: keeps the rows that it has and loads the others. */
THIMBLE_INLINE void thimble_slide_window(
    int8_t *window, int32_t rows, int32_t row_bytes, const int8_t *input, int32_t input_height,
    int32_t *window_first, int32_t first, int32_t backwards)
{
    const int32_t shift = first - *window_first; /* rows; negative: backwards */
    /* never above rows; said for compilers that warn of what cannot be */
    const int32_t kept = THIMBLE_MIN(THIMBLE_MAX(rows - (backwards ? -shift : shift), 0), rows);
    const int32_t step = THIMBLE_WINDOW_STEP(row_bytes);

    if (shift == 0)
        return;
    /* Only moving towards lower addresses may copy in rising order, for source and target overlap. */
    if (!backwards) {
        for (int32_t i = 0; i < kept * row_bytes; i += step)
            THIMBLE_WINDOW_COPY(&window[i], &window[i + shift * row_bytes], step);
    } else {
        for (int32_t i = kept * row_bytes - step; i >= 0; i -= step)
            THIMBLE_WINDOW_COPY(&window[i - shift * row_bytes], &window[i], step);
    }
    for (int32_t row = backwards ? 0 : kept; row < (backwards ? rows - kept : rows); row++) {
        if (first + row < 0 || first + row >= input_height)
            continue;
        for (int32_t i = 0; i < row_bytes; i += step)
            THIMBLE_WINDOW_COPY(&window[row * row_bytes + i], &input[(first + row) * row_bytes + i], step);
    }
    *window_first = first;
}

#endif
