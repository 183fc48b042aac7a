/* db and check: the input buffer, filled in pieces. */
#include "thimble_commands.h"
#include "thimble_crc32.h"
#include "thimble_model.h"
#include "thimble_protocol.h"
#include "thimble_text.h"

#define PRINTED_BYTES_A_LINE 8

static uint8_t load_announced;
static int32_t loaded_bytes;

/* 0..15, or 255 for what is no hexadecimal digit. */
static uint8_t hex_digit(char character)
{
    if (character >= '0' && character <= '9')
        return (uint8_t)(character - '0');
    if (character >= 'a' && character <= 'f')
        return (uint8_t)(character - 'a' + 10);
    if (character >= 'A' && character <= 'F')
        return (uint8_t)(character - 'A' + 10);
    return 255u;
}

/* Whether the text begins with the word, which is THIMBLE_FIXED; *rest is then what follows it. */
static uint8_t starts_with_word(const char *text, const char *word, const char **rest)
{
    char expected;

    while ((expected = THIMBLE_FIXED_CHAR(word++)) != '\0')
        if (*text++ != expected)
            return 0u;
    *rest = text;
    return *text == '\0' || *text == ' ';
}

static void load(const char *arguments)
{
    uint32_t bytes;

    if (!thimble_protocol_number(&arguments, 0u, 0x7FFFFFFFu, &bytes) || !thimble_protocol_at_end(arguments)) {
        thimble_put_line("e-[db load takes a number of bytes]");
        return;
    }
    if (bytes != (uint32_t)thimble_model.input_bytes) {
        thimble_put_text("e-[The model takes ");
        thimble_put_unsigned((uint32_t)thimble_model.input_bytes);
        thimble_put_line(" bytes of input]");
        return;
    }
    load_announced = 1u;
    loaded_bytes = 0;
    thimble_put_text("m-[Expecting ");
    thimble_put_unsigned(bytes);
    thimble_put_line(" bytes]");
}

static void print(void)
{
    for (int32_t i = 0; i < thimble_model.input_bytes; i++) {
        if (i % PRINTED_BYTES_A_LINE == 0)
            thimble_put_text("m-buffer-");
        else
            thimble_put_text("-");
        thimble_put_hex_byte(thimble_model.input_buffer[i]);
        if (i % PRINTED_BYTES_A_LINE == PRINTED_BYTES_A_LINE - 1 || i == thimble_model.input_bytes - 1)
            thimble_put_line("");
    }
}

/* The whole piece is checked before any of it is stored: a damaged one can be sent again. */
static uint8_t is_hex(const char *digits)
{
    uint8_t count = 0u;

    for (; digits[count] != '\0'; count++)
        if (hex_digit(digits[count]) == 255u)
            return 0u;
    return count > 0u && count % 2u == 0u;
}

static void store(const char *digits)
{
    if (!load_announced) {
        thimble_put_line("e-[db load N comes first]");
        return;
    }
    if (!is_hex(digits)) {
        thimble_put_line("e-[db takes an even number of hexadecimal digits]");
        return;
    }
    for (; *digits != '\0' && loaded_bytes < thimble_model.input_bytes; digits += 2) {
        const uint8_t byte = (uint8_t)((hex_digit(digits[0]) << 4) | hex_digit(digits[1]));
        thimble_model.input_buffer[loaded_bytes++] = byte;
        if (loaded_bytes == thimble_model.input_bytes)
            thimble_put_line("m-load-done");
    }
}

void thimble_command_db(const char *arguments)
{
    const char *rest;

    while (*arguments == ' ')
        arguments++;
    if (starts_with_word(arguments, THIMBLE_FIXED_TEXT("load"), &rest))
        load(rest);
    else if (starts_with_word(arguments, THIMBLE_FIXED_TEXT("print"), &rest))
        print();
    else
        store(arguments);
}

void thimble_command_check(const char *arguments)
{
    (void)arguments;
    thimble_put_check(thimble_model.input_bytes, thimble_crc32(thimble_model.input_buffer, thimble_model.input_bytes));
}

void thimble_put_check(int32_t bytes, uint32_t crc)
{
    thimble_put_figures("check");
    thimble_put_pair("bytes", (uint32_t)bytes);
    thimble_put_text(" crc=");
    thimble_put_hex_word(crc);
    thimble_put_sum();
}
