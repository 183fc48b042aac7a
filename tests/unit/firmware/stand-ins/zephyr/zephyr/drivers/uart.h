#include "host_io.h"
enum { UART_LINE_CTRL_DTR = 4 };
typedef void (*uart_irq_callback_user_data_t)(const struct device *, void *);
int uart_irq_update(const struct device *device);
int uart_irq_rx_ready(const struct device *device);
int uart_fifo_read(const struct device *device, uint8_t *bytes, int size);
int uart_irq_callback_user_data_set(const struct device *device, uart_irq_callback_user_data_t callback, void *argument);
void uart_irq_rx_enable(const struct device *device);
static inline void uart_poll_out(const struct device *device, unsigned char byte) { (void)device; host_send(&byte, 1); }
static inline int uart_line_ctrl_get(const struct device *device, uint32_t control, uint32_t *value) { (void)device; (void)control; *value = 1; return 0; }
