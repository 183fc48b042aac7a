/** A recipe by name or from a person's file. */
import { ThimbleError } from '../core/errors.js';
import { readFileOf } from '../files/read-file.js';
import { namedRecipes, parseRecipe, type Recipe } from '../quantize/recipe.js';

export const recipeNames: readonly string[] = [...namedRecipes.keys()];

/** @throws ThimbleError E_RECIPE, E_FILE */
export function loadRecipe(nameOrPath: string): Recipe {
  const known = namedRecipes.get(nameOrPath);
  if (known) return known;
  if (!nameOrPath.endsWith('.json'))
    throw new ThimbleError('E_RECIPE', `no recipe is called "${nameOrPath}"`, [
      `Recipes that ship with Thimble: ${recipeNames.join(', ')}`,
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
