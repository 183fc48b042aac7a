struct ring_buf { uint8_t *bytes; uint32_t size, put, got; };
#define RING_BUF_DECLARE(name, length) static uint8_t name##_bytes[length]; static struct ring_buf name = {name##_bytes, length, 0, 0}
void stand_in_interrupt(int milliseconds);
static inline uint32_t ring_buf_put(struct ring_buf *buffer, const uint8_t *bytes, uint32_t count)
{
    uint32_t done = 0;
    while (done < count && buffer->put - buffer->got < buffer->size)
        buffer->bytes[buffer->put++ % buffer->size] = bytes[done++];
    return done;
}
static inline uint32_t ring_buf_get(struct ring_buf *buffer, uint8_t *bytes, uint32_t count)
{
    uint32_t done = 0;
    stand_in_interrupt(0);
    while (done < count && buffer->got != buffer->put)
        bytes[done++] = buffer->bytes[buffer->got++ % buffer->size];
    return done;
}
