#include "thimble_text.h"

#include "thimble_platform.h"

void thimble_put_text(const char *text)
{
    while (*text != '\0')
        thimble_platform_put((uint8_t)*text++);
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

    thimble_platform_put((uint8_t)digits[value >> 4]);
    thimble_platform_put((uint8_t)digits[value & 15u]);
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
        thimble_platform_put('-');
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
    thimble_platform_put('.');
    for (unit /= 10u; unit > 0u; unit /= 10u)
        thimble_platform_put((uint8_t)('0' + (int)(fraction / unit % 10u)));
}

void thimble_put_pair(const char *key, uint32_t value)
{
    thimble_put_text(key);
    thimble_platform_put('=');
    thimble_put_unsigned(value);
}
