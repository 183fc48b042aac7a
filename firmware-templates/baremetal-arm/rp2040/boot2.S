/*
 * The RP2040's second boot stage. Its ROM copies the first 256 bytes of the flash to RAM, checks the CRC in the last
 * four (the build puts it there) and jumps to them, with the flash still in its slow safe mode. This code switches the
 * flash interface to quad reads in place and starts the program behind it. Assembly, since C took 324 bytes.
 *
 * For the Winbond W25Q080 family, which the Pico's W25Q16JV belongs to. Registers: RP2040 datasheet 4.10 (SSI) and
 * 2.19.6 (QSPI pads); commands: W25Q16JV datasheet 8.1. It runs wherever it lies.
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ PADS_QSPI, 0x40020000
    .equ PAD_SCLK, 0x04
    .equ PAD_SD0, 0x08
    .equ PAD_SD1, 0x0C
    .equ PAD_SD2, 0x10
    .equ PAD_SD3, 0x14
    .equ PAD_8MA_FAST, 0x21
    .equ PAD_SCHMITT, 0x02

    .equ SSI, 0x18000000
    .equ SSI_CTRLR0, 0x00
    .equ SSI_CTRLR1, 0x04
    .equ SSI_ENABLE, 0x08
    .equ SSI_BAUD, 0x14
    .equ SSI_STATUS, 0x28
    .equ SSI_DATA, 0x60
    .equ SSI_HIGH, 0xF0             /* these two lie beyond the reach of a store's offset: a base of their own */
    .equ HIGH_RX_SAMPLE_DELAY, 0x00
    .equ HIGH_SPI_CTRLR0, 0x04

    .equ STATUS_BUSY, 0x1
    .equ STATUS_TX_EMPTY, 0x4
    .equ CTRLR0_8_BITS_HIGH, 7      /* << 16: serial frames of 8 bits, both directions */
    .equ CTRLR0_QUAD_READ, (2 << 21) | (31 << 16) | (3 << 8) /* quad, frames of 32 bits, address then data */
    .equ ADDRESS_AND_WAIT, (8 << 2) | (4 << 11) /* 24 address + 8 mode bits in units of 4; 4 idle cycles */
    .equ WITH_COMMAND, (2 << 8) | 1 /* 8 command bits, serial; the rest quad */
    .equ WITHOUT_COMMAND, 2         /* all quad */
    .equ MODE_CONTINUOUS, 0xA0      /* the next read needs no command byte */

    .equ FLASH_WRITE_STATUS, 0x01
    .equ FLASH_READ_STATUS_1, 0x05
    .equ FLASH_WRITE_ENABLE, 0x06
    .equ FLASH_READ_STATUS_2, 0x35
    .equ FLASH_QUAD_READ, 0xEB
    .equ STATUS_2_QUAD_ENABLE, 0x02

    .equ CLOCK_DIVIDER, 4           /* 31 MHz at 125 MHz, within reach of the whole family */
    .equ VTOR, 0xE000ED08
    .equ PROGRAM, 0x10000100

    .section .boot2.entry, "ax"
    .global thimble_boot2
    .thumb_func
thimble_boot2:
    ldr r0, =PADS_QSPI
    movs r1, #PAD_8MA_FAST
    str r1, [r0, #PAD_SCLK]
    ldr r1, [r0, #PAD_SD0]
    movs r2, #PAD_SCHMITT           /* its delay on the way in is not needed at this speed */
    bics r1, r2
    str r1, [r0, #PAD_SD0]
    str r1, [r0, #PAD_SD1]
    str r1, [r0, #PAD_SD2]
    str r1, [r0, #PAD_SD3]

    ldr r3, =SSI
    movs r2, #SSI_HIGH
    adds r2, r3
    movs r0, #0
    str r0, [r3, #SSI_ENABLE]       /* it takes no settings while it is on */
    movs r0, #CLOCK_DIVIDER
    str r0, [r3, #SSI_BAUD]
    movs r1, #1
    str r1, [r2, #HIGH_RX_SAMPLE_DELAY]
    movs r0, #CTRLR0_8_BITS_HIGH
    lsls r0, #16
    str r0, [r3, #SSI_CTRLR0]
    str r1, [r3, #SSI_ENABLE]

    /* Quad mode is a bit that the flash keeps without power: written once in a board's life. */
    movs r0, #FLASH_READ_STATUS_2
    bl read_status
    cmp r0, #STATUS_2_QUAD_ENABLE
    beq quad_enabled
    movs r0, #FLASH_WRITE_ENABLE
    str r0, [r3, #SSI_DATA]
    bl wait_until_sent
    ldr r0, [r3, #SSI_DATA]
    movs r0, #FLASH_WRITE_STATUS
    str r0, [r3, #SSI_DATA]
    movs r0, #0
    str r0, [r3, #SSI_DATA]
    movs r0, #STATUS_2_QUAD_ENABLE
    str r0, [r3, #SSI_DATA]
    bl wait_until_sent
    ldr r0, [r3, #SSI_DATA]         /* an answer for each byte sent: none may stay behind */
    ldr r0, [r3, #SSI_DATA]
    ldr r0, [r3, #SSI_DATA]
still_writing:
    movs r0, #FLASH_READ_STATUS_1
    bl read_status
    lsrs r0, #1                     /* bit 0 into the carry */
    bcs still_writing

quad_enabled:
    /* One quad read with its command byte, which leaves the flash in continuous mode ... */
    movs r0, #0
    str r0, [r3, #SSI_ENABLE]
    str r0, [r3, #SSI_CTRLR1]
    ldr r0, =CTRLR0_QUAD_READ
    str r0, [r3, #SSI_CTRLR0]
    ldr r0, =ADDRESS_AND_WAIT | WITH_COMMAND
    str r0, [r2, #HIGH_SPI_CTRLR0]
    movs r1, #1
    str r1, [r3, #SSI_ENABLE]
    movs r0, #FLASH_QUAD_READ
    str r0, [r3, #SSI_DATA]
    movs r0, #MODE_CONTINUOUS
    str r0, [r3, #SSI_DATA]
    bl wait_until_sent

    /* ... and from then on address and mode alone, which the interface makes of every read of program memory. */
    movs r0, #0
    str r0, [r3, #SSI_ENABLE]
    ldr r0, =(MODE_CONTINUOUS << 24) | ADDRESS_AND_WAIT | WITHOUT_COMMAND
    str r0, [r2, #HIGH_SPI_CTRLR0]
    str r1, [r3, #SSI_ENABLE]

    ldr r0, =PROGRAM
    ldr r1, =VTOR
    str r0, [r1]
    ldmia r0!, {r1, r2}             /* the program's stack and its reset handler */
    msr msp, r1
    bx r2

/* r0: a command. Sends it and a dummy byte; r0 becomes the flash's answer to the latter. Uses r4, r5, r6. */
read_status:
    mov r6, lr
    str r0, [r3, #SSI_DATA]
    str r0, [r3, #SSI_DATA]
    bl wait_until_sent
    ldr r0, [r3, #SSI_DATA]
    ldr r0, [r3, #SSI_DATA]
    bx r6

/* Uses r4, r5. */
wait_until_sent:
    ldr r5, [r3, #SSI_STATUS]
    movs r4, #STATUS_TX_EMPTY
    tst r5, r4
    beq wait_until_sent
    movs r4, #STATUS_BUSY
    tst r5, r4
    bne wait_until_sent
    bx lr

    .ltorg
