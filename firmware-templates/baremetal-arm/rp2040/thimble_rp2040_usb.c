/*
 * RP2040 datasheet 4.1 (USB), 2.8.3 (ROM functions); USB 2.0 specification chapter 9; USB class definitions for CDC 1.2,
 * PSTN subclass 1.2 (ACM). One configuration: a notification endpoint that never has anything to say, and two bulk ones.
 * Known limits: silicon before B2 may not leave the bus reset on a busy hub (erratum RP2040-E5); no serial number string.
 */
#include "thimble_rp2040_usb.h"

#include "thimble_platform.h"
#include "thimble_rp2040.h"

#define DPRAM 0x50100000u /* shared with the controller */
#define SETUP_LOW REGISTER(DPRAM + 0x00u)
#define SETUP_HIGH REGISTER(DPRAM + 0x04u)
#define NOTIFY_CONTROL REGISTER(DPRAM + 0x08u)   /* endpoint 1, in */
#define DATA_IN_CONTROL REGISTER(DPRAM + 0x10u)  /* endpoint 2, in */
#define DATA_OUT_CONTROL REGISTER(DPRAM + 0x14u) /* endpoint 2, out */
#define BUFFER_CONTROL_EP0_IN (DPRAM + 0x80u)
#define BUFFER_CONTROL_EP0_OUT (DPRAM + 0x84u)
#define BUFFER_CONTROL_DATA_IN (DPRAM + 0x90u)
#define BUFFER_CONTROL_DATA_OUT (DPRAM + 0x94u)
#define EP0_BUFFER 0x100u
#define NOTIFY_BUFFER 0x180u
#define DATA_OUT_BUFFER 0x1C0u
#define DATA_IN_BUFFER 0x200u
#define DPRAM_BYTES 4096u

#define ENDPOINT_ON 0x80000000u
#define ENDPOINT_SIGNALS 0x20000000u /* an interrupt, and a bit in BUFFER_STATUS, for every buffer */
#define ENDPOINT_BULK (2u << 26)
#define ENDPOINT_INTERRUPT (3u << 26)

#define BUFFER_FULL 0x8000u
#define BUFFER_DATA1 0x2000u
#define BUFFER_STALL 0x0800u
#define BUFFER_AVAILABLE 0x0400u
#define BUFFER_LENGTH 0x03FFu

#define USB_REGISTERS 0x50110000u
#define ADDRESS REGISTER(USB_REGISTERS + 0x00u)
#define MAIN_CONTROL REGISTER(USB_REGISTERS + 0x40u)
#define SIE_CONTROL REGISTER(USB_REGISTERS + 0x4Cu)
#define SIE_STATUS REGISTER(USB_REGISTERS + 0x50u)
#define BUFFER_STATUS REGISTER(USB_REGISTERS + 0x58u)
#define STALL_ARM REGISTER(USB_REGISTERS + 0x68u)
#define MUXING REGISTER(USB_REGISTERS + 0x74u)
#define POWER REGISTER(USB_REGISTERS + 0x78u)
#define INTERRUPT_ENABLE REGISTER(USB_REGISTERS + 0x90u)
#define INTERRUPT_STATUS REGISTER(USB_REGISTERS + 0x98u)
#define CONTROLLER_ON 1u
#define EP0_SIGNALS 0x20000000u
#define PULL_UP 0x00010000u /* tells the host that a full-speed device is there */
#define STATUS_BUS_RESET 0x00080000u
#define STATUS_SETUP 0x00020000u
#define STATUS_SUSPENDED 0x00000010u /* 3 ms without a frame: asleep, or the cable is out */
#define TO_PHY_SOFT_CONNECT 0x9u
#define VBUS_IS_THERE 0xCu /* the Pico's USB has no detection pin: taken for granted */
#define SIGNAL_BUFFER 0x00010u
#define SIGNAL_RESET 0x01000u
#define SIGNAL_SETUP 0x10000u
#define DONE_EP0_IN 0x01u
#define DONE_EP0_OUT 0x02u
#define DONE_DATA_IN 0x10u
#define DONE_DATA_OUT 0x20u

#define PACKET_BYTES 64u
/* One less: a packet that is not full ends a transfer at once, and no empty one need follow it. */
#define FULL_PACKET (PACKET_BYTES - 1u)
#define GIVE_UP_US 500000u
#define TOUCH_BAUD 1200u

#define RESET_USB (1u << 24)
#define CLK_USB_CONTROL REGISTER(CLOCKS_BASE + 0x54u)
#define CLK_USB_ON (1u << 11) /* from PLL_USB, its default */

