/** Raspberry Pi's own SDK: CMake, USB serial. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BoardSpec } from '../../core/board-spec.js';
import { modelBindingText } from '../model-binding.js';
import { below, sharedSources, templateFiles } from './fill-template.js';
import type { ProjectTemplate } from './project.js';
import { commonValues, sketchFile } from './sketch.js';

/** The SDK's name of the board, by chip. */
const boardNames: Readonly<Record<string, string>> = { RP2040: 'pico', RP2350A: 'pico2' };
const boardName = ({ mcu }: BoardSpec): string | undefined => boardNames[mcu];

export const picoSdk: ProjectTemplate = {
  name: 'pico-sdk',
  about: 'a CMake project on the Pico SDK',
  refusal: (board) =>
    boardName(board) ? undefined : `the Pico SDK builds for RP2040 and RP2350, not for a ${board.mcu}`,
  render: (parts) => {
    const { board, modelName, graph, hooks, mlperfId, modelFiles } = parts;
    const values = { ...commonValues(parts), PICO_BOARD: boardName(board)! };
    const binding = modelBindingText({ boardId: board.id, modelName, graph, hooks, mlperfId, sketch: true });
    return [
      ...templateFiles('pico-sdk', values),
      ...below('thimble', sharedSources(modelFiles, binding)),
      sketchFile('sketch.c', parts),
    ];
  },
  commands: () => [
    ['cmake', '-S', '.', '-B', 'build'],
    ['cmake', '--build', 'build'],
  ],
  environment: () => 'PICO_SDK_PATH',
  before: () =>
    'git clone --recurse-submodules https://github.com/raspberrypi/pico-sdk ~/pico-sdk; export PICO_SDK_PATH=~/pico-sdk',
  image: (folder) => {
    const at = (name: string): string => join(folder, 'build', name);
    if (!existsSync(at('firmware.elf')) || !existsSync(at('firmware.uf2'))) return undefined;
    return { executable: at('firmware.elf'), uf2: at('firmware.uf2'), bin: at('firmware.bin') };
  },
};
