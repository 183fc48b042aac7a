/*
 * Runs the firmware on a stack whose place is known, as it is on a board: the firmware paints it and looks how deep it
 * was used.
 */
#ifndef HOST_THREAD_H
#define HOST_THREAD_H

#include <pthread.h>
#include <stdlib.h>

#define HOST_STACK_BYTES (256 * 1024)

static inline int host_run(void *(*run)(void *), char *stack)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, stack, HOST_STACK_BYTES) != 0 ||
        pthread_create(&thread, &attributes, run, NULL) != 0)
        return 3;
    pthread_join(thread, NULL);
    return 0;
}

#endif
