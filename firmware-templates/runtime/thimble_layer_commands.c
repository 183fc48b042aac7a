/*
 * layers, layer I: one inference during which the emitted model shows each original operator's output. The hook prints
 * at once, since nothing keeps the bytes, and reads the timer again afterwards: what it took itself is nobody's ticks.
 */
#include "thimble_commands.h"
#include "thimble_crc32.h"
#include "thimble_link.h"
#include "thimble_model.h"
#include "thimble_platform.h"
#include "thimble_protocol.h"
#include "thimble_text.h"

#define NOTHING (-1)
#define EVERY_LAYER (-2)

static int32_t wanted = NOTHING; /* or a layer's index */
static uint32_t layer_start;     /* ticks */

static void put_layer(int32_t layer, const uint8_t *bytes, int32_t count, uint32_t ticks)
{
    thimble_put_figures("layer");
    thimble_put_pair("layer", (uint32_t)layer);
    thimble_put_pair(" bytes", (uint32_t)count);
    thimble_put_text(" crc=");
    thimble_put_hex_word(thimble_crc32(bytes, count));
    thimble_put_pair(" ticks", ticks);
    thimble_put_sum();
}

static void put_bytes(const uint8_t *bytes, int32_t count)
{
    struct thimble_hex_dump dump;

    thimble_hex_begin(&dump);
    for (int32_t i = 0; i < count; i++)
        thimble_hex_byte(&dump, bytes[i]);
    thimble_hex_end(&dump, count);
}

void thimble_layer_hook(int layer, const int8_t *output, int32_t bytes)
{
    if (wanted == NOTHING)
        return;
    if (wanted == EVERY_LAYER)
        put_layer((int32_t)layer, (const uint8_t *)output, bytes, thimble_platform_ticks() - layer_start);
    else if (wanted == (int32_t)layer)
        put_bytes((const uint8_t *)output, bytes);
    layer_start = thimble_platform_ticks();
}

static void run_showing(int32_t what)
{
    struct thimble_reading ignored;

    wanted = what;
    layer_start = thimble_platform_ticks();
    thimble_timed_run(&ignored);
    wanted = NOTHING;
}

static uint8_t has_hooks(void)
{
    if (thimble_model.layer_hooks)
        return 1u;
    thimble_put_line("e-[Built without layer hooks]");
    return 0u;
}

void thimble_command_layers(const char *arguments)
{
    (void)arguments;
    if (has_hooks())
        run_showing(EVERY_LAYER);
}

void thimble_command_layer(const char *arguments)
{
    const uint32_t none = 0xFFFFFFFFu;
    uint32_t layer;

    if (!has_hooks())
        return;
    if (thimble_protocol_number(&arguments, none, 0x7FFFFFFFu, &layer) && thimble_protocol_at_end(arguments) &&
        layer < (uint32_t)thimble_model.layer_count)
        run_showing((int32_t)layer);
    else
        thimble_put_line("e-[No such layer]");
}
