/* Stand-in: counts what is added, and refuses one more than it has places for. */
#pragma once
#include <stdlib.h>
namespace tflite {
struct AnyResolver {
    int added = 0;
};
template <unsigned places> struct MicroMutableOpResolver : AnyResolver {
    void AddTest()
    {
        if (++added > (int)places)
            abort();
    }
};
}
