/* The commands, one function each. The arguments are what stands behind the name: empty, or with a leading space. */
#ifndef THIMBLE_COMMANDS_H
#define THIMBLE_COMMANDS_H

#include <stdint.h>

/* thimble_input_commands.c */
void thimble_command_db(const char *arguments);
void thimble_command_check(const char *arguments);

/* thimble_run_commands.c */
void thimble_command_infer(const char *arguments);
void thimble_command_run(const char *arguments);
void thimble_command_stream(const char *arguments);
void thimble_command_results(const char *arguments);
void thimble_command_output(const char *arguments);

/* thimble_layer_commands.c */
void thimble_command_layers(const char *arguments);
void thimble_command_layer(const char *arguments);

/* thimble_fact_commands.c */
void thimble_command_handshake(const char *arguments);
void thimble_command_memory(const char *arguments);

/* thimble_binary.c */
void thimble_command_frames(const char *arguments);

/* Shared by several: one inference with the input copied from its buffer, and how answers look. */
struct thimble_reading;
void thimble_timed_run(struct thimble_reading *reading); /* sets the ticks before and in the inference */
void thimble_put_lap(uint32_t microseconds);
void thimble_put_check(int32_t bytes, uint32_t crc);

/* Bytes as m-output-[hex] lines of 32, with their checksum behind the last; in framed mode as they are. */
struct thimble_hex_dump {
    uint32_t crc;
    uint8_t column;
};
void thimble_hex_begin(struct thimble_hex_dump *dump);
void thimble_hex_byte(struct thimble_hex_dump *dump, uint8_t byte);
void thimble_hex_end(struct thimble_hex_dump *dump, int32_t bytes);

#endif
