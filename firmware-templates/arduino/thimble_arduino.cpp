/*
 * The firmware's platform on any Arduino core: bytes over Serial, time from micros(). Most cores hide where their memory
 * lies, so that stack and heap read 0; avr-libc does not.
 */
#include <Arduino.h>

#include "thimble_arduino.h"
#include "thimble_board.h"

extern "C" {
#include "thimble_platform.h"
#include "thimble_sketch.h"
#include "thimble_stack.h"
}

#define USB_WAIT_MS 3000 /* native USB: for the host to open the port; then the board runs without one */

extern "C" void thimble_platform_put(uint8_t byte)
{
    Serial.write(byte);
}

extern "C" void thimble_platform_flush(void)
{
    Serial.flush();
}

extern "C" int16_t thimble_platform_poll(void)
{
    return (int16_t)Serial.read();
}

/* Cores with an operating system or native USB do their own work in between. */
extern "C" void thimble_platform_idle(void)
{
    yield();
}

extern "C" uint32_t thimble_platform_ticks(void)
{
    return micros();
}

extern "C" uint32_t thimble_platform_timer_hz(void)
{
    return 1000000u;
}

extern "C" uint32_t thimble_platform_clock_hz(void)
{
#ifdef F_CPU
    return F_CPU;
#else
    return 0u;
#endif
}

extern "C" uint32_t thimble_platform_microseconds(void)
{
    return micros();
}

#if defined(__AVR__)
extern uint8_t __data_start[], __heap_start[]; /* avr-libc's; only their addresses mean anything */
extern char *__brkval; /* the end of what malloc took, null before its first call */

extern "C" struct thimble_memory_map thimble_platform_memory(void)
{
    uint8_t *const heap_break = __brkval != 0 ? (uint8_t *)__brkval : __heap_start;
    const struct thimble_memory_map memory = {__data_start, __heap_start, heap_break, (uint8_t *)(RAMEND + 1u),
                                              __heap_start, heap_break, (uint8_t *)SP};

    return memory;
}
#else
extern "C" struct thimble_memory_map thimble_platform_memory(void)
{
    const struct thimble_memory_map hidden = {0, 0, 0, 0, 0, 0, 0};

    return hidden;
}
#endif

extern "C" void thimble_led(uint8_t on)
{
#if defined(THIMBLE_LED_PIN)
#define LED_PIN THIMBLE_LED_PIN
#elif defined(LED_BUILTIN)
#define LED_PIN LED_BUILTIN
#endif
#ifdef LED_PIN
    pinMode(LED_PIN, OUTPUT);
    digitalWrite(LED_PIN, on != THIMBLE_LED_ACTIVE_LOW ? HIGH : LOW);
#else
    (void)on;
#endif
}

extern "C" void thimble_setup(void)
{
    const uint32_t start = millis();

    thimble_stack_paint();
    Serial.begin(THIMBLE_BAUD);
    while (!Serial && millis() - start < USB_WAIT_MS) {
    }
    thimble_led(0);
    thimble_sketch_setup();
}

extern "C" void thimble_loop(void)
{
    thimble_sketch_loop();
}

THIMBLE_PLATFORM_DEFAULT void setup()
{
    thimble_setup();
}

THIMBLE_PLATFORM_DEFAULT void loop()
{
    thimble_loop();
}
