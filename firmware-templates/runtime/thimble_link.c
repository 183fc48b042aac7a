#include "thimble_link.h"

#include <string.h>

#include "thimble_commands.h"
#include "thimble_crc32.h"
#include "thimble_frames.h"
#include "thimble_platform.h"
#include "thimble_text.h"

void thimble_link_put(uint8_t byte)
{
    if (thimble_frames_session() != 0u)
        thimble_answer_byte(THIMBLE_FRAME_TEXT, byte);
    else
        thimble_platform_put(byte);
}

void thimble_link_flush(void)
{
    if (thimble_frames_session() != 0u)
        thimble_answer_flush();
    thimble_platform_flush();
}

static void put_line(const struct thimble_reading *reading)
{
    thimble_put_figures("reading");
    thimble_put_pair("seq", reading->sequence);
    thimble_put_pair(" ticks", reading->pre_ticks + reading->inference_ticks);
    thimble_put_pair(" class", reading->class_index);
    thimble_put_text(" score=");
    thimble_put_decimal(reading->score, 6u);
    thimble_put_pair(" pre", reading->pre_ticks);
    thimble_put_pair(" post", reading->post_ticks);
    thimble_put_sum();
}

#if THIMBLE_BINARY
static uint32_t record_crc;

static void put_record_byte(uint8_t byte)
{
    record_crc = thimble_crc32_byte(record_crc, byte);
    thimble_answer_byte(THIMBLE_FRAME_READING, byte);
}

static void put_word(uint32_t word, uint8_t bytes)
{
    for (; bytes > 0u; bytes--) {
        put_record_byte((uint8_t)word);
        word >>= 8;
    }
}

/* Little-endian, and a frame of its own; with a checksum of its own, since a reading is used before the answer ends. */
static void put_record(const struct thimble_reading *reading)
{
    uint32_t score;

    memcpy(&score, &reading->score, sizeof score);
    record_crc = THIMBLE_CRC32_START;
    put_word(reading->sequence, 4u);
    put_word(reading->pre_ticks, 4u);
    put_word(reading->inference_ticks, 4u);
    put_word(reading->post_ticks, 4u);
    put_word(reading->class_index, 2u);
    put_word(score, 4u);
    put_word(~record_crc, 4u);
    thimble_answer_flush();
}
#else
static void put_record(const struct thimble_reading *reading)
{
    (void)reading;
}
#endif

void thimble_link_reading(const struct thimble_reading *reading)
{
    if (thimble_frames_session() != 0u)
        put_record(reading);
    else
        put_line(reading);
}
