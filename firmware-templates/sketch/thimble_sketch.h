/*
 * The program around the model: it serves the host's commands, and runs the model on its own where your sketch gives it
 * samples. Your part is fill_input and on_result; the framework calls thimble_sketch_setup once and thimble_sketch_loop
 * for ever.
 */
#ifndef THIMBLE_SKETCH_H
#define THIMBLE_SKETCH_H

#include <stdint.h>

#include "thimble_decision.h"

#ifdef __cplusplus
extern "C" {
#endif

void thimble_sketch_setup(void);
void thimble_sketch_loop(void);

/* Makes the model ready: the build writes it; an emitted model is ready as it is, an interpreter has to be set up. */
void thimble_model_start(void);

/* The name of a class; "nothing" for THIMBLE_NOTHING, "" where the model names none. */
const char *thimble_label(int16_t class_index);

/* Lights the board's LED, whichever way round it is wired; does nothing where one pin switches none. */
void thimble_led(uint8_t on);

/* Yours, in the sketch: threshold and debounce. */
extern const struct thimble_decision_rules thimble_rules;

/*
 * Yours: puts a sample into the model's input and returns 1, or returns 0 while there is none. The bytes are quantized;
 * the model's header has a function that quantizes real numbers. Not called while a host talks to the board.
 */
uint8_t fill_input(int8_t *input);

/* Yours: called after each inference, those that the host asks for included, outside of the time that is measured. */
void on_result(const struct thimble_decision *decision);

#ifdef __cplusplus
}
#endif

#endif
