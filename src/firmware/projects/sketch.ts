/** A person's part of a project, and the values that all templates fill in. */
import type { EmittedFile } from '../../core/emitted-file.js';
import { type Graph, tensorOf } from '../../core/graph.js';
import { byteCount } from '../../core/tensor.js';
import { fill, templateFiles, templateText, type Values } from './fill-template.js';
import type { ProjectFile, ProjectParts } from './project.js';

/** Half of all certainty: below it no class of a softmax is more likely than all others together. */
const THRESHOLD = '0.5';
const DEBOUNCE = '2';
const LABELS_SHOWN = 12;

/** sketch.c, main.cpp or NAME.ino: the same text, which is C99 and C++. */
export const sketchFile = (path: string, parts: ProjectParts): ProjectFile => ({
  path,
  content: sketchText(parts, path),
  yours: true,
});

export const sketchText = (parts: ProjectParts, where: string): string =>
  fill(templateText('sketch/sketch.in'), commonValues(parts), where);

export function commonValues({ board, modelName, graph, hooks, mlperfId }: ProjectParts) {
  const { led } = board.facts ?? {};
  const hook = `${modelName.toUpperCase()}_LAYER_HOOK=thimble_layer_hook`;
  const pin = led ? gpioOf(led.pin) : undefined;
  return {
    TITLE: `${modelName} on the ${board.name}`,
    MODEL: modelName,
    MLPERF_ID: mlperfId ?? modelName,
    UPPER: modelName.toUpperCase(),
    BOARD_ID: board.id,
    BOARD_NAME: board.name,
    BAUD: `${board.serial.baud}`,
    CLASSES: classesText(graph),
    INPUT_BYTES: `${graph.inputs.reduce((sum, name) => sum + byteCount(tensorOf(graph, name)), 0)}`,
    INPUT_SHAPE: graph.inputs.length === 1 ? `, shape ${tensorOf(graph, graph.inputs[0]!).shape.join(' x ')}` : '',
    THRESHOLD,
    DEBOUNCE,
    LED_ACTIVE_LOW: led?.activeLow ? '1' : '0',
    LED_DEFINE: pin === undefined ? '' : `THIMBLE_LED_PIN=${pin}`,
    HOOK_DEFINE: hooks ? hook : '',
  } satisfies Values;
}

/** The platform on any Arduino core, and what it has to know about the board. */
export function arduinoPlatform(parts: ProjectParts): readonly EmittedFile[] {
  const common = commonValues(parts);
  const line = common.LED_DEFINE && `#define ${common.LED_DEFINE.replace('=', ' ')}`;
  return templateFiles('arduino', { ...common, LED_LINE: line });
}

/** 'GPIO21' → '21'; a name of one core's own is left to that core's LED_BUILTIN. */
const gpioOf = (pin: string): string | undefined => /^(?:GPIO|GP)(\d+)$/.exec(pin)?.[1];

function classesText(graph: Graph): string {
  const labels = graph.metadata?.labels ?? [];
  if (labels.length === 0) return 'the model names none; they count from 0.';
  const shown = labels.slice(0, LABELS_SHOWN).map((label, i) => `${i} ${label.replaceAll('*/', '* /')}`);
  return `${shown.join(', ')}${labels.length > LABELS_SHOWN ? ', …' : '.'}`;
}
