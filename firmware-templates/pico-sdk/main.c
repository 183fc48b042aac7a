/* The firmware's platform on the Pico SDK: bytes over USB CDC, ticks of the microsecond timer. */
#include <stdio.h>

#include "hardware/adc.h"
#include "hardware/clocks.h"
#include "pico/stdlib.h"

#include "thimble_platform.h"
#include "thimble_sketch.h"
#include "thimble_stack.h"

#ifndef THIMBLE_LED_ACTIVE_LOW
#define THIMBLE_LED_ACTIVE_LOW 0
#endif

#define USB_WAIT_MS 3000u /* for the host to open the port; then the board runs without one */

/* From the SDK's linker script; only their addresses mean anything. */
extern char __data_start__[], __bss_end__[], __end__[], __StackLimit[], __StackBottom[], __StackTop[];
extern void *sbrk(ptrdiff_t growth);

void thimble_platform_put(uint8_t byte)
{
    putchar_raw(byte);
}

void thimble_platform_flush(void)
{
    stdio_flush();
}

int16_t thimble_platform_poll(void)
{
    const int byte = getchar_timeout_us(0);

    return byte < 0 ? (int16_t)-1 : (int16_t)byte; /* PICO_ERROR_TIMEOUT is negative */
}

void thimble_platform_idle(void)
{
    tight_loop_contents();
}

uint32_t thimble_platform_ticks(void)
{
    return time_us_32();
}

uint32_t thimble_platform_timer_hz(void)
{
    return 1000000u;
}

uint32_t thimble_platform_clock_hz(void)
{
    return clock_get_hz(clk_sys);
}

uint32_t thimble_platform_microseconds(void)
{
    return time_us_32();
}

#ifndef ADC_TEMPERATURE_CHANNEL_NUM
#define ADC_TEMPERATURE_CHANNEL_NUM 4 /* older SDKs know the RP2040 alone */
#endif

/* Datasheets' formula, of both chips: 0.706 V at 27 degrees, 1.721 mV less for each degree more. */
int32_t thimble_platform_temperature(void)
{
    float volts;

    adc_init();
    adc_set_temp_sensor_enabled(true);
    adc_select_input(ADC_TEMPERATURE_CHANNEL_NUM);
    (void)adc_read(); /* the sensor has only now been given its current */
    volts = (float)adc_read() * (3.3f / 4096.0f);
    adc_set_temp_sensor_enabled(false);
    return (int32_t)((27.0f - (volts - 0.706f) / 0.001721f) * 1000.0f);
}

struct thimble_memory_map thimble_platform_memory(void)
{
    const struct thimble_memory_map memory = {
        (uint8_t *)__data_start__, (uint8_t *)__bss_end__,
        (uint8_t *)__StackBottom, (uint8_t *)__StackTop,
        (uint8_t *)__end__, (uint8_t *)sbrk(0), (uint8_t *)__StackLimit,
    };

    return memory;
}

void thimble_led(uint8_t on)
{
#ifdef PICO_DEFAULT_LED_PIN
    gpio_put(PICO_DEFAULT_LED_PIN, on != THIMBLE_LED_ACTIVE_LOW);
#else
    (void)on; /* a Pico W's LED hangs on its radio chip */
#endif
}

int main(void)
{
    thimble_stack_paint();
    stdio_init_all();
#ifdef PICO_DEFAULT_LED_PIN
    gpio_init(PICO_DEFAULT_LED_PIN);
    gpio_set_dir(PICO_DEFAULT_LED_PIN, GPIO_OUT);
#endif
    for (uint32_t waited = 0u; !stdio_usb_connected() && waited < USB_WAIT_MS; waited += 10u)
        sleep_ms(10u);
    thimble_led(0u);
    thimble_sketch_setup();
    for (;;)
        thimble_sketch_loop();
}
