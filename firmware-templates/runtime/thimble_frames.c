#include "thimble_frames.h"

#if THIMBLE_BINARY

#include "thimble_crc32.h"
#include "thimble_platform.h"

#define CRC16_START 0xFFFFu
#define CRC16_RIGHT 0x1D0Fu /* running over a message and its CRC */
#define LONGEST_RUN 254 /* bytes without a zero that one code can announce */
#define READING_BYTES 26

/* A frame of an answer in the making: header, content, CRC. No longer than one run, so that its codes stay simple. */
static uint8_t outgoing[THIMBLE_FRAME_HEADER + THIMBLE_ANSWER_BYTES + THIMBLE_FRAME_CRC];
static uint8_t outgoing_kind; /* 0: none */
static uint8_t outgoing_count;
static uint8_t session;
static uint8_t request;
static uint16_t answer_frames;
static uint32_t answer_crc;

#if THIMBLE_FRAME_HEADER + THIMBLE_ANSWER_BYTES + THIMBLE_FRAME_CRC > LONGEST_RUN || THIMBLE_FRAME_ROOM > LONGEST_RUN
#error "a frame is longer than one run of COBS"
#endif
#if THIMBLE_ANSWER_BYTES < READING_BYTES
#error "a reading does not fit into a frame"
#endif

/*
 * CRC-16/GENIBUS: polynomial 0x1021, starting with 0xFFFF, inverted at the end. Without the inversion a message to whose
 * end the cable adds zeros would still have a right CRC.
 */
uint16_t thimble_crc16_byte(uint16_t running, uint8_t byte)
{
    uint16_t high = (uint16_t)((running >> 8) ^ byte);

    high = (uint16_t)(high ^ (high >> 4));
    return (uint16_t)(((uint32_t)running << 8) ^ ((uint32_t)high << 12) ^ ((uint32_t)high << 5) ^ high);
}

void thimble_frame_start(struct thimble_frame_reader *reader)
{
    reader->length = 0u;
    reader->crc = CRC16_START;
    reader->left = 0u;
    reader->zero = 0u;
    reader->spoilt = 0u;
}

static void keep(struct thimble_frame_reader *reader, uint8_t byte)
{
    if (reader->length == reader->room) {
        reader->spoilt = 1u;
        return;
    }
    reader->bytes[reader->length++] = byte;
    reader->crc = thimble_crc16_byte(reader->crc, byte);
}

uint8_t thimble_frame_take(struct thimble_frame_reader *reader, uint8_t byte)
{
    if (byte == 0u) {
        const uint8_t whole = reader->left == 0u && !reader->spoilt && reader->crc == CRC16_RIGHT &&
                              reader->length >= 2u + THIMBLE_FRAME_CRC;
        const uint16_t length = reader->length;

        thimble_frame_start(reader);
        reader->content = whole ? (uint16_t)(length - THIMBLE_FRAME_CRC) : (uint16_t)0u;
        return whole;
    }
    if (reader->left > 0u) {
        reader->left--;
        keep(reader, byte);
        return 0u;
    }
    if (reader->zero)
        keep(reader, 0u);
    reader->left = (uint8_t)(byte - 1u);
    reader->zero = byte <= LONGEST_RUN;
    return 0u;
}

/* Adds the CRC, and a code before every run that a zero ends: the zeros themselves are not sent. */
static void send(uint8_t *bytes, uint8_t count)
{
    uint16_t crc = CRC16_START;
    uint8_t run = 0u;

    for (uint8_t i = 0; i < count; i++)
        crc = thimble_crc16_byte(crc, bytes[i]);
    crc = (uint16_t)~crc;
    bytes[count++] = (uint8_t)(crc >> 8);
    bytes[count++] = (uint8_t)crc;
    for (uint8_t next = 0; next <= count; next++) {
        if (next < count && bytes[next] != 0u) {
            run++;
            continue;
        }
        thimble_platform_put((uint8_t)(run + 1u));
        for (uint8_t i = (uint8_t)(next - run); i < next; i++)
            thimble_platform_put(bytes[i]);
        run = 0u;
    }
    thimble_platform_put(0u);
}

uint8_t thimble_frames_session(void)
{
    return session;
}

void thimble_frames_enter(uint8_t wanted)
{
    session = wanted;
    thimble_answer_begin(0u);
    thimble_platform_put(0u); /* ends the text that stands before the first frame */
}

void thimble_frames_leave(void)
{
    session = 0u;
    outgoing_kind = 0u;
}

void thimble_answer_begin(uint8_t number)
{
    request = number;
    answer_frames = 0u;
    answer_crc = THIMBLE_CRC32_START;
    outgoing_kind = 0u;
}

void thimble_answer_cover(uint8_t byte)
{
    answer_crc = thimble_crc32_byte(answer_crc, byte);
}

static void begin_frame(uint8_t kind)
{
    outgoing[0] = kind;
    outgoing[1] = session;
    outgoing[2] = request;
    outgoing[3] = (uint8_t)answer_frames;
    outgoing[4] = (uint8_t)(answer_frames >> 8);
    outgoing_count = THIMBLE_FRAME_HEADER;
    outgoing_kind = kind;
}

void thimble_answer_flush(void)
{
    if (outgoing_kind == 0u)
        return;
    outgoing_kind = 0u;
    answer_frames++;
    send(outgoing, outgoing_count);
}

void thimble_answer_byte(uint8_t kind, uint8_t byte)
{
    if (kind != outgoing_kind) {
        thimble_answer_flush();
        begin_frame(kind);
    }
    outgoing[outgoing_count++] = byte;
    answer_crc = thimble_crc32_byte(answer_crc, byte);
    if (outgoing_count == THIMBLE_FRAME_HEADER + THIMBLE_ANSWER_BYTES)
        thimble_answer_flush();
}

void thimble_answer_repeat_end(uint8_t token)
{
    begin_frame(THIMBLE_FRAME_END);
    for (uint8_t shift = 0; shift < 32u; shift = (uint8_t)(shift + 8u))
        outgoing[outgoing_count++] = (uint8_t)(~answer_crc >> shift);
    outgoing[outgoing_count++] = token;
    outgoing_kind = 0u;
    send(outgoing, outgoing_count);
    thimble_platform_flush();
}

void thimble_answer_end(void)
{
    thimble_answer_flush();
    thimble_answer_repeat_end(0u);
}

void thimble_answer_taken(uint8_t transfer, uint16_t block)
{
    uint8_t frame[THIMBLE_FRAME_HEADER + THIMBLE_FRAME_CRC];

    frame[0] = THIMBLE_FRAME_TAKEN;
    frame[1] = session;
    frame[2] = transfer;
    frame[3] = (uint8_t)block;
    frame[4] = (uint8_t)(block >> 8);
    send(frame, THIMBLE_FRAME_HEADER);
    thimble_platform_flush();
}

#else
typedef int thimble_frames_are_left_out; /* ISO C wants something in a file */
#endif
