/**
 * The model run by TensorFlow Lite Micro's interpreter, for comparison and for boards whose maker supports nothing else:
 * the C array, the exact operators, an arena that is large enough, and the same protocol and sketch around them.
 */
import type { BoardSpec } from '../../core/board-spec.js';
import { type Graph, hasState, tensorOf } from '../../core/graph.js';
import { byteCount, elementCount, type TensorSpec } from '../../core/tensor.js';
import { crc32OfText } from '../../device/crc32.js';
import { arduinoImage } from './arduino-image.js';
import { otaDataFile } from './esp-parts.js';
import { below, sharedSources, templateFiles } from './fill-template.js';
import type { ProjectParts, ProjectTemplate } from './project.js';
import { arduinoPlatform, commonValues, sketchFile } from './sketch.js';

const LIBRARY = 'Chirale_TensorFLowLite';
const isGrove = ({ id }: BoardSpec): boolean => id === 'grove-vision-ai-v2';

export const tflm: ProjectTemplate = {
  name: 'tflm',
  about: 'the model under TensorFlow Lite Micro, as an Arduino sketch',
  refusal: (board) => {
    if (board.core === 'avr') return `TensorFlow Lite Micro does not fit into the memory of a ${board.mcu}`;
    if (board.facts?.arduino || isGrove(board)) return undefined;
    return `no Arduino core is known for the ${board.name}, and no other place for TensorFlow Lite Micro`;
  },
  render: (parts) => {
    const { board, modelName, arrayFiles } = parts;
    const files = [
      ...templateFiles('tflm', tflmValues(parts)).map(({ path, content }) => ({
        path: path.replace('MODEL', modelName),
        content,
      })),
      ...arrayFiles,
      ...sharedSources([], null),
    ];
    if (isGrove(board)) return [...below('thimble', files), sketchFile('thimble/sketch.cpp', parts)];
    return [
      ...below(modelName, [...files, ...arduinoPlatform(parts)]),
      ...otaDataFile(board),
      sketchFile(`${modelName}/${modelName}.ino`, parts),
    ];
  },
  commands: ({ board, modelName }) =>
    isGrove(board)
      ? [['make', '-C', 'Seeed_Grove_Vision_AI_Module_V2/EPII_CM55M_APP_S', 'APP_TYPE=thimble']]
      : [['arduino-cli', 'compile', '--fqbn', board.facts!.arduino!.fqbn, '--output-dir', 'build', modelName]],
  // Only where make would find nothing to make: its folder is the SDK of Himax, which is somebody else's to fetch.
  environment: (board) => (isGrove(board) ? 'HIMAX_SDK' : undefined),
  before: (board) =>
    isGrove(board)
      ? 'copy thimble/ into app/scenario_app/ of https://github.com/HimaxWiseEyePlus/Seeed_Grove_Vision_AI_Module_V2, take the .mk and the linker script of its example allon_sensor_tflm_cmsis_nn, and give thimble_platform.h its serial port'
      : `arduino-cli lib install ${LIBRARY}`,
  image: (folder, board, modelName) => arduinoImage(folder, `${modelName}.ino`, board),
};

function tflmValues(parts: ProjectParts) {
  const { graph, modelSha256 } = parts;
  const outputs = graph.outputs.map((name) => tensorOf(graph, name));
  const total = (tensors: readonly TensorSpec[], of: (tensor: TensorSpec) => number): string =>
    `${tensors.reduce((sum, tensor) => sum + of(tensor), 0)}`;
  const { labels = [], recipe } = graph.metadata ?? {};
  return {
    ...commonValues(parts),
    SHA256: modelSha256,
    LABELS_CRC: hex(labels.length > 0 ? crc32OfText(labels.join('\n')) : 0),
    RECIPE_CRC: hex(recipe ? crc32OfText(recipe.sha256) : 0),
    OUTPUT_BYTES: total(outputs, byteCount),
    VALUE_COUNT: total(outputs, ({ shape }) => elementCount(shape)),
    CLASS_COUNT: `${elementCount(outputs[0]!.shape)}`,
    LAYER_COUNT: `${graph.nodes.length}`,
    LABELS: labels.length > 0 ? labels.map((label) => JSON.stringify(label)).join(', ') : '""',
    RESET: hasState(graph) ? '    interpreter->Reset(); /* every request stands for itself */\n' : '',
    ...inputQuantization(graph),
  };
}

function inputQuantization(graph: Graph) {
  const { quant } = tensorOf(graph, graph.inputs[0]!);
  const scale = quant?.scale[0] ?? 1;
  return { INPUT_SCALE: floatText(scale), INPUT_ZERO_POINT: `${quant?.zeroPoint[0] ?? 0}` };
}

/** As C takes it before the f: with a point or an exponent. */
const floatText = (value: number): string => (/[.e]/.test(`${value}`) ? `${value}` : `${value}.0`);
const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}u`;
