/*
 * From the ring oscillator, which no baud rate can rely on, to 125 MHz from the 12 MHz crystal. RP2040 datasheet 2.15
 * (clocks), 2.16 (XOSC), 2.18 (PLL), 2.14 (resets).
 */
#include "thimble_rp2040.h"

#define XOSC_1_TO_15_MHZ 0xAA0u
#define XOSC_ENABLE (0xFABu << 12)
#define XOSC_STABLE (1u << 31)
#define XOSC_STARTUP 47u /* units of 256 crystal cycles: 1 ms */

#define PLL_LOCKED (1u << 31)
#define PLL_POWER_DOWN 0x01u
#define PLL_POST_DIVIDER_DOWN 0x08u
#define PLL_VCO_DOWN 0x20u
#define SYS_FEEDBACK 125u                     /* 12 MHz * 125 = 1500 MHz */
#define SYS_DIVIDERS ((6u << 16) | (2u << 12)) /* 1500 MHz / 6 / 2 = 125 MHz */
#define USB_FEEDBACK 100u                     /* 12 MHz * 100 = 1200 MHz */
#define USB_DIVIDERS ((5u << 16) | (5u << 12)) /* 1200 MHz / 5 / 5 = 48 MHz */

#define REF_FROM_XOSC 2u
#define SYS_FROM_REF 0u
#define SYS_FROM_PLL 1u /* the auxiliary source, whose default is PLL_SYS */
#define CLOCK_ENABLE (1u << 11)

#define WATCHDOG_TICK_ON (1u << 9)
#define CRYSTAL_MHZ 12u

void thimble_rp2040_release(uint32_t blocks)
{
    REGISTER(RESETS_BASE + CLEAR_BITS) = blocks;
    while ((REGISTER(RESETS_BASE + 0x08u) & blocks) != blocks) {
    }
}

static void start_crystal(void)
{
    REGISTER(XOSC_BASE + 0x0Cu) = XOSC_STARTUP;
    REGISTER(XOSC_BASE) = XOSC_ENABLE | XOSC_1_TO_15_MHZ;
    while (!(REGISTER(XOSC_BASE + 0x04u) & XOSC_STABLE)) {
    }
}

static void start_pll(uint32_t base, uint32_t reset, uint32_t feedback, uint32_t dividers)
{
    REGISTER(RESETS_BASE + SET_BITS) = reset;
    thimble_rp2040_release(reset);
    REGISTER(base) = 1u; /* reference divider */
    REGISTER(base + 0x08u) = feedback;
    REGISTER(base + 0x04u + CLEAR_BITS) = PLL_POWER_DOWN | PLL_VCO_DOWN;
    while (!(REGISTER(base) & PLL_LOCKED)) {
    }
    REGISTER(base + 0x0Cu) = dividers;
    REGISTER(base + 0x04u + CLEAR_BITS) = PLL_POST_DIVIDER_DOWN;
}

/* Writes a glitch-free clock multiplexer and waits until it has switched. */
static void select_clock(uint32_t control, uint32_t source, uint32_t selected)
{
    REGISTER(CLOCKS_BASE + control) = source;
    while (!(REGISTER(CLOCKS_BASE + selected) & (1u << source))) {
    }
}

void thimble_rp2040_start_clocks(void)
{
    start_crystal();
    select_clock(0x3Cu, SYS_FROM_REF, 0x44u); /* off the PLL, in case a debugger started us with it running */
    select_clock(0x30u, REF_FROM_XOSC, 0x38u);
    start_pll(PLL_SYS_BASE, RESET_PLL_SYS, SYS_FEEDBACK, SYS_DIVIDERS);
    start_pll(PLL_USB_BASE, RESET_PLL_USB, USB_FEEDBACK, USB_DIVIDERS);
    select_clock(0x3Cu, SYS_FROM_PLL, 0x44u);
    REGISTER(CLOCKS_BASE + 0x48u) = CLOCK_ENABLE; /* clk_peri, from clk_sys */
    REGISTER(CLOCKS_BASE + 0x60u) = CLOCK_ENABLE; /* clk_adc, from PLL_USB */
    REGISTER(WATCHDOG_BASE + 0x2Cu) = WATCHDOG_TICK_ON | CRYSTAL_MHZ; /* 1 MHz, for the timer */
}
