/* What the stand-ins of all frameworks stand on: standard input and output as the serial line, and a clock. */
#ifndef HOST_IO_H
#define HOST_IO_H

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline void host_send(const void *bytes, size_t count)
{
    const char *next = (const char *)bytes;

    while (count > 0) {
        const ssize_t sent = write(STDOUT_FILENO, next, count);
        if (sent <= 0)
            exit(0);
        next += sent;
        count -= (size_t)sent;
    }
}

/* A byte, or -1 after the time. */
static inline int host_receive(int milliseconds)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    uint8_t byte;

    if (poll(&input, 1, milliseconds) <= 0)
        return -1;
    if (read(STDIN_FILENO, &byte, 1) != 1)
        exit(0);
    return byte;
}

static inline uint64_t host_microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static inline void host_sleep(unsigned milliseconds)
{
    usleep(milliseconds * 1000u);
}

/* The tests see the LED on the error output. */
static inline void host_led(int level)
{
    const char *text = level ? "led high\n" : "led low\n";

    if (write(STDERR_FILENO, text, level ? 9 : 8) < 0)
        exit(0);
}

#endif
