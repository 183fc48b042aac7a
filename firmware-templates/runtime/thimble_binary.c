#include "thimble_binary.h"

#if THIMBLE_BINARY

#include <string.h>

#include "thimble_commands.h"
#include "thimble_model.h"
#include "thimble_platform.h"
#include "thimble_protocol.h"
#include "thimble_text.h"

/*
 * A host that went away without leaving the mode must not leave the next one without an answer: what comes after this
 * silence is text again, unless it begins as a frame does.
 */
#define SILENCE_US 2000000u

static uint8_t received[THIMBLE_FRAME_ROOM];
static struct thimble_frame_reader reader = {received, THIMBLE_FRAME_ROOM, 0u, 0u, 0u, 0u, 0u, 0u};
static uint32_t last_byte; /* microseconds */

void thimble_command_frames(const char *arguments)
{
    uint32_t session;

    if (!thimble_protocol_number(&arguments, 0u, 255u, &session) || session == 0u || !thimble_protocol_at_end(arguments)) {
        thimble_put_line("e-[Takes a session 1..255]");
        return;
    }
    thimble_put_figures("frames");
    thimble_put_pair("session", session);
    thimble_put_sum();
    thimble_put_line("m-ready");
    last_byte = thimble_platform_microseconds();
    thimble_frame_start(&reader);
    thimble_frames_enter((uint8_t)session);
}

/* A block goes where its number says, so one that comes twice or late does no harm. */
static void take_input(const uint8_t *frame, uint16_t length)
{
    const uint16_t block = (uint16_t)(frame[3] | frame[4] << 8);
    const int32_t offset = (int32_t)block * THIMBLE_FRAME_BYTES;
    const int32_t left = thimble_model.input_bytes - offset;
    const int32_t count = (int32_t)length - THIMBLE_FRAME_HEADER;

    if (left <= 0 || count != (left < THIMBLE_FRAME_BYTES ? left : THIMBLE_FRAME_BYTES))
        return; /* of another model's input */
    memcpy(thimble_model.input_buffer + offset, frame + THIMBLE_FRAME_HEADER, (size_t)count);
    thimble_answer_taken(frame[2], block);
}

static void run(uint8_t *frame, uint16_t length)
{
    frame[length] = '\0'; /* where the CRC was */
    thimble_answer_begin(frame[2]);
    for (uint16_t i = 3u; i < length; i++)
        thimble_answer_cover(frame[i]);
    thimble_protocol_execute((const char *)frame + 3);
    if (thimble_frames_session() != 0u) {
        thimble_answer_end();
        return;
    }
    thimble_put_line("m-ready"); /* a stream that somebody ended who speaks text */
    thimble_platform_flush();
}

/* Frames of another session are somebody's old ones, and not answered; whoever comes may end the mode. */
static void take_frame(uint8_t *frame, uint16_t length)
{
    if (frame[0] == THIMBLE_FRAME_LEAVE)
        thimble_frames_leave();
    else if (frame[1] != thimble_frames_session())
        return;
    else if (frame[0] == THIMBLE_FRAME_COMMAND && length >= 3u)
        run(frame, length);
    else if (frame[0] == THIMBLE_FRAME_INPUT && length > THIMBLE_FRAME_HEADER)
        take_input(frame, length);
    else if (frame[0] == THIMBLE_FRAME_POLL && length == 3u)
        thimble_answer_repeat_end(frame[2]);
}

/* Whether a byte in the binary mode is text after all. */
static uint8_t is_text(uint8_t byte)
{
    const uint8_t text = byte != 0u && thimble_platform_microseconds() - last_byte > SILENCE_US;

    last_byte = thimble_platform_microseconds();
    return text;
}

uint8_t thimble_binary_feed(uint8_t byte)
{
    if (thimble_frames_session() != 0u && is_text(byte))
        thimble_frames_leave();
    if (thimble_frames_session() == 0u)
        return 0u;
    if (thimble_frame_take(&reader, byte))
        take_frame(received, reader.content);
    last_byte = thimble_platform_microseconds(); /* a long command is no silence */
    return 1u;
}

uint8_t thimble_binary_interrupted(void)
{
    int16_t next;
    uint8_t interrupted = 0u;

    while (!interrupted && (next = thimble_platform_poll()) >= 0) {
        uint8_t leaves = is_text((uint8_t)next);

        if (!leaves && thimble_frame_take(&reader, (uint8_t)next)) {
            leaves = received[0] == THIMBLE_FRAME_LEAVE;
            interrupted = received[0] == THIMBLE_FRAME_BREAK;
        }
        if (leaves)
            thimble_frames_leave();
        interrupted |= leaves;
    }
    return interrupted;
}

#else
typedef int thimble_binary_is_left_out; /* ISO C wants something in a file */
#endif
