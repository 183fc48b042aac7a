/** Zephyr: one application for most boards that Arduino knows, and for many that it does not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BoardSpec } from '../../core/board-spec.js';
import { modelBindingText } from '../model-binding.js';
import { below, sharedSources, templateFiles } from './fill-template.js';
import type { ProjectTemplate } from './project.js';
import { commonValues, sketchFile } from './sketch.js';

/** Chips whose boards have no bridge: the link is a USB CDC port that the overlay makes. */
const nativeUsb = /^(RP2040|RP2350|nRF52840|IMXRT|STM32H747)/;

const CDC_OVERLAY = `/ {
    chosen {
        zephyr,console = &cdc_acm_uart0;
    };
};

&zephyr_udc0 {
    cdc_acm_uart0: cdc_acm_uart0 {
        compatible = "zephyr,cdc-acm-uart";
    };
};`;

const CDC_CONFIG = ['CONFIG_USB_DEVICE_STACK=y', 'CONFIG_UART_LINE_CTRL=y', 'CONFIG_USB_DEVICE_PRODUCT="Thimble"'];
const MIN_STACK_BYTES = 4096;

const zephyrBoard = ({ facts }: BoardSpec): string | undefined => facts?.zephyr ?? undefined;

export const zephyr: ProjectTemplate = {
  name: 'zephyr',
  about: 'a Zephyr application (3.7 or newer)',
  refusal: (board) => (zephyrBoard(board) ? undefined : `Zephyr has no board for the ${board.name}`),
  render: (parts) => {
    const { board, modelName, graph, hooks, mlperfId, modelFiles } = parts;
    const common = commonValues(parts);
    const usb = nativeUsb.test(board.mcu);
    const definitions = [`THIMBLE_CLOCK_HZ=${board.clockHz}u`, ...(common.HOOK_DEFINE ? [common.HOOK_DEFINE] : [])];
    const values = {
      ...common,
      ZEPHYR_BOARD: zephyrBoard(board)!,
      HOOK_DEFINE_ZEPHYR: `target_compile_definitions(app PRIVATE ${definitions.join(' ')})`,
      STACK_BYTES: `${Math.max(MIN_STACK_BYTES, board.reserved.stackBytes)}`,
      HAS_FPU: board.facts?.fpu !== 'none' && board.core.startsWith('cortex') ? 'y' : 'n',
      USB_CONFIG: usb ? CDC_CONFIG.join('\n') : '',
      OVERLAY_NOTE: usb
        ? 'The protocol talks over USB: the chip has no bridge beside it.'
        : "The protocol talks over the board's console UART: nothing to change.",
      OVERLAY: usb ? CDC_OVERLAY : '',
    };
    const binding = modelBindingText({ boardId: board.id, modelName, graph, hooks, mlperfId, sketch: true });
    return [
      ...templateFiles('zephyr', values),
      ...below('thimble', sharedSources(modelFiles, binding)),
      sketchFile('src/sketch.c', parts),
    ];
  },
  commands: ({ board }) => [['west', 'build', '-b', zephyrBoard(board)!, '.']],
  before: () => 'work inside a west workspace, or export ZEPHYR_BASE',
  image: (folder) => {
    const at = (form: string): string => join(folder, 'build', 'zephyr', `zephyr.${form}`);
    if (!existsSync(at('elf'))) return undefined;
    const forms = (['hex', 'bin', 'uf2'] as const).filter((form) => existsSync(at(form)));
    return { executable: at('elf'), ...Object.fromEntries(forms.map((form) => [form, at(form)])) };
  },
};
