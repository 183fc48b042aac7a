#include "host_io.h"
struct gpio_dt_spec { int pin; };
#define GPIO_DT_SPEC_GET(node, property) {0}
#define GPIO_OUTPUT_INACTIVE 1
static inline int gpio_pin_set_dt(const struct gpio_dt_spec *spec, int value) { (void)spec; host_led(value); return 0; }
static inline int gpio_pin_configure_dt(const struct gpio_dt_spec *spec, int flags) { (void)spec; host_led(flags != GPIO_OUTPUT_INACTIVE); return 0; }
