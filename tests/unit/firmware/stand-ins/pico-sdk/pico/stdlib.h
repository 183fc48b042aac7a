/* Stand-in: what the firmware uses of the Pico SDK. */
#ifndef STAND_IN_PICO_STDLIB
#define STAND_IN_PICO_STDLIB
#include <stdbool.h>
#include <stddef.h>
#include "host_io.h"

#define main firmware_main /* the stand-in has a main of its own */
#define PICO_DEFAULT_LED_PIN 25
#define GPIO_OUT 1
#define PICO_ERROR_TIMEOUT (-1)

static inline void stdio_init_all(void) {}
static inline bool stdio_usb_connected(void) { return true; }
static inline void stdio_flush(void) {}
static inline int putchar_raw(int byte) { const uint8_t one = (uint8_t)byte; host_send(&one, 1); return byte; }
static inline int getchar_timeout_us(uint32_t timeout) { (void)timeout; const int byte = host_receive(0); return byte < 0 ? PICO_ERROR_TIMEOUT : byte; }
static inline void tight_loop_contents(void) { host_sleep(1); }
static inline uint32_t time_us_32(void) { return (uint32_t)host_microseconds(); }
static inline void sleep_ms(uint32_t ms) { host_sleep(ms); }
static inline void gpio_init(unsigned pin) { (void)pin; }
static inline void gpio_set_dir(unsigned pin, bool out) { (void)pin; (void)out; }
static inline void gpio_put(unsigned pin, bool level) { (void)pin; host_led(level); }
#endif
