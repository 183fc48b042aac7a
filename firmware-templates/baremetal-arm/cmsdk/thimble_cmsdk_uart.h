/* The UART of Arm's Cortex-M System Design Kit, on all FPGA images. The build says where it is and what clocks it. */
#ifndef THIMBLE_CMSDK_UART_H
#define THIMBLE_CMSDK_UART_H

void thimble_cmsdk_uart_start(void);

/* WFI until a byte has arrived. */
void thimble_cmsdk_uart_sleep(void);

#endif
