/**
 * What flash tools say about failures that need a board to happen, as their manuals, sources and public reports quote
 * it. Unlike recorded/, nothing here was heard by ourselves.
 */
export interface DocumentedOutput {
  readonly program: string;
  readonly id: string; // of the pattern that it must match
  readonly source: string;
  readonly text: string;
}

const avrdudeSource = 'avrdude 6.3/7.x sources and manual; reports on forum.arduino.cc';
const esptoolSource = 'docs.espressif.com/projects/esptool, Troubleshooting; reports in espressif/esptool issues';
const openocdSource = 'OpenOCD 0.12 sources; reports on community.st.com';
const dfuSource = 'dfu-util 0.11 sources';
const stmSource = 'stm32flash 0.7 sources';
const bossaSource = 'BOSSA 1.9.1 sources';
const teensySource = 'teensy_loader_cli 2.2 sources';

export const documentedOutputs: readonly DocumentedOutput[] = [
  {
    program: 'avrdude',
    id: 'avrdude-port-busy',
    source: avrdudeSource,
    text: `avrdude: ser_open(): can't open device "/dev/ttyACM0": Device or resource busy`,
  },
  {
    program: 'avrdude',
    id: 'avrdude-port-busy',
    source: avrdudeSource,
    text: 'avrdude OS error: cannot open port \\\\.\\COM3: Access is denied.\n',
  },
  {
    program: 'avrdude',
    id: 'avrdude-no-permission',
    source: avrdudeSource,
    text: `avrdude: ser_open(): can't open device "/dev/ttyUSB0": Permission denied`,
  },
  {
    program: 'avrdude',
    id: 'avrdude-wrong-chip',
    source: avrdudeSource,
    text: `avrdude: Device signature = 0x1e9801 (probably m2560)
avrdude: Expected signature for ATmega328P is 1E 95 0F
         Double check chip, or use -F to override this check.`,
  },
  {
    program: 'avrdude',
    id: 'avrdude-verify',
    source: avrdudeSource,
    text: `avrdude: verifying ...
avrdude: verification error, first mismatch at byte 0x0000
         0x0c != 0xff
avrdude: verification error; content mismatch`,
  },
  {
    program: 'avrdude',
    id: 'avrdude-not-in-sync',
    source: avrdudeSource,
    text: `avrdude: stk500_recv(): programmer is not responding
avrdude: stk500_getsync() attempt 10 of 10: not in sync: resp=0x00`,
  },
  {
    program: 'avrdude',
    id: 'avrdude-wiring-timeout',
    source: avrdudeSource,
    text: 'avrdude: stk500v2_ReceiveMessage(): timeout\navrdude: stk500v2_getsync(): timeout communicating with programmer',
  },
  {
    program: 'avrdude',
    id: 'avrdude-no-file',
    source: avrdudeSource,
    text: `avrdude: can't open input file firmware.hex: No such file or directory`,
  },
  {
    program: 'avrdude',
    id: 'avrdude-too-large',
    source: avrdudeSource,
    text: 'avrdude: ERROR: address 0x8010 out of range at line 2050 of firmware.hex',
  },
  {
    program: 'avrdude',
    id: 'avrdude-unknown-part',
    source: avrdudeSource,
    text: 'avrdude: AVR Part "atmega999" not found.',
  },
  {
    program: 'esptool.py',
    id: 'esptool-no-answer',
    source: esptoolSource,
    text: `Serial port /dev/ttyUSB0
Connecting........_____....._____....._____
A fatal error occurred: Failed to connect to ESP32: Timed out waiting for packet header`,
  },
  {
    program: 'esptool',
    id: 'esptool-no-answer',
    source: esptoolSource,
    text: 'A fatal error occurred: Failed to connect to ESP32-S3: No serial data received.',
  },
  {
    program: 'esptool.py',
    id: 'esptool-wrong-boot-mode',
    source: esptoolSource,
    text: `A fatal error occurred: Failed to connect to ESP32: Wrong boot mode detected (0x13)! The chip needs to be in download mode.`,
  },
  {
    program: 'esptool.py',
    id: 'esptool-tx-path-down',
    source: esptoolSource,
    text: 'A fatal error occurred: Failed to connect to ESP32: Download mode successfully detected, but getting no sync reply: The serial TX path seems to be down.',
  },
  {
    program: 'esptool.py',
    id: 'esptool-noise',
    source: esptoolSource,
    text: 'A fatal error occurred: Failed to connect to Espressif device: Invalid head of packet (0xFF): Possible serial noise or corruption.',
  },
  {
    program: 'esptool.py',
    id: 'esptool-md5',
    source: esptoolSource,
    text: `File  md5: 0d8be3b2c6a1a31a7e8c4e1c4e9a1a6b
Flash md5: 7f1e2a9b6a1a31a7e8c4e1c4e9a1a6b
MD5 of 0xFF is 0d8be3b2
A fatal error occurred: MD5 of file does not match data in flash!`,
  },
  {
    program: 'esptool.py',
    id: 'esptool-wrong-chip',
    source: esptoolSource,
    text: 'A fatal error occurred: This chip is ESP32-S3, not ESP32. Wrong --chip argument?',
  },
  {
    program: 'esptool.py',
    id: 'esptool-too-large',
    source: esptoolSource,
    text: 'A fatal error occurred: File firmware.bin (length 5000000) at offset 65536 will not fit in 4194304 bytes of flash. Use --flash_size argument, or change flashing address.',
  },
  {
    program: 'esptool.py',
    id: 'esptool-secure',
    source: esptoolSource,
    text: 'A fatal error occurred: Secure boot is enabled: ROM does not support function erase_flash.',
  },
  {
    program: 'esptool.py',
    id: 'esptool-no-permission',
    source: esptoolSource,
    text: "A fatal error occurred: Could not open /dev/ttyUSB0, the port doesn't exist\n[Errno 13] could not open port /dev/ttyUSB0: [Errno 13] Permission denied: '/dev/ttyUSB0'",
  },
  {
    program: 'esptool.py',
    id: 'esptool-port-busy',
    source: esptoolSource,
    text: "[Errno 16] could not open port /dev/ttyUSB0: [Errno 16] Device or resource busy: '/dev/ttyUSB0'",
  },
  {
    program: 'esptool.py',
    id: 'esptool-no-port',
    source: esptoolSource,
    text: "serial.serialutil.SerialException: [Errno 2] could not open port /dev/ttyUSB9: [Errno 2] No such file or directory: '/dev/ttyUSB9'",
  },
  {
    program: 'dfu-util',
    id: 'dfu-no-permission',
    source: dfuSource,
    text: 'dfu-util: Cannot open DFU device 2341:035f found on devnum 7 (LIBUSB_ERROR_ACCESS)\ndfu-util: No DFU capable USB device available',
  },
  {
    program: 'dfu-util',
    id: 'dfu-several',
    source: dfuSource,
    text: "dfu-util: More than one DFU capable USB device found! Try `--list' and specify the serial number or disconnect all but one device",
  },
  {
    program: 'dfu-util',
    id: 'dfu-address',
    source: dfuSource,
    text: 'dfu-util: Last page at 0x081fffff is not writeable',
  },
  {
    program: 'dfu-util',
    id: 'dfu-transfer',
    source: dfuSource,
    text: 'Erase   \t[=====    ]  21%\ndfu-util: Error during special command "ERASE_PAGE" get_status',
  },
  {
    program: 'openocd',
    id: 'openocd-no-permission',
    source: openocdSource,
    text: 'Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: open failed',
  },
  {
    program: 'openocd',
    id: 'openocd-busy',
    source: openocdSource,
    text: 'Error: claim interface failed: LIBUSB_ERROR_BUSY\nError: open failed',
  },
  {
    program: 'openocd',
    id: 'openocd-no-power',
    source: openocdSource,
    text: `Info : Target voltage: 1.204813
Error: target voltage may be too low for reliable debugging
Error: init mode failed (unable to connect to the target)`,
  },
  {
    program: 'openocd',
    id: 'openocd-no-target',
    source: openocdSource,
    text: `Info : Target voltage: 3.247800
Error: init mode failed (unable to connect to the target)
in procedure 'program'
** OpenOCD init failed **`,
  },
  {
    program: 'openocd',
    id: 'openocd-protected',
    source: openocdSource,
    text: 'Error: stm32x device protected\nError: failed erasing sectors 0 to 0\n** Programming Failed **',
  },
  {
    program: 'openocd',
    id: 'openocd-verify',
    source: openocdSource,
    text: '** Programming Finished **\n** Verify Started **\nError: checksum mismatch - attempting binary compare\n** Verify Failed **',
  },
  {
    program: 'openocd',
    id: 'openocd-no-file',
    source: openocdSource,
    text: "Error: couldn't open firmware.elf\n** Programming Failed **",
  },
  {
    program: 'stm32flash',
    id: 'stm32flash-unknown-chip',
    source: stmSource,
    text: 'Unknown/unsupported device (Device ID: 0x482)',
  },
  {
    program: 'stm32flash',
    id: 'stm32flash-verify',
    source: stmSource,
    text: 'Wrote and verified address 0x08001000 (25.00%) Failed to verify at address 0x08001100, expected 0x12 and found 0xff',
  },
  {
    program: 'stm32flash',
    id: 'stm32flash-protected',
    source: stmSource,
    text: 'Erasing memory\nFailed to erase memory',
  },
  {
    program: 'bossac',
    id: 'bossac-unsupported',
    source: bossaSource,
    text: 'Set binary mode\nreadWord(addr=0)=0x20040000\nDevice unsupported',
  },
  {
    program: 'bossac',
    id: 'bossac-verify',
    source: bossaSource,
    text: 'Verify 40960 bytes of flash\nVerify failed\nPage errors: 1\nByte errors: 12',
  },
  { program: 'bossac', id: 'bossac-too-large', source: bossaSource, text: 'terminate called: FileSizeError' },
  {
    program: 'bossac',
    id: 'bossac-broke-off',
    source: bossaSource,
    text: '[====      ] 40% (4/10 pages)\nSAM-BA operation failed',
  },
  {
    program: 'teensy_loader_cli',
    id: 'teensy-no-device',
    source: teensySource,
    text: 'Teensy Loader, Command Line, Version 2.2\nUnable to open device (hint: try -w option)',
  },
  {
    program: 'teensy_loader_cli',
    id: 'teensy-write',
    source: teensySource,
    text: 'Found HalfKay Bootloader\nProgramming...error writing to Teensy',
  },
];
