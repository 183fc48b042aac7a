/*
 * The firmware's platform on Zephyr: bytes over the chosen console's UART (a USB CDC port where the overlay says so),
 * ticks of the kernel's cycle counter.
 */
#include <zephyr/device.h>
#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/ring_buffer.h>
#ifdef CONFIG_USB_DEVICE_STACK
#include <zephyr/usb/usb_device.h>
#endif

#include "thimble_platform.h"
#include "thimble_sketch.h"
#include "thimble_stack.h"

#define RECEIVED_BYTES 1024
#define USB_WAIT_MS 3000

static const struct device *const uart = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));
RING_BUF_DECLARE(received, RECEIVED_BYTES);
static K_SEM_DEFINE(arrived, 0, 1);

#if DT_NODE_HAS_STATUS(DT_ALIAS(led0), okay)
static const struct gpio_dt_spec led = GPIO_DT_SPEC_GET(DT_ALIAS(led0), gpios);
#define HAS_LED 1
#endif

/* Its only work is to take bytes away before the hardware's few places are full. */
static void on_uart(const struct device *device, void *unused)
{
    uint8_t bytes[32];

    ARG_UNUSED(unused);
    while (uart_irq_update(device) && uart_irq_rx_ready(device)) {
        const int count = uart_fifo_read(device, bytes, sizeof bytes);
        if (count <= 0)
            break;
        ring_buf_put(&received, bytes, (uint32_t)count);
        k_sem_give(&arrived);
    }
}

void thimble_platform_put(uint8_t byte)
{
    uart_poll_out(uart, byte);
}

void thimble_platform_flush(void)
{
}

int16_t thimble_platform_poll(void)
{
    uint8_t byte;

    return ring_buf_get(&received, &byte, 1) == 1 ? (int16_t)byte : (int16_t)-1;
}

void thimble_platform_idle(void)
{
    k_sem_take(&arrived, K_MSEC(10));
}

uint32_t thimble_platform_ticks(void)
{
    return k_cycle_get_32();
}

uint32_t thimble_platform_timer_hz(void)
{
    return (uint32_t)sys_clock_hw_cycles_per_sec();
}

uint32_t thimble_platform_clock_hz(void)
{
    return THIMBLE_CLOCK_HZ;
}

uint32_t thimble_platform_microseconds(void)
{
    return (uint32_t)k_ticks_to_us_floor64((uint64_t)k_uptime_ticks());
}

/* Of the main thread, which runs the model. */
struct thimble_memory_map thimble_platform_memory(void)
{
    struct thimble_memory_map memory = {0, 0, 0, 0, 0, 0, 0};
    const struct k_thread *thread = k_current_get();

    memory.stack_limit = (uint8_t *)thread->stack_info.start;
    memory.stack_top = memory.stack_limit + thread->stack_info.size;
    return memory;
}

void thimble_led(uint8_t on)
{
#ifdef HAS_LED
    gpio_pin_set_dt(&led, on); /* the devicetree knows which way round it is wired */
#else
    ARG_UNUSED(on);
#endif
}

int main(void)
{
    thimble_stack_paint();
#ifdef CONFIG_USB_DEVICE_STACK
    uint32_t ready = 0;

    usb_enable(NULL);
    for (int waited = 0; !ready && waited < USB_WAIT_MS; waited += 10) {
        uart_line_ctrl_get(uart, UART_LINE_CTRL_DTR, &ready);
        k_msleep(10);
    }
#endif
#ifdef HAS_LED
    gpio_pin_configure_dt(&led, GPIO_OUTPUT_INACTIVE);
#endif
    uart_irq_callback_user_data_set(uart, on_uart, NULL);
    uart_irq_rx_enable(uart);
    thimble_sketch_setup();
    for (;;)
        thimble_sketch_loop();
    return 0;
}
