import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import type { Graph, ModelMetadata } from '../../../src/core/graph.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { FlatTable } from '../../../src/importers/tflite/flat-table.js';
import { field } from '../../../src/importers/tflite/schema.js';
import { importTflite } from '../../../src/importers/tflite/tflite.js';
import { sharedBytes, sharedPath, withoutShared } from '../../shared-folder.js';
import { reluModel, tfliteFile } from '../importers/tflite-file.js';

const metadata: ModelMetadata = {
  labels: ['nein', 'ja', 'ä'],
  preprocessing: { scale: [1 / 255], offset: [-0.5] },
  recipe: { name: 'a8w8', sha256: 'a'.repeat(64) },
  source: { modelSha256: 'b'.repeat(64), dataSha256: 'c'.repeat(64) },
  seed: 1,
};

const addGraph = (): Graph =>
  importTflite(
    tfliteFile({
      codes: [{ builtin: 0 }],
      tensors: [
        { name: 'x', shape: [1, 4] },
        { name: 'c', shape: [4], buffer: 1 },
        { name: 'y', shape: [1, 4] },
      ],
      operators: [{ code: 0, inputs: [0, 1], outputs: [2] }],
      inputs: [0],
      outputs: [2],
      buffers: [new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)],
    }),
  );

const buffersOf = (bytes: Uint8Array): readonly FlatTable[] => FlatTable.root(bytes).tables(field.model.buffers);

describe('emitTflite', () => {
  it('gives an equal graph when read back, metadata included', () => {
    const graph = { ...addGraph(), metadata };
    expect(importTflite(emitTflite(graph))).toEqual(graph);
  });

  it('gives the same bytes for the same graph, in whatever order the metadata was built', () => {
    const reversed = Object.fromEntries(Object.entries(metadata).reverse()) as ModelMetadata;
    expect(emitTflite({ ...addGraph(), metadata: reversed })).toEqual(emitTflite({ ...addGraph(), metadata }));
    expect(emitTflite(addGraph())).not.toEqual(emitTflite({ ...addGraph(), metadata }));
  });

  it('aligns every buffer to 16 bytes and leaves the empty one without a vector', () => {
    for (const labels of [['a'], ['ab'], ['abc', 'd'], Array.from({ length: 40 }, (_, i) => `class ${i}`)]) {
      const bytes = emitTflite({ ...addGraph(), metadata: { labels } });
      const [empty, ...rest] = buffersOf(bytes);
      expect(empty?.has(field.buffer.bytes)).toBe(false);
      expect(rest).toHaveLength(2);
      for (const buffer of rest) expect((buffer.bytes(field.buffer.bytes)!.byteOffset - bytes.byteOffset) % 16).toBe(0);
    }
  });

  it('writes shared values once and both fields of the operator code', () => {
    const graph = addGraph();
    const copy = { ...graph.tensors.get('c')!, name: 'd' };
    const nodes = [...graph.nodes, { ...graph.nodes[0]!, name: 'z', inputs: ['y', 'd'], outputs: ['z'] }];
    const z = { ...graph.tensors.get('y')!, name: 'z' };
    const tensors = new Map([...graph.tensors, ['d', copy], ['z', z]]);
    const bytes = emitTflite({ ...graph, tensors, nodes, outputs: ['z'] });
    expect(buffersOf(bytes)).toHaveLength(2);
    expect(importTflite(bytes).nodes).toEqual(nodes);
    const hardSwish = importTflite(tfliteFile(reluModel({ codes: [{ builtin: 117 }] })));
    const [code] = FlatTable.root(emitTflite(hardSwish)).tables(field.model.operatorCodes);
    expect([code?.int8(field.operatorCode.deprecatedBuiltinCode), code?.int32(field.operatorCode.builtinCode)]).toEqual(
      [117, 117],
    );
  });
});

describe.skipIf(withoutShared)('emitTflite of real models (needs ../shared)', () => {
  const models = withoutShared ? [] : readdirSync(sharedPath('models')).filter((file) => file.endsWith('.tflite'));

  it.each(models)('import → emit → import of %s gives an equal graph', (file) => {
    const { remarks: _, ...graph } = importTflite(sharedBytes(`models/${file}`)); // how the file stored its weights
    expect(importTflite(emitTflite(graph))).toEqual(graph);
  });

  it('does so for every golden single-operator model that imports', () => {
    let compared = 0;
    for (const op of readdirSync(sharedPath('golden/ops')))
      for (const file of op.endsWith('.md') ? [] : readdirSync(sharedPath(`golden/ops/${op}`))) {
        if (!file.endsWith('.tflite')) continue;
        let graph: Graph;
        try {
          graph = importTflite(sharedBytes(`golden/ops/${op}/${file}`));
        } catch (error) {
          expect(error).toBeInstanceOf(ThimbleError);
          continue;
        }
        expect(importTflite(emitTflite(graph)), `${op}/${file}`).toEqual(graph);
        compared++;
      }
    expect(compared).toBeGreaterThan(150);
  });
});
