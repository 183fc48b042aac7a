/* What is said to the host, whichever way the link is in: as text, or in frames. */
#ifndef THIMBLE_LINK_H
#define THIMBLE_LINK_H

#include <stdint.h>

/* A byte of a line of text. */
void thimble_link_put(uint8_t byte);
/* What was put is on its way when this returns. */
void thimble_link_flush(void);
/* 1 when the host wants a stream to end: in text any byte, in frames the one frame that says so. */
uint8_t thimble_link_interrupted(void);

/* One inference, in ticks. */
struct thimble_reading {
    uint32_t sequence;
    uint32_t pre_ticks;       /* the input copied to where the model takes it */
    uint32_t inference_ticks;
    uint32_t post_ticks;      /* the outputs dequantized and the largest found */
    uint16_t class_index;
    float score;
};
void thimble_link_reading(const struct thimble_reading *reading);

#endif
