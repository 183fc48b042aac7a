/* Addresses of the RP2040 that more than one file needs. RP2040 datasheet 2.2. */
#ifndef THIMBLE_RP2040_H
#define THIMBLE_RP2040_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SET_BITS 0x2000u   /* added to a register's address: the written ones are set, */
#define CLEAR_BITS 0x3000u /* or cleared, and the other bits stay */

#define CLOCKS_BASE 0x40008000u
#define RESETS_BASE 0x4000C000u
#define IO_BANK0_BASE 0x40014000u
#define PADS_BANK0_BASE 0x4001C000u
#define XOSC_BASE 0x40024000u
#define PLL_SYS_BASE 0x40028000u
#define PLL_USB_BASE 0x4002C000u
#define UART0_BASE 0x40034000u
#define ADC_BASE 0x4004C000u
#define TIMER_BASE 0x40054000u
#define WATCHDOG_BASE 0x40058000u

#define RESET_ADC (1u << 0)
#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PLL_SYS (1u << 12)
#define RESET_PLL_USB (1u << 13)
#define RESET_TIMER (1u << 21)
#define RESET_UART0 (1u << 22)

#define SYSTEM_HZ 125000000u

/* Takes blocks out of reset and waits until they are. */
void thimble_rp2040_release(uint32_t blocks);

/* clk_ref 12 MHz, clk_sys and clk_peri 125 MHz, PLL_USB and clk_adc 48 MHz, the timer's tick 1 MHz. */
void thimble_rp2040_start_clocks(void);

#endif
