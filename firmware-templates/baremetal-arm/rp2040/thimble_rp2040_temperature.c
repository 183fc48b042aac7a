/*
 * The RP2040's temperature sensor, channel 4 of its converter. RP2040 datasheet 4.9.5: 0.706 V at 27 degrees, 1.721 mV less
 * for each degree more. Both vary from chip to chip and the 3.3 V are the reference, so it is right to some degrees.
 */
#include "thimble_rp2040.h"

#include "thimble_platform.h"

#define ADC_CONTROL REGISTER(ADC_BASE)
#define ADC_RESULT REGISTER(ADC_BASE + 0x04u)
#define CONTROL_ON 0x01u
#define CONTROL_SENSOR_ON 0x02u
#define CONTROL_START 0x04u
#define CONTROL_READY 0x100u
#define CONTROL_CHANNEL(channel) ((channel) << 12)
#define SENSOR_CHANNEL 4u

#define SAMPLES 16u /* a step of the converter is half a degree, and noise is more */

static uint32_t sample(void)
{
    ADC_CONTROL = CONTROL_CHANNEL(SENSOR_CHANNEL) | CONTROL_START | CONTROL_SENSOR_ON | CONTROL_ON;
    while (!(ADC_CONTROL & CONTROL_READY)) {
    }
    return ADC_RESULT & 0xFFFu;
}

int32_t thimble_platform_temperature(void)
{
    uint32_t sum = 0u;
    int32_t microvolts;

    ADC_CONTROL = CONTROL_SENSOR_ON | CONTROL_ON;
    while (!(ADC_CONTROL & CONTROL_READY)) {
    }
    (void)sample(); /* the sensor has only now been given its current */
    for (uint32_t i = 0; i < SAMPLES; i++)
        sum += sample();
    microvolts = (int32_t)(sum * 50354u / 1000u); /* 3.3 V / 4096 / 16 = 50.354 uV; 65520 * 50354 fits in 32 bits */
    ADC_CONTROL = 0u;
    return 27000 - (microvolts - 706000) * 581 / 1000; /* 1 / 1.721 = 0.581 */
}
