#include "Arduino.h"

StandInSerial Serial;

int main()
{
    setup();
    for (;;)
        loop();
}
