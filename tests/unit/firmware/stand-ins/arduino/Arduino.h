/* Stand-in: what the firmware uses of an Arduino core. */
#pragma once
#include "host_io.h"

#define HIGH 1
#define LOW 0
#define OUTPUT 1
#define LED_BUILTIN 13
#define F_CPU 16000000L

struct StandInSerial {
    void begin(unsigned long) {}
    explicit operator bool() const { return true; }
    size_t write(uint8_t byte) { host_send(&byte, 1); return 1; }
    int read() { return host_receive(0); }
    void flush() {}
};
extern StandInSerial Serial;

static inline unsigned long micros() { return (unsigned long)(uint32_t)host_microseconds(); }
static inline unsigned long millis() { return micros() / 1000; }
static inline void yield() { host_sleep(1); }
static inline void pinMode(int, int) {}
static inline void digitalWrite(int, int level) { host_led(level); }

void setup();
void loop();
