#include "thimble_text.h"

#include "thimble_crc32.h"
#include "thimble_link.h"

static uint32_t line_crc; /* over everything put since thimble_put_figures */

static void put(uint8_t byte)
{
    line_crc = thimble_crc32_byte(line_crc, byte);
    thimble_link_put(byte);
}

void thimble_put_fixed(const char *text)
{
    char character;

    while ((character = THIMBLE_FIXED_CHAR(text++)) != '\0')
        put((uint8_t)character);
}

void thimble_put_fixed_line(const char *text)
{
    thimble_put_fixed(text);
    thimble_put_text("\r\n");
}

void thimble_put_end(void)
{
    thimble_put_line("]");
}

void thimble_put_unsigned(uint32_t value)
{
    uint8_t digits[10]; /* 4294967295, last first */
    uint8_t count = 0u;

    do {
        digits[count++] = (uint8_t)('0' + (int)(value % 10u));
        value /= 10u;
    } while (value != 0u);
    while (count > 0u)
        put(digits[--count]);
}

static void put_hex_digit(uint8_t digit)
{
    put((uint8_t)(digit + (digit < 10u ? '0' : 'a' - 10)));
}

void thimble_put_hex_byte(uint8_t value)
{
    put_hex_digit((uint8_t)(value >> 4));
    put_hex_digit((uint8_t)(value & 15u));
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

void thimble_put_fixed_pair(const char *key, uint32_t value)
{
    thimble_put_fixed(key);
    put('=');
    thimble_put_unsigned(value);
}

void thimble_put_fixed_signed_pair(const char *key, int32_t value)
{
    thimble_put_fixed(key);
    if (value < 0)
        thimble_put_text("=-");
    else
        thimble_put_text("=");
    thimble_put_unsigned(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void thimble_put_fixed_figures(const char *name)
{
    thimble_put_text("m-");
    thimble_put_fixed(name);
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
