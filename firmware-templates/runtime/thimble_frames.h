/*
 * The framed mode of docs/serial-protocol.md, board's side: COBS keeps zeros out of a frame, so that a zero is always
 * its end; a CRC-16 tells whether it came whole. Sending needs one buffer, receiving uses the command's.
 */
#ifndef THIMBLE_FRAMES_H
#define THIMBLE_FRAMES_H

#include <stdint.h>

/*
 * -DTHIMBLE_BINARY=0 leaves the mode out and keeps the text, as the smallest chips need it: an Uno has 2 KB of RAM.
 */
#ifndef THIMBLE_BINARY
#if defined(__AVR__)
#define THIMBLE_BINARY 0
#else
#define THIMBLE_BINARY 1
#endif
#endif

/*
 * What a board can take and give at once; -D of a board's build wins. A frame of 240 bytes of input is 249 on the wire.
 * Credits are frames of input that may be on their way unanswered: as many as keep a USB adapter busy that hands its
 * bytes over every 16 ms, or one where a byte that arrives while the board sends could be lost.
 */
#ifndef THIMBLE_FRAME_BYTES
#ifdef __AVR__
#define THIMBLE_FRAME_BYTES 64
#else
#define THIMBLE_FRAME_BYTES 240
#endif
#endif
#ifndef THIMBLE_ANSWER_BYTES
#ifdef __AVR__
#define THIMBLE_ANSWER_BYTES 32
#else
#define THIMBLE_ANSWER_BYTES 240
#endif
#endif
#ifndef THIMBLE_CREDITS
#ifdef __AVR__
#define THIMBLE_CREDITS 1
#else
#define THIMBLE_CREDITS 16
#endif
#endif

#define THIMBLE_FRAME_HEADER 5 /* of the longest kind */
#define THIMBLE_FRAME_CRC 2
#define THIMBLE_FRAME_ROOM (THIMBLE_FRAME_HEADER + THIMBLE_FRAME_BYTES + THIMBLE_FRAME_CRC)

/* Kinds, the first byte of every frame; the second is the session. */
#define THIMBLE_FRAME_COMMAND 0x02u /* request, text */
#define THIMBLE_FRAME_INPUT 0x03u   /* transfer, block (2), bytes */
#define THIMBLE_FRAME_POLL 0x04u    /* token */
#define THIMBLE_FRAME_BREAK 0x05u
#define THIMBLE_FRAME_LEAVE 0x06u
#define THIMBLE_FRAME_TEXT 0x82u    /* request, index (2), bytes; the next two as well */
#define THIMBLE_FRAME_OUTPUT 0x83u
#define THIMBLE_FRAME_READING 0x84u
#define THIMBLE_FRAME_TAKEN 0x85u   /* transfer, block (2) */
#define THIMBLE_FRAME_END 0x86u     /* request, frames of the answer (2), CRC-32 of the command and of their bytes (4), token */

/* A frame being received; `bytes` is the caller's, `room` long. */
struct thimble_frame_reader {
    uint8_t *bytes;
    uint16_t room;
    uint16_t length;
    uint16_t content; /* of the frame that thimble_frame_take said 1 to: its bytes without the CRC */
    uint16_t crc;
    uint8_t left;    /* bytes until the next code */
    uint8_t zero;    /* a zero stands before that code's bytes */
    uint8_t spoilt;  /* longer than the room */
};

uint16_t thimble_crc16_byte(uint16_t running, uint8_t byte);

void thimble_frame_start(struct thimble_frame_reader *reader);
/* 1 when this byte ends a frame that is whole. What is not whole is forgotten at its end. */
uint8_t thimble_frame_take(struct thimble_frame_reader *reader, uint8_t byte);

#if THIMBLE_BINARY
/* Whether the link is in framed mode; the session then. */
uint8_t thimble_frames_session(void); /* 0: text */
void thimble_frames_enter(uint8_t session);
void thimble_frames_leave(void);

/* An answer: begin, any of the three, end. Bytes of one kind are collected until a frame is full or another kind comes. */
void thimble_answer_begin(uint8_t request);
/* A byte of the command: the answer's checksum covers it, so that the host knows what was answered. */
void thimble_answer_cover(uint8_t byte);
void thimble_answer_byte(uint8_t kind, uint8_t byte);
void thimble_answer_flush(void);
void thimble_answer_end(void);
/* The end of the last answer once more, with the token of the host that asks. */
void thimble_answer_repeat_end(uint8_t token);
void thimble_answer_taken(uint8_t transfer, uint16_t block);
#else
static inline uint8_t thimble_frames_session(void)
{
    return 0u;
}

static inline void thimble_frames_leave(void)
{
}

static inline void thimble_answer_byte(uint8_t kind, uint8_t byte)
{
    (void)kind;
    (void)byte;
}

static inline void thimble_answer_flush(void)
{
}
#endif

#endif
