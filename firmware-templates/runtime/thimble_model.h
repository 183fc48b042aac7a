/*
 * The model as the protocol sees it. The emitted model's names begin with its own (kws_invoke, KWS_INPUT_BYTES), so
 * the build writes a model_binding.c that puts these in front of them.
 */
#ifndef THIMBLE_MODEL_H
#define THIMBLE_MODEL_H

#include <stdint.h>

struct thimble_model_facts {
    const char *board; /* all four THIMBLE_FIXED */
    const char *name;
    const char *benchmark; /* what MLPerf Tiny's runner is told that it is; the name where nobody said */
    const char *sha256; /* of the .tflite it was emitted from, 64 hexadecimal digits */
    uint32_t labels_crc;
    uint32_t recipe_crc;
    int32_t input_bytes;  /* of all inputs, one after another */
    int32_t output_bytes; /* of all outputs */
    int32_t value_count;  /* elements of all outputs */
    int32_t class_count;  /* elements of the first output */
    int32_t arena_bytes;
    int32_t layer_count;  /* operators of the original model */
    int32_t layer_hooks;  /* 1: the model calls thimble_layer_hook */
    uint8_t *input_buffer; /* input_bytes long; kept apart from the arena, because invoke may consume its input */
};

extern const struct thimble_model_facts thimble_model;

/* Copies the input buffer into the model's inputs, which an inference may consume. */
void thimble_model_fill(void);
/* Computes. */
void thimble_model_invoke(void);
/* Both. */
void thimble_model_run(void);

/* Called after each inference that a reading is sent for, outside of its time: a sketch takes the result there. */
void thimble_model_done(void);

/* One raw byte of the outputs, 0..output_bytes - 1. Valid after a run, until the next. */
uint8_t thimble_model_output_byte(int32_t index);

/* One output element in real units, 0..value_count - 1. */
float thimble_model_value(int32_t index);

/* The emitted model calls it after each original operator if it was compiled with its NAME_LAYER_HOOK set to it. */
void thimble_layer_hook(int layer, const int8_t *output, int32_t bytes);

#endif
