#define GPIO_MODE_OUTPUT 2
static inline int gpio_reset_pin(int pin) { (void)pin; return 0; }
static inline int gpio_set_direction(int pin, int mode) { (void)pin; (void)mode; return 0; }
static inline int gpio_set_level(int pin, uint32_t level) { (void)pin; host_led((int)level); return 0; }
