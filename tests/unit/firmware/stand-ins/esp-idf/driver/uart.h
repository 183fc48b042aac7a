#define UART_NUM_0 0
typedef enum { UART_DATA_8_BITS = 3 } uart_word_length_t;
typedef enum { UART_PARITY_DISABLE } uart_parity_t;
typedef enum { UART_STOP_BITS_1 = 1 } uart_stop_bits_t;
typedef enum { UART_HW_FLOWCTRL_DISABLE } uart_hw_flowcontrol_t;
typedef struct {
    int baud_rate;
    uart_word_length_t data_bits;
    uart_parity_t parity;
    uart_stop_bits_t stop_bits;
    uart_hw_flowcontrol_t flow_ctrl;
} uart_config_t;
static inline int uart_driver_install(int port, int rx, int tx, int events, void *queue, int flags) { (void)port; (void)rx; (void)tx; (void)events; (void)queue; (void)flags; return 0; }
static inline int uart_param_config(int port, const uart_config_t *config) { (void)port; return config->baud_rate > 0 ? 0 : -1; }
static inline int uart_write_bytes(int port, const void *bytes, size_t count) { (void)port; host_send(bytes, count); return (int)count; }
static inline int uart_wait_tx_done(int port, TickType_t wait) { (void)port; (void)wait; return 0; }
static inline int uart_read_bytes(int port, void *bytes, uint32_t count, TickType_t wait)
{
    const int byte = host_receive((int)wait);
    (void)port; (void)count;
    if (byte < 0)
        return 0;
    *(uint8_t *)bytes = (uint8_t)byte;
    return 1;
}
