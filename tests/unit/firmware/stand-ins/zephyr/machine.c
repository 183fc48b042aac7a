#define STAND_IN_MACHINE
#include "host_thread.h"
#include <zephyr/device.h>
#include <zephyr/kernel.h>
#include <zephyr/drivers/uart.h>

const struct device stand_in_uart = {0};
static uart_irq_callback_user_data_t callback;
static int waiting = -1;

__attribute__((aligned(4096))) static char stack[HOST_STACK_BYTES];
static struct k_thread thread;

const struct k_thread *stand_in_thread(void)
{
    thread.stack_info.start = (uintptr_t)stack;
    thread.stack_info.size = sizeof stack;
    return &thread;
}

void stand_in_interrupt(int milliseconds)
{
    if (waiting < 0)
        waiting = host_receive(milliseconds);
    if (waiting >= 0 && callback)
        callback(&stand_in_uart, 0);
}

int uart_irq_update(const struct device *device) { (void)device; return 1; }
int uart_irq_rx_ready(const struct device *device) { (void)device; return waiting >= 0; }

int uart_fifo_read(const struct device *device, uint8_t *bytes, int size)
{
    (void)device; (void)size;
    if (waiting < 0)
        return 0;
    bytes[0] = (uint8_t)waiting;
    waiting = -1;
    return 1;
}

int uart_irq_callback_user_data_set(const struct device *device, uart_irq_callback_user_data_t wanted, void *argument)
{
    (void)device; (void)argument;
    callback = wanted;
    return 0;
}

void uart_irq_rx_enable(const struct device *device) { (void)device; }

int firmware_main(void);

static void *run(void *unused)
{
    (void)unused;
    firmware_main();
    return NULL;
}

int main(void)
{
    return host_run(run, stack);
}