static const uint8_t device_descriptor[] = {
    18, 1, 0x00, 0x02, 0xEF, 2, 1, PACKET_BYTES, /* USB 2.0; class: see the interface association */
    0x8A, 0x2E, 0x0A, 0x00,                      /* Raspberry Pi's id for a serial port of a Pico's program */
    0x00, 0x01, 1, 2, 0, 1,
};

static const uint8_t configuration_descriptor[] = {
    9, 2, 75, 0, 2, 1, 0, 0x80, 50,             /* two interfaces, from the bus, 100 mA */
    8, 11, 0, 2, 2, 2, 0, 0,                    /* they belong together: CDC, ACM */
    9, 4, 0, 0, 1, 2, 2, 0, 0,                  /* control */
    5, 0x24, 0x00, 0x20, 0x01,                  /* CDC 1.20 */
    5, 0x24, 0x01, 0x00, 1,                     /* no call management; data on interface 1 */
    4, 0x24, 0x02, 0x02,                        /* line coding and line state are understood */
    5, 0x24, 0x06, 0, 1,                        /* control 0, data 1 */
    7, 5, 0x81, 3, 8, 0, 16,                    /* notifications */
    9, 4, 1, 0, 2, 10, 0, 0, 0,                 /* data */
    7, 5, 0x02, 2, PACKET_BYTES, 0, 0,          /* out */
    7, 5, 0x82, 2, PACKET_BYTES, 0, 0,          /* in */
};

/* As text; the wire wants UTF-16. */
static const char *const strings[] = {"Thimble", "Thimble on a Raspberry Pi Pico"};
#define STRINGS ((uint8_t)(sizeof strings / sizeof strings[0]))

static uint8_t line_coding[8] = {0x00, 0xC2, 0x01, 0x00, 0, 0, 8, 0}; /* 115,200 baud, 8N1; the last is no part of it */
static uint8_t is_configured, terminal_ready;
static uint8_t was_opened, wants_boot_words;
static uint8_t new_address, waits_for_coding;
static const uint8_t *answer; /* the rest of a control answer */
static uint16_t answer_left;
static uint32_t ep0_in_toggle, data_in_toggle, data_out_toggle;
static uint8_t received, taken;           /* of the packet in the out buffer */
static uint8_t collected, sending, given_up; /* of the packet in the in buffer */

