/*
 * Runs an emitted model on this computer for another program: commands and inputs on stdin, results on stdout.
 *
 *   'r' + all inputs  ->  all outputs
 *   'l' + all inputs  ->  the output of every layer, in order
 *
 * runner_tensors.h, made with the model, lists the inputs and outputs. Built with -DMODEL_LAYER_HOOK=runner_layer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"
#include "runner_tensors.h"

static int tell_layers;

void runner_layer(int layer, const int8_t *out, int32_t bytes)
{
    (void)layer;
    if (tell_layers)
        fwrite(out, 1, (size_t)bytes, stdout);
}

static void read_whole(void *place, size_t bytes)
{
    if (fread(place, 1, bytes, stdin) != bytes)
        exit(2); /* cut off in the middle of an input */
}

int main(void)
{
    int command;

    while ((command = getchar()) != EOF) {
        RUNNER_READ_INPUTS
        tell_layers = command == 'l';
        model_reset(); /* every request stands for itself */
        model_invoke();
        if (!tell_layers) {
            RUNNER_WRITE_OUTPUTS
        }
        if (fflush(stdout) != 0)
            return 1; /* nobody listens any more */
    }
    return 0;
}
