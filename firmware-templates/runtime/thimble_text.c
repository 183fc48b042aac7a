#include "thimble_text.h"

#include "thimble_crc32.h"
#include "thimble_platform.h"

static uint32_t line_crc; /* over everything put since thimble_put_figures */

static void put(uint8_t byte)
{
    line_crc = thimble_crc32_byte(line_crc, byte);
    thimble_platform_put(byte);
}

void thimble_put_text(const char *text)
{
    while (*text != '\0')
        put((uint8_t)*text++);
}

void thimble_put_line(const char *text)
{
    thimble_put_text(text);
    thimble_put_text("\r\n");
}

void thimble_put_end(void)
{
    thimble_put_line("]");
}

void thimble_put_unsigned(uint32_t value)
{
    char digits[11]; /* 4294967295 and the end */
    char *first = digits + sizeof digits - 1;

    *first = '\0';
    do {
        *--first = (char)('0' + (int)(value % 10u));
        value /= 10u;
    } while (value != 0u);
    thimble_put_text(first);
}

void thimble_put_hex_byte(uint8_t value)
{
    static const char digits[] = "0123456789abcdef";

    put((uint8_t)digits[value >> 4]);
    put((uint8_t)digits[value & 15u]);
}

void thimble_put_hex_word(uint32_t value)
{
    for (int8_t shift = 24; shift >= 0; shift = (int8_t)(shift - 8))
        thimble_put_hex_byte((uint8_t)(value >> shift));
}

void thimble_put_decimal(float value, uint8_t decimals)
{
    const float bound = 2.0e9f; /* below 2^31: the integer part fits in 32 bits */
    uint32_t unit = 1u;
    uint32_t whole;
    uint32_t fraction;

    if (value != value) {
        thimble_put_text("nan");
        return;
    }
    for (uint8_t i = 0; i < decimals; i++)
        unit *= 10u;
    if (value < 0.0f) {
        put('-');
        value = -value;
    }
    if (value > bound)
        value = bound;
    whole = (uint32_t)value;
    fraction = (uint32_t)((value - (float)whole) * (float)unit + 0.5f);
    if (fraction >= unit) { /* 0.9999 rounds up to the next whole number */
        fraction -= unit;
        whole++;
    }
    thimble_put_unsigned(whole);
    if (decimals == 0u)
        return;
    put('.');
    for (unit /= 10u; unit > 0u; unit /= 10u)
        put((uint8_t)('0' + (int)(fraction / unit % 10u)));
}

void thimble_put_pair(const char *key, uint32_t value)
{
    thimble_put_text(key);
    put('=');
    thimble_put_unsigned(value);
}

void thimble_put_figures(const char *name)
{
    thimble_put_text("m-");
    thimble_put_text(name);
    thimble_put_text("-[");
    line_crc = THIMBLE_CRC32_START;
}

void thimble_put_sum(void)
{
    const uint32_t sum = ~line_crc;

    thimble_put_text(" sum=");
    thimble_put_hex_word(sum);
    thimble_put_end();
}
