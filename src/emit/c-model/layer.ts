/** One node of the graph as C: its constants, its kernels, and the function that calls them. */
import type { Graph, Node } from '../../core/graph.js';
import { isConstant, tensorOf } from '../../core/graph.js';
import { byteCount, shapeText } from '../../core/tensor.js';
import { opNamed } from '../../ops/index.js';
import { type CArray, type CState, type EmittedC, type Implementation, operandsOf } from '../../ops/op.js';
import type { MemoryPlan } from '../../plan/plan-memory.js';
import { commentText, withPrefix } from './c-name.js';
import { cTypeOf } from './interface-tensor.js';

export interface Layer {
  readonly index: number;
  readonly node: Node;
  readonly variant: string; // of the kernel
  readonly constants: readonly CArray[];
  readonly states: readonly CState[];
  readonly kernels: readonly string[];
  readonly statements: string;
  readonly qualifier: string; // macros before the function, or ''
  readonly inputText: string; // shapes of what it reads and writes, for people
  readonly outputText: string;
  readonly macs: number;
  readonly hookTensor: string; // C expression of the first output
  readonly hookBytes: number;
}

const elementBytes: Readonly<Record<CArray['type'], number>> = {
  int8_t: 1,
  uint8_t: 1,
  int16_t: 2,
  uint16_t: 2,
  int32_t: 4,
  uint32_t: 4,
  int64_t: 8,
  float: 4,
};

export const constantBytes = (constants: readonly CArray[]): number =>
  constants.reduce((sum, { type, values }) => sum + elementBytes[type] * values.length, 0);

/** A node's C twice: as it stands in the model, and with parameters for everything that lies somewhere. */
export interface EmittedLayer {
  readonly layer: Layer;
  readonly general: EmittedC; // constants `layer_…`, pointers in0, out0, scratch
  readonly places: readonly Place[]; // what the general form's parameters are in this layer
}

export interface Place {
  readonly parameter: string;
  readonly type: string; // 'const int8_t *'
  readonly expression: string;
}

/** The layer at an index; the graph has passed every op's checkQuant. */
export function emitLayer(
  graph: Graph,
  index: number,
  plan: MemoryPlan,
  implementation: Implementation,
  name: string,
): EmittedLayer {
  const node = graph.nodes[index]!;
  const symbol = `${name}_layer${index}`;
  const scratch = plan.scratch.get(node.name);
  const pointers = (names: readonly (string | null)[], parameter: string): Place[] =>
    names.map((each, i) => ({ parameter: `${parameter}${i}`, ...pointer(graph, plan, each, name) }));
  const [inputs, outputs] = [pointers(node.inputs, 'in'), pointers(node.outputs, 'out')];
  const scratchPlace: Place = {
    parameter: 'scratch',
    type: 'int8_t *',
    expression: scratch ? at('int8_t', scratch.offset, name) : '',
  };
  const names = (field: 'parameter' | 'expression') => {
    const of = (place: Place): string => (place.expression === '' ? '' : place[field]);
    return { inputs: inputs.map(of), outputs: outputs.map(of), scratch: of(scratchPlace) };
  };
  const emitted = implementation.emitC({ symbol, ...names('expression') });
  const general = implementation.emitC({ symbol: GENERAL, ...names('parameter') });
  const constants = general.constants.map(
    (array, i): Place => ({
      parameter: array.name,
      type: `const ${array.type} *`,
      expression: emitted.constants[i]!.name,
    }),
  );
  const states = (general.states ?? []).map(
    ({ name: parameter, type }, i): Place => ({
      parameter,
      type: `${type} *`,
      expression: emitted.states![i]!.name,
    }),
  );
  return {
    layer: layerOf(graph, index, plan, implementation.variant, emitted, name),
    general,
    places: [...inputs, ...outputs, scratchPlace, ...constants, ...states].filter(
      ({ expression }) => expression !== '',
    ),
  };
}

const GENERAL = 'layer'; // the symbol of the general form

function layerOf(
  graph: Graph,
  index: number,
  plan: MemoryPlan,
  variant: string,
  emitted: EmittedC,
  name: string,
): Layer {
  const node = graph.nodes[index]!;
  const dynamic = node.inputs.filter((input) => input !== null && !isConstant(tensorOf(graph, input))) as string[];
  const shapes = (names: readonly string[]): string =>
    names.map((each) => shapeText(tensorOf(graph, each).shape)).join(' ');
  return {
    index,
    node,
    variant,
    constants: emitted.constants,
    states: emitted.states ?? [],
    kernels: emitted.kernels,
    statements: withPrefix(emitted.call, name),
    qualifier: withPrefix(emitted.qualifier ?? '', name),
    inputText: shapes(dynamic),
    outputText: shapes(node.outputs),
    macs: opNamed(node.op).cost(operandsOf(graph, node)).macs,
    hookTensor: pointer(graph, plan, node.outputs[0]!, name).expression,
    hookBytes: byteCount(tensorOf(graph, node.outputs[0]!)),
  };
}

/** A pointer into the arena. */
export const at = (type: string, offset: number, name: string): string =>
  `${name.toUpperCase()}_AT(${type}, ${offset})`;

function pointer(
  graph: Graph,
  plan: MemoryPlan,
  tensorName: string | null,
  name: string,
): { readonly type: string; readonly expression: string } {
  const offset = tensorName === null ? undefined : plan.offsets.get(tensorName);
  if (tensorName === null || offset === undefined) return { type: '', expression: '' }; // absent, or a constant that the node emits itself
  const type = cTypeOf[tensorOf(graph, tensorName).dtype] ?? 'int8_t';
  return { type: `${type} *`, expression: at(type, offset, name) };
}

/** `static void kws_layer3(void) { … }` under its constants. */
export function layerFunction(layer: Layer, name: string): string {
  const { index, node, macs, variant } = layer;
  const title = `${index}: ${node.op} "${commentText(node.name)}" ${layer.inputText} -> ${layer.outputText}`;
  const kernel = variant === 'portable' ? '' : `, ${variant}`;
  return `/* ${title}${macs > 0 ? `, ${macs.toLocaleString('en-US')} MACs` : ''}${kernel} */
static ${qualified(layer.qualifier)}void ${name}_layer${index}(void)
{
${indented(layer.statements)}
}`;
}

export const qualified = (qualifier: string): string => (qualifier === '' ? '' : `${qualifier} `);

/** A statement at 4 spaces, what continues it at 8; blocks keep their own shape. */
export function indented(statements: string): string {
  const lines = statements.trim().split('\n');
  const depths = lines
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => line.length - line.trimStart().length);
  const common = Math.min(...depths);
  // Continuation lines that are all deeper than the first belong to one statement.
  const extra = depths.length > 0 && common > 0 ? 4 : 0;
  return lines
    .map((line, i) =>
      i === 0 ? `    ${line}` : line.trim() === '' ? '' : `    ${' '.repeat(extra)}${line.slice(common)}`,
    )
    .join('\n');
}

/** What one inference moves and computes, as the header's table. */
export function layerTable(layers: readonly Layer[]): string {
  const rows = layers.map(({ index, node, variant, inputText, outputText, macs }) => [
    String(index),
    node.op,
    variant,
    inputText,
    outputText,
    macs.toLocaleString('en-US'),
  ]);
  const table = [['layer', 'operator', 'kernel', 'input', 'output', 'MACs'], ...rows];
  const last = table[0]!.length - 1;
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map(
      (row) =>
        ` *   ${row.map((cell, i) => (i === 0 || i === last ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ')}`,
    )
    .join('\n');
}