static uint32_t minimum(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static volatile uint8_t *buffer_at(uint32_t offset)
{
    return (volatile uint8_t *)(DPRAM + offset);
}

/* Everything else must have reached the controller's clock, 48 MHz, when it sees that the buffer is its own. */
static void hand_over(uint32_t control, uint32_t value)
{
    REGISTER(control) = value;
    __asm volatile("nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop");
    REGISTER(control) = value | BUFFER_AVAILABLE;
}

static void send_control(void)
{
    const uint32_t count = minimum(answer_left, PACKET_BYTES);
    volatile uint8_t *buffer = buffer_at(EP0_BUFFER);

    for (uint32_t i = 0u; i < count; i++)
        buffer[i] = *answer++;
    answer_left = (uint16_t)(answer_left - count);
    hand_over(BUFFER_CONTROL_EP0_IN, BUFFER_FULL | ep0_in_toggle | count);
    ep0_in_toggle ^= BUFFER_DATA1;
}

static void answer_with(const uint8_t *bytes, uint32_t count, uint32_t wanted)
{
    answer = bytes;
    answer_left = (uint16_t)minimum(count, wanted);
    send_control();
}

/* An empty packet: done. */
static void acknowledge(void)
{
    answer_with(0, 0u, 0u);
}

static void receive_control(void)
{
    hand_over(BUFFER_CONTROL_EP0_OUT, BUFFER_DATA1 | PACKET_BYTES);
}

static void refuse(void)
{
    STALL_ARM = 3u; /* both directions; the next setup packet ends it */
    REGISTER(BUFFER_CONTROL_EP0_IN) = BUFFER_STALL;
    REGISTER(BUFFER_CONTROL_EP0_OUT) = BUFFER_STALL;
}

static void answer_with_string(uint32_t index, uint32_t wanted)
{
    static const uint8_t languages[4] = {4, 3, 0x09, 0x04}; /* English (United States) */
    static uint8_t text[2u + 2u * 31u];
    uint32_t count = 2u;

    if (index == 0u) {
        answer_with(languages, sizeof languages, wanted);
        return;
    }
    if (index > STRINGS) {
        refuse();
        return;
    }
    for (const char *next = strings[index - 1u]; *next != '\0' && count < sizeof text; next++) {
        text[count++] = (uint8_t)*next;
        text[count++] = 0u;
    }
    text[0] = (uint8_t)count;
    text[1] = 3u;
    answer_with(text, count, wanted);
}

static void give_descriptor(uint32_t value, uint32_t wanted)
{
    switch (value >> 8) {
    case 1:
        answer_with(device_descriptor, sizeof device_descriptor, wanted);
        break;
    case 2:
        answer_with(configuration_descriptor, sizeof configuration_descriptor, wanted);
        break;
    case 3:
        answer_with_string(value & 0xFFu, wanted);
        break;
    default: /* the qualifier of a high-speed device, for one */
        refuse();
    }
}

static void receive_data(void)
{
    received = taken = 0u;
    hand_over(BUFFER_CONTROL_DATA_OUT, data_out_toggle | PACKET_BYTES);
    data_out_toggle ^= BUFFER_DATA1;
}

static void configure(void)
{
    NOTIFY_CONTROL = ENDPOINT_ON | ENDPOINT_SIGNALS | ENDPOINT_INTERRUPT | NOTIFY_BUFFER;
    DATA_IN_CONTROL = ENDPOINT_ON | ENDPOINT_SIGNALS | ENDPOINT_BULK | DATA_IN_BUFFER;
    DATA_OUT_CONTROL = ENDPOINT_ON | ENDPOINT_SIGNALS | ENDPOINT_BULK | DATA_OUT_BUFFER;
    data_in_toggle = data_out_toggle = 0u;
    collected = sending = given_up = 0u;
    is_configured = 1u;
    receive_data();
}

static void leave_bus(void)
{
    is_configured = terminal_ready = waits_for_coding = new_address = 0u;
    received = taken = collected = sending = 0u;
    answer_left = 0u;
    ADDRESS = 0u;
}

/* Low addresses hold pointers of 16 bits to the ROM's tables. In assembly: the compiler takes them for a null pointer's. */
static uintptr_t rom_halfword(uint32_t address)
{
    uint32_t value;

    __asm volatile("ldrh %0, [%1]" : "=r"(value) : "r"(address));
    return value;
}

/* Into the ROM's boot loader, which shows the drive RPI-RP2. Does not return. */
static void start_boot_loader(void)
{
    typedef uintptr_t (*lookup)(uintptr_t table, uint32_t code);
    typedef void (*reset_to_usb_boot)(uint32_t activity_pin_mask, uint32_t disabled_interfaces);
    const lookup find = (lookup)rom_halfword(0x18u);
    const reset_to_usb_boot boot = (reset_to_usb_boot)find(rom_halfword(0x14u), (uint32_t)'U' | (uint32_t)'B' << 8);

    boot(0u, 0u);
}

/* 1200 baud, and then nobody: how the tools of many boards ask for the boot loader. */
static void look_for_touch(void)
{
    const uint32_t baud = line_coding[0] | (uint32_t)line_coding[1] << 8 | (uint32_t)line_coding[2] << 16;

    if (baud == TOUCH_BAUD && !terminal_ready)
        start_boot_loader();
}

static void take_setup(void)
{
    static const uint8_t zeros[2] = {0, 0};
    const uint32_t low = SETUP_LOW, high = SETUP_HIGH;
    const uint32_t is_class = low & 0x60u, request = low >> 8 & 0xFFu, value = low >> 16, wanted = high >> 16;

    ep0_in_toggle = BUFFER_DATA1;
    answer_left = 0u;
    waits_for_coding = 0u;
    if (is_class) {
        switch (request) {
        case 0x20: /* set line coding: seven bytes follow */
            waits_for_coding = 1u;
            receive_control();
            break;
        case 0x21:
            answer_with(line_coding, 7u, wanted);
            break;
        case 0x22: /* line state: bit 0 is DTR */
            terminal_ready = value & 1u;
            wants_boot_words = terminal_ready && !was_opened;
            was_opened |= terminal_ready;
            acknowledge();
            look_for_touch();
            break;
        case 0x23: /* a break: there is no line to break */
            acknowledge();
            break;
        default:
            refuse();
        }
        return;
    }
    switch (request) {
    case 0: /* status */
    case 10: /* interface */
        answer_with(zeros, request == 0u ? 2u : 1u, wanted);
        break;
    case 1: /* an endpoint is no longer halted: it begins anew */
        if ((high & 0xFFFFu) == 0x82u)
            data_in_toggle = 0u;
        acknowledge();
        break;
    case 5:
        new_address = value & 0x7Fu; /* after the acknowledgement, which still goes out under the old one */
        acknowledge();
        break;
    case 6:
        give_descriptor(value, wanted);
        break;
    case 8:
        answer_with(&is_configured, 1u, wanted);
        break;
    case 9:
        if (value == 1u)
            configure();
        else
            is_configured = 0u;
        acknowledge();
        break;
    case 11:
        acknowledge();
        break;
    default:
        refuse();
    }
}

static void control_sent(void)
{
    if (new_address) {
        ADDRESS = new_address;
        new_address = 0u;
    }
    if (answer_left > 0u)
        send_control();
    else if (answer != 0)
        receive_control(); /* the host's empty packet */
}

static void control_received(void)
{
    const volatile uint8_t *buffer = buffer_at(EP0_BUFFER);

    if (!waits_for_coding)
        return;
    waits_for_coding = 0u;
    for (uint32_t i = 0u; i < 7u; i++)
        line_coding[i] = buffer[i];
    acknowledge();
    look_for_touch();
}

static void serve(void)
{
    const uint32_t signals = INTERRUPT_STATUS;

    if (signals & SIGNAL_RESET) {
        leave_bus();
        SIE_STATUS = STATUS_BUS_RESET; /* written ones are cleared */
    }
    if (signals & SIGNAL_SETUP) {
        SIE_STATUS = STATUS_SETUP;
        take_setup();
    }
    if (signals & SIGNAL_BUFFER) {
        const uint32_t done = BUFFER_STATUS;
        BUFFER_STATUS = done;
        if (done & DONE_EP0_IN)
            control_sent();
        if (done & DONE_EP0_OUT)
            control_received();
        if (done & DONE_DATA_IN)
            sending = given_up = 0u;
        if (done & DONE_DATA_OUT) {
            received = (uint8_t)(REGISTER(BUFFER_CONTROL_DATA_OUT) & BUFFER_LENGTH);
            taken = 0u;
            if (received == 0u)
                receive_data();
        }
    }
}

static uint8_t nobody_listens(void)
{
    return !is_configured || (SIE_STATUS & STATUS_SUSPENDED) != 0u;
}

static void send_collected(void)
{
    if (collected == 0u || sending)
        return;
    hand_over(BUFFER_CONTROL_DATA_IN, BUFFER_FULL | data_in_toggle | collected);
    data_in_toggle ^= BUFFER_DATA1;
    collected = 0u;
    sending = 1u;
}

/* Until the last packet is out. A host whose terminal is open may take any time; one without only so long, and only once. */
static void wait_until_sent(void)
{
    const uint32_t begin = thimble_platform_microseconds();

    while (sending && !nobody_listens()) {
        serve();
        if (!terminal_ready && (given_up || thimble_platform_microseconds() - begin > GIVE_UP_US)) {
            given_up = 1u;
            return;
        }
    }
}

void thimble_rp2040_usb_start(void)
{
    CLK_USB_CONTROL = CLK_USB_ON;
    REGISTER(RESETS_BASE + SET_BITS) = RESET_USB; /* a debugger, or the boot loader, may have left it on */
    thimble_rp2040_release(RESET_USB);
    for (uint32_t at = 0u; at < DPRAM_BYTES; at += 4u)
        REGISTER(DPRAM + at) = 0u;
    MUXING = TO_PHY_SOFT_CONNECT;
    POWER = VBUS_IS_THERE;
    MAIN_CONTROL = CONTROLLER_ON;
    INTERRUPT_ENABLE = SIGNAL_BUFFER | SIGNAL_RESET | SIGNAL_SETUP;
    SIE_CONTROL = EP0_SIGNALS | PULL_UP;
}

uint8_t thimble_rp2040_usb_first_opened(void)
{
    const uint8_t is_first = wants_boot_words;

    wants_boot_words = 0u;
    return is_first;
}

uint8_t thimble_rp2040_usb_pending(void)
{
    return INTERRUPT_STATUS != 0u || taken < received;
}

int16_t thimble_rp2040_usb_poll(void)
{
    uint8_t byte;

    serve();
    send_collected();
    if (taken == received)
        return -1;
    wants_boot_words = 0u; /* in the middle of a talk they would read as a restart */
    byte = buffer_at(DATA_OUT_BUFFER)[taken++];
    if (taken == received)
        receive_data();
    return byte;
}

void thimble_rp2040_usb_put(uint8_t byte)
{
    if (nobody_listens())
        return;
    if (sending)
        wait_until_sent(); /* one packet at a time: the buffer is the controller's until then */
    if (sending || !is_configured)
        return;
    buffer_at(DATA_IN_BUFFER)[collected++] = byte;
    if (collected == FULL_PACKET)
        send_collected();
}

void thimble_rp2040_usb_flush(void)
{
    send_collected();
    wait_until_sent();
}
