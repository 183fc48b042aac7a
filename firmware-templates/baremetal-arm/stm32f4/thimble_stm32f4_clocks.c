/*
 * From the internal 16 MHz oscillator, exact to 1 %, to the PLL's full speed; from the board's own clock instead where
 * it brings one. The build says what differs between the family's members. RM0090 (F405), RM0368 (F401), RM0390 (F446):
 * 6.3 (RCC), 5.4 (PWR), 3.9 (flash).
 */
#include "thimble_stm32f4.h"

#define RCC_CONTROL REGISTER(RCC_BASE)
#define RCC_PLL REGISTER(RCC_BASE + 0x04u)
#define RCC_CONFIGURATION REGISTER(RCC_BASE + 0x08u)
#define PWR_CONTROL REGISTER(0x40007000u)
#define PWR_STATE REGISTER(0x40007004u)
#define FLASH_ACCESS REGISTER(0x40023C00u)

#define HSI_READY (1u << 1)
#define HSE_ON (1u << 16)
#define HSE_READY (1u << 17)
#define HSE_BYPASS (1u << 18) /* a clock and not a crystal: ST-LINK's, on a Nucleo */
#define PLL_ON (1u << 24)
#define PLL_READY (1u << 25)
#define PLL_FROM_HSE (1u << 22)
#define SYSTEM_FROM_PLL 2u
#define SYSTEM_IS_PLL (2u << 2)
#define APB1_ENABLE_PWR (1u << 28)
#define PWR_OVERDRIVE_ON (1u << 16)
#define PWR_OVERDRIVE_SWITCH (1u << 17)
#define PWR_FULL_VOLTAGE (3u << 14)
#define PREFETCH_AND_CACHES (7u << 8)

#define HSI_HZ 16000000u
#define PLL_INPUT_HZ 2000000u /* the least jitter */
#define HSE_PATIENCE 100000u  /* looks at it, some 20 ms */

static uint32_t start_external_clock(void)
{
    if (THIMBLE_HSE_HZ == 0u)
        return 0u;
    if (THIMBLE_HSE_BYPASS)
        RCC_CONTROL |= HSE_BYPASS;
    RCC_CONTROL |= HSE_ON;
    for (uint32_t look = 0; look < HSE_PATIENCE; look++)
        if (RCC_CONTROL & HSE_READY)
            return THIMBLE_HSE_HZ;
    return 0u; /* a solder bridge is open: 1 % off is better than silent */
}

static void raise_voltage(void)
{
    RCC_APB1_ENABLE |= APB1_ENABLE_PWR;
    (void)RCC_APB1_ENABLE; /* a clock that was just enabled takes two cycles */
    PWR_CONTROL |= THIMBLE_VOLTAGE_SCALE << 14 & PWR_FULL_VOLTAGE;
}

static void start_overdrive(void)
{
    PWR_CONTROL |= PWR_OVERDRIVE_ON;
    while (!(PWR_STATE & PWR_OVERDRIVE_ON)) {
    }
    PWR_CONTROL |= PWR_OVERDRIVE_SWITCH;
    while (!(PWR_STATE & PWR_OVERDRIVE_SWITCH)) {
    }
}

/* Divisors of 1, 2 and 4 as the APB prescalers write them. */
static uint32_t prescaler(uint32_t divisor)
{
    return divisor == 1u ? 0u : divisor == 2u ? 4u : 5u;
}

uint8_t thimble_stm32f4_start_clocks(void)
{
    uint32_t external;

    if (!(RCC_CONTROL & HSI_READY)) /* set in any chip that runs */
        return 0u;
    external = start_external_clock();
    raise_voltage();
    RCC_PLL = ((external == 0u ? HSI_HZ : external) / PLL_INPUT_HZ) |
              (THIMBLE_SYSTEM_HZ * THIMBLE_PLL_P / PLL_INPUT_HZ) << 6 | (THIMBLE_PLL_P / 2u - 1u) << 16 |
              (external == 0u ? 0u : PLL_FROM_HSE) | 8u << 24;
    RCC_CONTROL |= PLL_ON;
    while (!(RCC_CONTROL & PLL_READY)) {
    }
    if (THIMBLE_OVERDRIVE)
        start_overdrive();
    FLASH_ACCESS = THIMBLE_FLASH_WAITS | PREFETCH_AND_CACHES;
    while ((FLASH_ACCESS & 0xFu) != THIMBLE_FLASH_WAITS) {
    }
    RCC_CONFIGURATION = prescaler(THIMBLE_APB1_DIVISOR) << 10 | prescaler(THIMBLE_APB2_DIVISOR) << 13;
    RCC_CONFIGURATION |= SYSTEM_FROM_PLL;
    while ((RCC_CONFIGURATION & (3u << 2)) != SYSTEM_IS_PLL) {
    }
    return 1u;
}
