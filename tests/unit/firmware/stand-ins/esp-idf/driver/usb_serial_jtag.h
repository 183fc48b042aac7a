typedef struct { uint32_t tx_buffer_size; uint32_t rx_buffer_size; } usb_serial_jtag_driver_config_t;
static inline int usb_serial_jtag_driver_install(usb_serial_jtag_driver_config_t *config) { return config->rx_buffer_size > 64 ? 0 : -1; }
static inline int usb_serial_jtag_write_bytes(const void *bytes, size_t count, TickType_t wait) { (void)wait; host_send(bytes, count); return (int)count; }
static inline int usb_serial_jtag_read_bytes(void *bytes, uint32_t count, TickType_t wait)
{
    const int byte = host_receive((int)wait);
    (void)count;
    if (byte < 0)
        return 0;
    *(uint8_t *)bytes = (uint8_t)byte;
    return 1;
}
