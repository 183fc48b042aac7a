#include "thimble_sketch.h"

#include "thimble_model.h"
#include "thimble_platform.h"
#include "thimble_protocol.h"

#define HOST_SILENT_US 2000000u /* after its last byte the board is left to the sketch again */

static struct thimble_decider decider;
static uint32_t last_byte; /* microseconds */
static uint8_t host_talks;

void thimble_sketch_setup(void)
{
    thimble_decision_start(&decider);
    host_talks = 0u;
    thimble_model_start();
    thimble_protocol_boot();
}

void thimble_sketch_loop(void)
{
    const int16_t byte = thimble_platform_poll();

    if (byte >= 0) {
        thimble_protocol_feed((uint8_t)byte);
        last_byte = thimble_platform_microseconds();
        host_talks = 1u;
        return;
    }
    if (host_talks && thimble_platform_microseconds() - last_byte < HOST_SILENT_US)
        return; /* it may have put its own sample into the input */
    host_talks = 0u;
    if (fill_input((int8_t *)thimble_model.input_buffer)) {
        thimble_model_run();
        thimble_model_done();
    } else {
        thimble_platform_idle();
    }
}

/* The runtime calls it after each inference that the host asked for; the loop above after its own. */
void thimble_model_done(void)
{
    struct thimble_decision decision;
    int16_t best = 0;
    float score = thimble_model_value(0);

    for (int16_t i = 1; i < (int16_t)thimble_model.class_count; i++) {
        const float value = thimble_model_value(i);
        if (value > score) {
            best = i;
            score = value;
        }
    }
    decision = thimble_decide(&decider, &thimble_rules, best, score);
    on_result(&decision);
}
