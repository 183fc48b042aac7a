/** OpenOCD 0.11 and 0.12, with ST-LINK and CMSIS-DAP probes. */
import type { ToolPatterns } from '../tool-pattern.js';
import { BUILD_AGAIN, LIST_PORTS, UDEV_RULE } from './advice.js';

const HOLD_RESET = 'Hold the black reset button, start flashing, and let go when it begins.';

export const openocd: ToolPatterns = {
  programs: ['openocd'],
  speaksAs: /Open On-Chip Debugger|\bOpenOCD\b|^(?:Info : |Error: )|^\*\* \w+ (?:Failed|Started|Finished) \*\*/m,
  patterns: [
    {
      id: 'openocd-no-permission',
      match: /LIBUSB_ERROR_ACCESS/,
      code: 'E_PORT_BUSY',
      what: 'no permission to open the debug probe',
      why: 'it is no serial port: a udev rule lets users open it',
      next: [UDEV_RULE],
    },
    {
      id: 'openocd-busy',
      match: /LIBUSB_ERROR_BUSY|[Uu]nable to claim interface/,
      code: 'E_PORT_BUSY',
      what: 'another program holds the debug probe',
      why: 'a probe has one user at a time',
      next: ['Close other OpenOCD, pyOCD and debugger windows.'],
    },
    {
      id: 'openocd-no-power',
      match: /[Tt]arget voltage may be too low/,
      code: 'E_FLASH_FAILED',
      what: 'the chip beside the probe has no power',
      why: 'the probe measures hardly any voltage; the board is unchanged',
      next: ['On a Nucleo: check the jumpers JP5 and IDD (JP6).', 'Use a port of the computer itself, without a hub.'],
    },
    {
      id: 'openocd-no-target',
      match: /unable to connect to the target|Error connecting DP|cannot read IDR|Could not find MEM-AP/,
      code: 'E_FLASH_FAILED',
      what: 'the probe is there, the chip does not answer it',
      why: 'its program sleeps or has switched the debug pins off; the board is unchanged',
      next: [HOLD_RESET, 'Hold BOOT0 high at a reset: then the chip’s own loader runs, which leaves the pins alone.'],
    },
    {
      id: 'openocd-protected',
      match: /device (?:is )?(?:protected|locked)|flash is protected|write protected|read-?out protection/i,
      code: 'E_FLASH_FAILED',
      what: 'the flash of the chip is write-protected',
      why: 'its option bytes or access port say so; nothing was written',
      next: ['Take the protection away, which erases the chip: STM32CubeProgrammer, or nrfjprog --recover.'],
    },
    {
      id: 'openocd-verify',
      match: /\*\* Verify Failed \*\*|verify failed/i,
      code: 'E_FLASH_FAILED',
      what: 'the board does not hold what was written',
      why: 'OpenOCD read it back and found a difference',
      next: ['Flash again.', 'Choose the board that is plugged in: its flash may lie elsewhere.'],
    },
    {
      id: 'openocd-no-file',
      match: /couldn't open (\S+)|Can't find ((?!interface|target|board)\S+\.(?:elf|hex|bin))/,
      code: 'E_FILE',
      what: 'there is no file $1$2',
      why: 'OpenOCD was to write it',
      next: [BUILD_AGAIN],
    },
    {
      id: 'openocd-no-script',
      match: /Can't find (\S+\.cfg)/,
      code: 'E_TOOL_MISSING',
      what: 'this OpenOCD has no configuration $1',
      why: 'it is older than the chip, or its scripts are not installed',
      next: ['Install the current version: thimble doctor says how.'],
    },
    {
      id: 'openocd-no-probe',
      match:
        /Error: open failed|unable to find (?:a matching )?CMSIS-DAP device|[Nn]o device found|unable to open ftdi device/,
      code: 'E_NO_PORT',
      what: 'no debug probe is connected',
      why: 'the board is not plugged in at the probe’s socket, or the cable only charges',
      next: [LIST_PORTS],
    },
    {
      id: 'openocd-no-driver',
      match: /The specified debug interface was not found \(([^)]+)\)/,
      code: 'E_BOARD_FILE',
      what: 'this OpenOCD has no driver "$1"',
      why: 'the board file names it',
      next: ['openocd -c "adapter list" shows those that it has.'],
    },
  ],
};
