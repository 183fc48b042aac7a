/** The C model of a graph, built and run on this computer. */
import type { Engine } from '../core/engine.js';
import type { Graph } from '../core/graph.js';
import { emitCModel } from '../emit/c-model.js';
import { type CEngineOptions, cEngine } from '../engines/c-engine.js';
import { packageVersion } from '../files/package-folder.js';
import { kernelText } from './kernel-files.js';

/** @throws ThimbleError as emitCModel does, and E_TOOL_MISSING or E_BUILD_FAILED of the compiler */
export async function hostCEngine(graph: Graph, options: CEngineOptions = {}): Promise<Engine> {
  const version = packageVersion();
  const { files } = emitCModel(graph, { name: 'model', target: 'generic', kernelText, modelSha256: '', version });
  return cEngine(graph, files, options);
}
