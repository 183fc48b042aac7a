/* Registers of the STM32F4 that more than one file needs: RM0090, RM0368 and RM0390, "Memory map". */
#ifndef THIMBLE_STM32F4_H
#define THIMBLE_STM32F4_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define RCC_BASE 0x40023800u
#define RCC_AHB1_ENABLE REGISTER(RCC_BASE + 0x30u)
#define RCC_APB1_ENABLE REGISTER(RCC_BASE + 0x40u)
#define RCC_APB2_ENABLE REGISTER(RCC_BASE + 0x44u)

/*
 * The processor at THIMBLE_SYSTEM_HZ. Returns 0 where there is no clock tree to set: QEMU has none and runs at the
 * board's speed as it is.
 */
uint8_t thimble_stm32f4_start_clocks(void);

#endif
