/* thimble, memory: what the firmware knows about itself. */
#include "thimble_commands.h"
#include "thimble_frames.h"
#include "thimble_model.h"
#include "thimble_platform.h"
#include "thimble_stack.h"
#include "thimble_text.h"

THIMBLE_PLATFORM_DEFAULT int32_t thimble_platform_temperature(void)
{
    return THIMBLE_NO_TEMPERATURE;
}

void thimble_command_handshake(const char *arguments)
{
    (void)arguments;
    thimble_put_figures("thimble");
    thimble_put_pair("protocol", 1u);
    thimble_put_text(" board=");
    thimble_put_fixed(thimble_model.board);
    thimble_put_text(" model=");
    thimble_put_fixed(thimble_model.name);
    thimble_put_text(" sha256=");
    thimble_put_fixed(thimble_model.sha256);
    thimble_put_text(" labels=");
    thimble_put_hex_word(thimble_model.labels_crc);
    thimble_put_text(" recipe=");
    thimble_put_hex_word(thimble_model.recipe_crc);
    thimble_put_pair(" inputs", (uint32_t)thimble_model.input_bytes);
    thimble_put_pair(" outputs", (uint32_t)thimble_model.output_bytes);
    thimble_put_pair(" layers", (uint32_t)thimble_model.layer_count);
    thimble_put_pair(" hooks", (uint32_t)thimble_model.layer_hooks);
    thimble_put_pair(" clock-hz", thimble_platform_clock_hz());
    thimble_put_pair(" timer-hz", thimble_platform_timer_hz());
#if THIMBLE_BINARY
    thimble_put_pair(" frame", THIMBLE_FRAME_BYTES);
    thimble_put_pair(" credits", THIMBLE_CREDITS);
#endif
    thimble_put_sum();
}

void thimble_command_memory(const char *arguments)
{
    const struct thimble_memory_map memory = thimble_platform_memory();
    const int32_t temperature = thimble_platform_temperature();

    (void)arguments;
    thimble_put_figures("memory");
    thimble_put_pair("arena", (uint32_t)thimble_model.arena_bytes);
    thimble_put_pair(" db", (uint32_t)thimble_model.input_bytes);
    thimble_put_pair(" static", (uint32_t)(memory.static_end - memory.static_begin));
    thimble_put_pair(" stack", (uint32_t)(memory.stack_top - memory.stack_limit));
    thimble_put_pair(" stack-high", thimble_stack_high_water(&memory));
    thimble_put_pair(" heap-used", (uint32_t)(memory.heap_break - memory.heap_begin));
    thimble_put_pair(" heap-free", (uint32_t)(memory.heap_limit - memory.heap_break));
    if (temperature != THIMBLE_NO_TEMPERATURE)
        thimble_put_signed_pair(" millidegrees", temperature);
    thimble_put_sum();
}
