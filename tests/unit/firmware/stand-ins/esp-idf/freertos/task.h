static inline void vTaskDelay(TickType_t ticks) { host_sleep(ticks); }
static inline BaseType_t xTaskCreatePinnedToCore(void (*run)(void *), const char *name, uint32_t stack, void *argument, unsigned priority, void *handle, BaseType_t core)
{
    (void)name; (void)stack; (void)priority; (void)handle; (void)core;
    run(argument);
    return 1;
}
