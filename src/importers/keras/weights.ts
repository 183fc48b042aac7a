/** Finds a layer's weights in a file, whatever prefixes its writer put before their names. */
import { ThimbleError } from '../../core/errors.js';
import type { Shape } from '../../core/tensor.js';

export interface Weight {
  readonly shape: Shape;
  readonly values: Float32Array;
}

export interface StoredWeight {
  readonly owner?: string; // the top-level layer whose group holds it (.h5)
  readonly path: readonly string[]; // ['conv2d', 'kernel']
  readonly shape: Shape;
  read(): Float32Array;
}

export class WeightStore {
  private readonly byShortName = new Map<string, StoredWeight[]>();

  constructor(stored: readonly StoredWeight[]) {
    for (const weight of stored) {
      const short = weight.path.at(-1) ?? '';
      this.byShortName.set(short, [...(this.byShortName.get(short) ?? []), weight]);
    }
  }

  /**
   * @param layerPath names of the models around the layer (without the outermost) and its own
   * @param shortNames what the weight is called, with other versions' names for it
   * @throws ThimbleError E_NOT_FINITE, E_MODEL_FORMAT
   */
  find(layerPath: readonly string[], shortNames: readonly string[]): Weight | undefined {
    const [best] = shortNames
      .flatMap((short) => this.byShortName.get(short) ?? [])
      .map((weight) => ({ weight, rank: rankOf(weight, layerPath) }))
      .filter(({ rank }) => rank > 0)
      .sort((a, b) => b.rank - a.rank || a.weight.path.length - b.weight.path.length);
    if (!best) return undefined;
    const values = best.weight.read();
    const fault = values.findIndex((value) => !Number.isFinite(value));
    if (fault >= 0)
      throw new ThimbleError(
        'E_NOT_FINITE',
        `weight "${best.weight.path.join('/')}" holds ${values[fault]} at element ${fault}`,
        ['Train again with a lower learning rate.', 'Save the best epoch instead of the last one.'],
        { where: `at layer "${layerPath.at(-1)}"` },
      );
    return { shape: best.weight.shape, values };
  }
}

/** How well a stored weight fits a layer: the number of its path's last names that match; 0 = not its weight. */
function rankOf({ owner, path }: StoredWeight, layerPath: readonly string[]): number {
  if (owner !== undefined && owner !== layerPath[0]) return 0;
  const folders = path.slice(0, -1);
  // Inside its own group a weight may carry an older name of the layer: Keras loads those by position, too.
  const own = owner !== undefined && layerPath.length === 1 ? 0.5 : 0;
  if (!folders.includes(layerPath.at(-1)!)) return own;
  let match = 1;
  while (match < layerPath.length && folders.at(-1 - match) === layerPath.at(-1 - match)) match++;
  return match + (folders.at(-1) === layerPath.at(-1) ? 1 : 0);
}
