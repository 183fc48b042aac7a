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
#define PLL_FEEDBACK 125u                         /* 12 MHz * 125 = 1500 MHz */
#define PLL_POST_DIVIDERS ((6u << 16) | (2u << 12)) /* 1500 MHz / 6 / 2 = 125 MHz */

#define REF_FROM_XOSC 2u
#define SYS_FROM_REF 0u
#define SYS_FROM_PLL 1u /* the auxiliary source, whose default is PLL_SYS */
#define PERI_ENABLE (1u << 11)

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

static void start_pll(void)
{
    REGISTER(RESETS_BASE + SET_BITS) = RESET_PLL_SYS;
    thimble_rp2040_release(RESET_PLL_SYS);
    REGISTER(PLL_SYS_BASE) = 1u; /* reference divider */
    REGISTER(PLL_SYS_BASE + 0x08u) = PLL_FEEDBACK;
    REGISTER(PLL_SYS_BASE + 0x04u + CLEAR_BITS) = PLL_POWER_DOWN | PLL_VCO_DOWN;
    while (!(REGISTER(PLL_SYS_BASE) & PLL_LOCKED)) {
    }
    REGISTER(PLL_SYS_BASE + 0x0Cu) = PLL_POST_DIVIDERS;
    REGISTER(PLL_SYS_BASE + 0x04u + CLEAR_BITS) = PLL_POST_DIVIDER_DOWN;
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
    start_pll();
    select_clock(0x3Cu, SYS_FROM_PLL, 0x44u);
    REGISTER(CLOCKS_BASE + 0x48u) = PERI_ENABLE; /* from clk_sys */
    REGISTER(WATCHDOG_BASE + 0x2Cu) = WATCHDOG_TICK_ON | CRYSTAL_MHZ; /* 1 MHz, for the timer */
}
