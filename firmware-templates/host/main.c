/*
 * The firmware as a program on this computer: the protocol over standard input and output. Ends when its input ends.
 * Its times are this computer's, and it shows no stack or heap: an operating system moves both.
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "thimble_platform.h"
#include "thimble_protocol.h"

#define TIMER_HZ 100000000u /* 10 ns: 32 bits wrap after 42 s, longer than an inference under a sanitizer */

static uint8_t received[4096];
static size_t received_count;
static size_t received_next;
static uint8_t outgoing[4096];
static size_t outgoing_count;
static struct timespec start;

void thimble_platform_flush(void)
{
    size_t sent = 0;

    while (sent < outgoing_count) {
        const ssize_t count = write(STDOUT_FILENO, outgoing + sent, outgoing_count - sent);
        if (count <= 0)
            exit(0); /* nobody listens any more */
        sent += (size_t)count;
    }
    outgoing_count = 0;
}

void thimble_platform_put(uint8_t byte)
{
    outgoing[outgoing_count++] = byte;
    if (outgoing_count == sizeof outgoing)
        thimble_platform_flush();
}

/* Waits up to the time-out in milliseconds, -1 without end, and takes what is there. */
static void receive(int timeout)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    ssize_t count;

    if (poll(&input, 1, timeout) <= 0)
        return;
    count = read(STDIN_FILENO, received, sizeof received);
    if (count <= 0)
        exit(0);
    received_count = (size_t)count;
    received_next = 0;
}

int16_t thimble_platform_poll(void)
{
    if (received_next == received_count)
        receive(0);
    return received_next < received_count ? (int16_t)received[received_next++] : (int16_t)-1;
}

void thimble_platform_idle(void)
{
    receive(-1);
}

static uint64_t nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)((int64_t)(now.tv_sec - start.tv_sec) * 1000000000 + (now.tv_nsec - start.tv_nsec));
}

uint32_t thimble_platform_ticks(void)
{
    return (uint32_t)(nanoseconds() / (1000000000u / TIMER_HZ));
}

uint32_t thimble_platform_microseconds(void)
{
    return (uint32_t)(nanoseconds() / 1000u);
}

uint32_t thimble_platform_timer_hz(void)
{
    return TIMER_HZ;
}

uint32_t thimble_platform_clock_hz(void)
{
    return 0u; /* changes from moment to moment */
}

struct thimble_memory_map thimble_platform_memory(void)
{
    const struct thimble_memory_map unknown = {0, 0, 0, 0, 0, 0, 0};

    return unknown;
}

int main(void)
{
    clock_gettime(CLOCK_MONOTONIC, &start);
    thimble_protocol_serve();
}
