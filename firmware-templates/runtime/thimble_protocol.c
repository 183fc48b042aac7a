#include "thimble_protocol.h"

#include "thimble_binary.h"
#include "thimble_commands.h"
#include "thimble_frames.h"
#include "thimble_link.h"
#include "thimble_model.h"
#include "thimble_platform.h"
#include "thimble_text.h"

#define COMMAND_CHARACTERS 80
#define ECHOED_CHARACTERS 16 /* of an unknown command */

static char command[COMMAND_CHARACTERS + 1];
static uint8_t command_length;
static uint8_t command_too_long;

static void help(const char *arguments);
static void name(const char *arguments);
static void profile(const char *arguments);
static void timestamp(const char *arguments);

#if THIMBLE_BINARY
#define FRAMES_COMMAND(COMMAND) COMMAND("frames", thimble_command_frames, "frames S: binary mode, session S 1..255")
#else
#define FRAMES_COMMAND(COMMAND)
#endif

/* Name, function, line of help. Macros rather than a table: the pointers and texts of one would lie in the RAM of an AVR. */
#define COMMANDS(COMMAND) \
    COMMAND("name", name, "name: who answers") \
    COMMAND("profile", profile, "profile: benchmark profile and model") \
    COMMAND("timestamp", timestamp, "timestamp: microseconds since reset") \
    COMMAND("help", help, "help: this list") \
    COMMAND("db", thimble_command_db, "db load N, db HEX, db print: the input buffer") \
    COMMAND("infer", thimble_command_infer, "infer N W: N inferences after W warm-ups") \
    COMMAND("results", thimble_command_results, "results: outputs of the last inference") \
    COMMAND("thimble", thimble_command_handshake, "thimble: model, checksums, timer") \
    COMMAND("check", thimble_command_check, "check: checksum of the input buffer") \
    COMMAND("run", thimble_command_run, "run N W: a reading for each of N inferences") \
    COMMAND("output", thimble_command_output, "output: raw bytes of the outputs") \
    COMMAND("layers", thimble_command_layers, "layers: checksum and ticks of each operator") \
    COMMAND("layer", thimble_command_layer, "layer I: raw bytes of operator I's output") \
    COMMAND("memory", thimble_command_memory, "memory: what is used of the RAM") \
    FRAMES_COMMAND(COMMAND) \
    COMMAND("stream", thimble_command_stream, "stream N: readings until N or any byte; 0 = without end")

static void name(const char *arguments)
{
    (void)arguments;
    thimble_put_line("m-name-dut-[thimble]");
}

static void profile(const char *arguments)
{
    (void)arguments;
    thimble_put_line("m-profile-[ULPMark for tinyML Firmware V0.0.1]");
    thimble_put_text("m-model-[");
    thimble_put_fixed(thimble_model.benchmark);
    thimble_put_end();
}

static void timestamp(const char *arguments)
{
    (void)arguments;
    thimble_put_lap(thimble_platform_microseconds());
}

static void help(const char *arguments)
{
    (void)arguments;
#define PUT_USAGE(text, run, usage) thimble_put_line(usage);
    COMMANDS(PUT_USAGE)
#undef PUT_USAGE
}

/* The arguments behind a command's name, which is THIMBLE_FIXED, or 0 where the line holds another command. */
static const char *arguments_of(const char *line, const char *expected)
{
    char character;

    while ((character = THIMBLE_FIXED_CHAR(expected++)) != '\0')
        if (*line++ != character)
            return 0;
    return *line == '\0' || *line == ' ' ? line : 0;
}

/* The line may hold any byte: only what prints is sent back. */
static void answer_unknown(const char *line)
{
    thimble_put_text("e-[Unknown command: ");
    for (uint8_t i = 0; i < ECHOED_CHARACTERS && line[i] != '\0'; i++) {
        const uint8_t character = (uint8_t)line[i];
        thimble_link_put(character >= ' ' && character <= '~' && character != ']' ? character : (uint8_t)'?');
    }
    thimble_put_end();
}

void thimble_protocol_execute(const char *line)
{
    const char *arguments;

#define RUN_IF_NAMED(text, run, usage)                                    \
    if ((arguments = arguments_of(line, THIMBLE_FIXED_TEXT(text))) != 0) { \
        run(arguments);                                                   \
        return;                                                           \
    }
    COMMANDS(RUN_IF_NAMED)
#undef RUN_IF_NAMED
    answer_unknown(line);
}

static void feed_text(uint8_t byte)
{
    if (byte == '\r' || byte == '\n')
        return;
    if (byte != '%') {
        if (command_length == COMMAND_CHARACTERS)
            command_too_long = 1u;
        else
            command[command_length++] = byte == 0u ? '?' : (char)byte; /* a NUL would hide what follows it */
        return;
    }
    command[command_length] = '\0';
    command_length = 0u;
    if (command_too_long)
        thimble_put_line("e-[Command longer than 80 characters]");
    else
        thimble_protocol_execute(command);
    command_too_long = 0u;
    if (thimble_frames_session() == 0u)
        thimble_put_line("m-ready");
    thimble_platform_flush();
}

void thimble_protocol_feed(uint8_t byte)
{
    if (!thimble_binary_feed(byte))
        feed_text(byte);
}

uint8_t thimble_link_interrupted(void)
{
    return thimble_frames_session() != 0u ? thimble_binary_interrupted() : thimble_platform_poll() >= 0;
}

void thimble_protocol_boot(void)
{
    thimble_put_line("m-timestamp-mode-performance");
    thimble_put_lap(thimble_platform_microseconds());
    thimble_put_line("m-init-done");
    thimble_put_line("m-ready");
    thimble_platform_flush();
}

void thimble_protocol_serve(void)
{
    thimble_protocol_boot();
    for (;;) {
        const int16_t byte = thimble_platform_poll();
        if (byte >= 0)
            thimble_protocol_feed((uint8_t)byte);
        else
            thimble_platform_idle();
    }
}

uint8_t thimble_protocol_number(const char **arguments, uint32_t fallback, uint32_t maximum, uint32_t *value)
{
    const char *next = *arguments;

    while (*next == ' ')
        next++;
    *value = fallback;
    if (*next != '\0')
        *value = 0u;
    for (; *next != '\0' && *next != ' '; next++) {
        const uint32_t digit = (uint32_t)(uint8_t)*next - '0';
        if (digit > 9u || *value > maximum / 10u || *value * 10u > maximum - digit)
            return 0u;
        *value = *value * 10u + digit;
    }
    *arguments = next;
    return 1u;
}

uint8_t thimble_protocol_at_end(const char *arguments)
{
    while (*arguments == ' ')
        arguments++;
    return *arguments == '\0';
}
