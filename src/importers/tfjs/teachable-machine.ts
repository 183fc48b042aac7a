/** What Teachable Machine puts beside its models: class names, and that its image models want pixels in −1 … 1. */
import { ThimbleError } from '../../core/errors.js';
import type { ModelMetadata } from '../../core/graph.js';
import { isObject } from '../keras/config.js';
import type { ModelFile } from '../model-file.js';

/** Of metadata.json, where there is a readable one; a model without it is complete, too. */
export function readMetadata(file: ModelFile): ModelMetadata {
  const json = siblingJson(file, 'metadata.json');
  if (!isObject(json)) return {};
  const { labels = json['wordLabels'], packageName, tmVersion } = json;
  const isImageModel = packageName === '@teachablemachine/image' && typeof tmVersion === 'string';
  return {
    ...(isLabels(labels) ? { labels } : {}),
    ...(isImageModel ? { preprocessing: { scale: [1 / 127.5], offset: [-1] } } : {}),
  };
}

const isLabels = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((label) => typeof label === 'string');

function siblingJson(file: ModelFile, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(file.sibling(name)));
  } catch (error) {
    // Not there, or somebody else's metadata.json: it says nothing about this model. All else is a bug.
    if (error instanceof ThimbleError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
