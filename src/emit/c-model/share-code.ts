/**
 * Layers that differ in their constants and places alone share one copy of the code: a function that gets those as
 * parameters. Kernels are specialised by literals, so that a copy costs up to some KB of flash, a call some instructions.
 */
import { withPrefix } from './c-name.js';
import { type EmittedLayer, indented, type Layer, type Place, qualified } from './layer.js';

export interface SharedCode {
  readonly layers: readonly Layer[]; // those that share call the functions
  readonly functions: readonly string[]; // C text
}

export function shareCode(emitted: readonly EmittedLayer[], name: string): SharedCode {
  const groups = new Map<string, EmittedLayer[]>();
  for (const each of emitted) {
    const key = JSON.stringify([each.general.call, each.general.kernels, each.general.qualifier, typesOf(each)]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const functions: string[] = [];
  const calls = new Map<Layer, string>();
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    const { general, layer } = group[0]!;
    const shared = `${name}_${layer.node.op}_${functions.length}`;
    const used = (place: Place): boolean => new RegExp(`\\b${place.parameter}\\b`).test(general.call);
    for (const each of group) {
      const values = each.places.filter(used).map(({ expression }) => expression);
      calls.set(each.layer, `${shared}(\n    ${values.join(',\n    ')});`);
    }
    const parameters = group[0]!.places.filter(used).map(({ type, parameter }) => `${type}${parameter}`);
    functions.push(`/* ${layer.node.op}, ${layer.variant}: layers ${group.map((each) => each.layer.index).join(', ')} */
static ${name.toUpperCase()}_NOINLINE ${qualified(layer.qualifier)}void ${shared}(
    ${parameters.join(', ')})
{
${indented(withPrefix(general.call, name))}
}`);
  }
  const layers = emitted.map(({ layer }) => {
    const call = calls.get(layer);
    return call === undefined ? layer : { ...layer, statements: call, qualifier: '' };
  });
  return { layers, functions };
}

const typesOf = ({ places }: EmittedLayer): readonly string[] =>
  places.map(({ type, parameter }) => `${type}${parameter}`);
