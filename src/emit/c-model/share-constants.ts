/** Tables that are equal in several layers, such as those of one activation, stand once in flash. */
import type { CArray } from '../../ops/op.js';
import type { Layer } from './layer.js';

/** Each array under the name of the first that is equal to it; layers keep the arrays that they brought first. */
export function shareConstants(layers: readonly Layer[]): readonly Layer[] {
  const first = new Map<string, string>(); // content → name
  return layers.map((layer) => {
    const constants: CArray[] = [];
    let { statements } = layer;
    for (const array of layer.constants) {
      const content = `${array.type} ${Array.from(array.values, (value) => (Object.is(value, -0) ? '-0' : value)).join()}`;
      const known = first.get(content);
      if (known === undefined) {
        first.set(content, array.name);
        constants.push(array);
      } else statements = statements.replaceAll(new RegExp(`\\b${array.name}\\b`, 'g'), known);
    }
    return { ...layer, constants, statements };
  });
}
