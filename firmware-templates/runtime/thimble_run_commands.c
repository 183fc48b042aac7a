/* infer, run, stream: inferences with their times; results, output: what the last one gave. */
#include "thimble_commands.h"
#include "thimble_crc32.h"
#include "thimble_frames.h"
#include "thimble_link.h"
#include "thimble_model.h"
#include "thimble_platform.h"
#include "thimble_protocol.h"
#include "thimble_text.h"

#define MAX_RUNS 65535u /* of one infer or run, which nothing can interrupt */
#define DUMPED_BYTES_A_LINE 32u

static uint8_t has_run; /* there are outputs to show */

void thimble_model_run(void)
{
    thimble_model_fill();
    thimble_model_invoke();
}

/* Differences are right also across a wrap of the counter. */
void thimble_timed_run(struct thimble_reading *reading)
{
    const uint32_t start = thimble_platform_ticks();
    uint32_t filled;
    uint32_t end;

    thimble_model_fill();
    filled = thimble_platform_ticks();
    thimble_model_invoke();
    end = thimble_platform_ticks();
    has_run = 1u;
    reading->pre_ticks = filled - start;
    reading->inference_ticks = end - filled;
}

void thimble_put_lap(uint32_t microseconds)
{
    thimble_put_text("m-lap-us-");
    thimble_put_unsigned(microseconds);
    thimble_put_line("");
}

static void put_results(void)
{
    thimble_put_text("m-results-[");
    for (int32_t i = 0; i < thimble_model.value_count; i++) {
        if (i > 0)
            thimble_put_text(",");
        thimble_put_decimal(thimble_model_value(i), 3u);
    }
    thimble_put_end();
}

/* The work behind an inference is timed too: on a small core it is not nothing. */
static void find_class(struct thimble_reading *reading)
{
    const uint32_t start = thimble_platform_ticks();

    reading->class_index = 0u;
    reading->score = thimble_model_value(0);
    for (int32_t i = 1; i < thimble_model.class_count; i++) {
        const float value = thimble_model_value(i);
        if (value > reading->score) {
            reading->class_index = (uint16_t)i;
            reading->score = value;
        }
    }
    reading->post_ticks = thimble_platform_ticks() - start;
}

/* Sends one reading; then whatever a sketch does with the result, outside of all that was timed. */
static void run_once(uint32_t sequence)
{
    struct thimble_reading reading;

    reading.sequence = sequence;
    thimble_timed_run(&reading);
    find_class(&reading);
    thimble_link_reading(&reading);
    thimble_link_flush();
    thimble_model_done();
}

/* N and W of infer and run; says what is wrong and gives 0 where they make no sense. */
static uint8_t counts(const char *arguments, uint32_t default_warm_ups, uint32_t *runs, uint32_t *warm_ups)
{
    if (thimble_protocol_number(&arguments, 1u, MAX_RUNS, runs) && *runs > 0u &&
        thimble_protocol_number(&arguments, default_warm_ups, MAX_RUNS, warm_ups) && thimble_protocol_at_end(arguments))
        return 1u;
    thimble_put_line("e-[Takes N 1..65535 and W 0..65535]");
    return 0u;
}

static void repeat(uint32_t runs)
{
    for (; runs > 0u; runs--)
        thimble_model_run();
    has_run = 1u;
}

void thimble_command_infer(const char *arguments)
{
    uint32_t runs;
    uint32_t warm_ups;

    if (!counts(arguments, 10u, &runs, &warm_ups))
        return;
    thimble_put_text("m-warmup-start-");
    thimble_put_unsigned(warm_ups);
    thimble_put_line("");
    repeat(warm_ups);
    thimble_put_line("m-warmup-done");
    thimble_put_text("m-infer-start-");
    thimble_put_unsigned(runs);
    thimble_put_line("");
    thimble_link_flush(); /* before the time is taken, not inside it */
    thimble_put_lap(thimble_platform_microseconds());
    repeat(runs);
    thimble_put_lap(thimble_platform_microseconds());
    thimble_put_line("m-infer-done");
    put_results();
}

void thimble_command_run(const char *arguments)
{
    uint32_t runs;
    uint32_t warm_ups;

    if (!counts(arguments, 0u, &runs, &warm_ups))
        return;
    repeat(warm_ups);
    for (uint32_t i = 0; i < runs; i++)
        run_once(i);
}

void thimble_command_stream(const char *arguments)
{
    uint32_t runs;

    if (!thimble_protocol_number(&arguments, 0u, 0xFFFFFFFFu, &runs) || !thimble_protocol_at_end(arguments)) {
        thimble_put_line("e-[Takes N; 0 = without end]");
        return;
    }
    for (uint32_t i = 0; (runs == 0u || i < runs) && !thimble_link_interrupted(); i++)
        run_once(i);
}

void thimble_command_results(const char *arguments)
{
    (void)arguments;
    if (has_run)
        put_results();
    else
        thimble_put_line("e-[No inference yet]");
}

void thimble_command_output(const char *arguments)
{
    struct thimble_hex_dump dump;

    (void)arguments;
    if (!has_run) {
        thimble_put_line("e-[No inference yet]");
        return;
    }
    thimble_hex_begin(&dump);
    for (int32_t i = 0; i < thimble_model.output_bytes; i++)
        thimble_hex_byte(&dump, thimble_model_output_byte(i));
    thimble_hex_end(&dump, thimble_model.output_bytes);
}

void thimble_hex_begin(struct thimble_hex_dump *dump)
{
    dump->crc = THIMBLE_CRC32_START;
    dump->column = 0u;
}

void thimble_hex_byte(struct thimble_hex_dump *dump, uint8_t byte)
{
    if (thimble_frames_session() != 0u) {
        thimble_answer_byte(THIMBLE_FRAME_OUTPUT, byte);
        return;
    }
    if (dump->column == 0u)
        thimble_put_text("m-output-[");
    thimble_put_hex_byte(byte);
    dump->crc = thimble_crc32_byte(dump->crc, byte);
    dump->column++;
    if (dump->column == DUMPED_BYTES_A_LINE) {
        thimble_put_end();
        dump->column = 0u;
    }
}

void thimble_hex_end(struct thimble_hex_dump *dump, int32_t bytes)
{
    if (thimble_frames_session() != 0u)
        return; /* the end of the answer has the checksum */
    if (dump->column > 0u)
        thimble_put_end();
    thimble_put_check(bytes, ~dump->crc);
}
