/*
 * The firmware's platform on ESP-IDF: bytes over UART0, or over the chip's own USB Serial/JTAG port where the board has
 * no bridge; ticks of the processor's cycle counter.
 */
#include <stdint.h>

#include "esp_cpu.h"
#include "esp_heap_caps.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#ifdef THIMBLE_USB_SERIAL_JTAG
#include "driver/usb_serial_jtag.h"
#else
#include "driver/uart.h"
#endif
#ifdef THIMBLE_LED_PIN
#include "driver/gpio.h"
#endif

#include "thimble_platform.h"
#include "thimble_sketch.h"

#define LINK_BUFFER_BYTES 2048
#define STACK_BYTES 8192
#define WAIT_FOREVER portMAX_DELAY

static uint8_t outgoing[256];
static uint32_t outgoing_count;

void thimble_platform_flush(void)
{
    if (outgoing_count == 0u)
        return;
#ifdef THIMBLE_USB_SERIAL_JTAG
    /* Nobody listening must not stop the board: what does not go within 100 ms is dropped. */
    usb_serial_jtag_write_bytes(outgoing, outgoing_count, pdMS_TO_TICKS(100));
#else
    uart_write_bytes(UART_NUM_0, outgoing, outgoing_count);
    uart_wait_tx_done(UART_NUM_0, WAIT_FOREVER);
#endif
    outgoing_count = 0u;
}

void thimble_platform_put(uint8_t byte)
{
    outgoing[outgoing_count++] = byte;
    if (outgoing_count == sizeof outgoing)
        thimble_platform_flush();
}

static int16_t receive(TickType_t wait)
{
    uint8_t byte;
#ifdef THIMBLE_USB_SERIAL_JTAG
    const int count = usb_serial_jtag_read_bytes(&byte, 1, wait);
#else
    const int count = uart_read_bytes(UART_NUM_0, &byte, 1, wait);
#endif

    return count == 1 ? (int16_t)byte : (int16_t)-1;
}

int16_t thimble_platform_poll(void)
{
    return receive(0);
}

/* One tick of sleep, which also feeds the idle task's watchdog. */
void thimble_platform_idle(void)
{
    vTaskDelay(1);
}

uint32_t thimble_platform_ticks(void)
{
    return esp_cpu_get_cycle_count();
}

uint32_t thimble_platform_timer_hz(void)
{
    return thimble_platform_clock_hz();
}

uint32_t thimble_platform_clock_hz(void)
{
    return CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ * 1000000u;
}

uint32_t thimble_platform_microseconds(void)
{
    return (uint32_t)esp_timer_get_time();
}

/* FreeRTOS counts stacks by task, and the heap is in several pieces: their sums are shown as one stretch from 0. */
struct thimble_memory_map thimble_platform_memory(void)
{
    struct thimble_memory_map memory = {0, 0, 0, 0, 0, 0, 0};
    const size_t total = heap_caps_get_total_size(MALLOC_CAP_INTERNAL);

    memory.heap_break = (uint8_t *)0 + (total - heap_caps_get_free_size(MALLOC_CAP_INTERNAL));
    memory.heap_limit = (uint8_t *)0 + total;
    return memory;
}

void thimble_led(uint8_t on)
{
#ifdef THIMBLE_LED_PIN
    gpio_set_level(THIMBLE_LED_PIN, on != THIMBLE_LED_ACTIVE_LOW);
#else
    (void)on; /* none that one pin switches */
#endif
}

static void start_link(void)
{
#ifdef THIMBLE_USB_SERIAL_JTAG
    usb_serial_jtag_driver_config_t link = {
        .tx_buffer_size = LINK_BUFFER_BYTES,
        .rx_buffer_size = LINK_BUFFER_BYTES,
    };

    ESP_ERROR_CHECK(usb_serial_jtag_driver_install(&link));
#else
    const uart_config_t link = {
        .baud_rate = THIMBLE_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
    };

    ESP_ERROR_CHECK(uart_driver_install(UART_NUM_0, LINK_BUFFER_BYTES, 0, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(UART_NUM_0, &link));
#endif
}

static void run(void *unused)
{
    (void)unused;
    thimble_sketch_setup();
    for (;;)
        thimble_sketch_loop();
}

/* A task of its own, on the last core: the first one is the radio's and the system's, and would interrupt inferences. */
void app_main(void)
{
    start_link();
#ifdef THIMBLE_LED_PIN
    gpio_reset_pin(THIMBLE_LED_PIN);
    gpio_set_direction(THIMBLE_LED_PIN, GPIO_MODE_OUTPUT);
#endif
    thimble_led(0u);
    xTaskCreatePinnedToCore(run, "thimble", STACK_BYTES, NULL, 5, NULL, portNUM_PROCESSORS - 1);
}
