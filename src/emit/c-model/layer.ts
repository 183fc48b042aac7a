/** One node of the graph as C: its constants, its kernels, and the function that calls them. */
import type { Graph, Node } from '../../core/graph.js';
import { isConstant, tensorOf } from '../../core/graph.js';
import { byteCount, shapeText } from '../../core/tensor.js';
import { opNamed } from '../../ops/index.js';
import { type CArray, operandsOf } from '../../ops/op.js';
import type { MemoryPlan } from '../../plan/plan-memory.js';
import { commentText, withPrefix } from './c-name.js';
import { cTypeOf } from './interface-tensor.js';

export interface Layer {
  readonly index: number;
  readonly node: Node;
  readonly constants: readonly CArray[];
  readonly kernels: readonly string[];
  readonly statements: string;
  readonly inputText: string; // shapes of what it reads and writes, for people
  readonly outputText: string;
  readonly macs: number;
  readonly weightBytes: number;
  readonly hookTensor: string; // C expression of the first output
  readonly hookBytes: number;
}

const elementBytes: Readonly<Record<CArray['type'], number>> = {
  int8_t: 1,
  uint8_t: 1,
  int16_t: 2,
  int32_t: 4,
  float: 4,
};

export const constantBytes = (constants: readonly CArray[]): number =>
  constants.reduce((sum, { type, values }) => sum + elementBytes[type] * values.length, 0);

/** The layer at an index; the graph has passed every op's checkQuant. */
export function layerOf(graph: Graph, index: number, plan: MemoryPlan, name: string): Layer {
  const node = graph.nodes[index]!;
  const op = opNamed(node.op);
  const operands = operandsOf(graph, node);
  const scratch = plan.scratch.get(node.name);
  const emitted = op.emitC(operands, {
    symbol: `${name}_layer${index}`,
    inputs: node.inputs.map((input) => pointer(graph, plan, input, name)),
    outputs: node.outputs.map((output) => pointer(graph, plan, output, name)),
    scratch: scratch ? at('int8_t', scratch.offset, name) : '',
  });
  const dynamic = node.inputs.filter((input) => input !== null && !isConstant(tensorOf(graph, input))) as string[];
  const shapes = (names: readonly string[]): string =>
    names.map((each) => shapeText(tensorOf(graph, each).shape)).join(' ');
  return {
    index,
    node,
    constants: emitted.constants,
    kernels: emitted.kernels,
    statements: withPrefix(emitted.call, name),
    inputText: shapes(dynamic),
    outputText: shapes(node.outputs),
    macs: op.cost(operands).macs,
    weightBytes: constantBytes(emitted.constants),
    hookTensor: pointer(graph, plan, node.outputs[0]!, name),
    hookBytes: byteCount(tensorOf(graph, node.outputs[0]!)),
  };
}

/** A pointer into the arena. */
export const at = (type: string, offset: number, name: string): string =>
  `${name.toUpperCase()}_AT(${type}, ${offset})`;

function pointer(graph: Graph, plan: MemoryPlan, tensorName: string | null, name: string): string {
  const offset = tensorName === null ? undefined : plan.offsets.get(tensorName);
  if (tensorName === null || offset === undefined) return ''; // absent, or a constant that the node emits itself
  return at(cTypeOf[tensorOf(graph, tensorName).dtype] ?? 'int8_t', offset, name);
}

/** `static void kws_layer3(void) { … }` under its constants. */
export function layerFunction(layer: Layer, name: string): string {
  const { index, node, macs } = layer;
  const title = `${index}: ${node.op} "${commentText(node.name)}" ${layer.inputText} -> ${layer.outputText}`;
  return `/* ${title}${macs > 0 ? `, ${macs.toLocaleString('en-US')} MACs` : ''} */
static void ${name}_layer${index}(void)
{
${indented(layer.statements)}
}`;
}

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
  const rows = layers.map(({ index, node, inputText, outputText, macs }) => [
    String(index),
    node.op,
    inputText,
    outputText,
    macs.toLocaleString('en-US'),
  ]);
  const table = [['layer', 'operator', 'input', 'output', 'MACs'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map(
      (row) =>
        ` *   ${row.map((cell, i) => (i === 0 || i === 4 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ')}`,
    )
    .join('\n');
}
