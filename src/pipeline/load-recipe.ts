/** A recipe by name or from a person's file. */
import { ThimbleError } from '../core/errors.js';
import { readFileOf } from '../files/read-file.js';
import { a8w8, parseRecipe, type Recipe } from '../quantize/recipe.js';

const named: ReadonlyMap<string, Recipe> = new Map([[a8w8.name, a8w8]]);

/** @throws ThimbleError E_RECIPE, E_FILE */
export function loadRecipe(nameOrPath: string): Recipe {
  const known = named.get(nameOrPath);
  if (known) return known;
  if (!nameOrPath.endsWith('.json'))
    throw new ThimbleError('E_RECIPE', `no recipe is called "${nameOrPath}"`, [
      `Recipes that ship with Thimble: ${[...named.keys()].join(', ')}`,
      'A recipe of your own: --recipe ./my-recipe.json',
    ]);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(readFileOf('the recipe', nameOrPath)));
  } catch (cause) {
    if (cause instanceof ThimbleError) throw cause;
    throw new ThimbleError('E_RECIPE', `${nameOrPath} is not JSON`, 'Mend the place that the line below names.', {
      cause,
    });
  }
  return parseRecipe(json);
}
