static inline int usb_enable(void *callback) { (void)callback; return 0; }
