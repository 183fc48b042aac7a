#ifndef STAND_IN_HARDWARE_ADC
#define STAND_IN_HARDWARE_ADC
#include <stdbool.h>
#include <stdint.h>
/* 891 steps of 3.3 V / 4096 are 0.7178 V: 20.1 degrees. */
static inline void adc_init(void) {}
static inline void adc_set_temp_sensor_enabled(bool on) { (void)on; }
static inline void adc_select_input(unsigned channel) { (void)channel; }
static inline uint16_t adc_read(void) { return 891u; }
#endif
