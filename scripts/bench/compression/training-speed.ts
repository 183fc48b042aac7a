/**
 * How long an epoch of training takes: wall time and this process' own CPU time, since other programs share the
 * machine. The values of the data do not matter to it, so they are noise.
 */
import type { Dataset } from '../../../src/core/dataset.js';
import { type Graph, tensorOf } from '../../../src/core/graph.js';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { elementCount } from '../../../src/core/tensor.js';
import { fineTune } from '../../../src/train/fine-tune.js';
import type { Row } from '../row.js';
import { dsCnn, resNet8, smallCnn } from './networks.js';
import { hashOf, type Stage } from './stage.js';

interface Case {
  readonly unit: string;
  readonly title: string;
  readonly graph: () => Graph;
  readonly samples: number;
  readonly batchNorm?: boolean;
  readonly mostSeconds: number; // what an epoch may take
}

const [digits, keywords, images] = [
  { graph: () => smallCnn(10, 1), samples: 10_000, mostSeconds: 4 },
  { graph: () => dsCnn(10, 1), samples: 2_000, mostSeconds: 18 },
  { graph: () => resNet8(10, 1), samples: 10_000, mostSeconds: 150 },
];
const cases: readonly Case[] = [
  { unit: 'small-cnn', title: 'small CNN, 28×28', ...digits! },
  { unit: 'ds-cnn', title: 'DS-CNN, 49×10', ...keywords! },
  { unit: 'ds-cnn-batch-norm', title: 'DS-CNN, batch normalization', batchNorm: true, ...keywords! },
  { unit: 'resnet-8', title: 'ResNet-8, 32×32', ...images! },
  { unit: 'resnet-8-batch-norm', title: 'ResNet-8, batch normalization', batchNorm: true, ...images! },
];
const epochs = 4; // the first compiles: the median is of the others

interface EpochTime {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export const trainingSpeed: Stage = {
  name: 'training-speed',
  title: 'One epoch of training, batches of 32, seconds: median of epochs 2 to 4',
  notes: 'wall: with whatever else the computer did; CPU: user time of this process alone.',
  async run(units) {
    const rows: Row[] = [];
    for (const { unit, title, graph, samples, batchNorm = false, mostSeconds } of cases) {
      const sources = hashOf('src/train', 'scripts/bench/compression/networks.ts', 'package-lock.json');
      const times = await units.once(unit, { samples, epochs, batchNorm, sources }, () =>
        timeEpochs(graph(), samples, batchNorm),
      );
      const [wall, cpu] = [medianOf(times, 'seconds'), medianOf(times, 'cpuSeconds')];
      rows.push({
        network: title,
        samples,
        wall: Number(wall.toFixed(2)),
        CPU: Number(cpu.toFixed(2)),
        'at most': mostSeconds,
        '': cpu <= mostSeconds ? (wall <= mostSeconds ? 'holds' : 'holds in CPU time') : 'TOO SLOW',
      });
    }
    return rows;
  },
};

async function timeEpochs(graph: Graph, samples: number, batchNorm: boolean): Promise<readonly EpochTime[]> {
  const times: EpochTime[] = [];
  let [since, cpu] = [0, process.cpuUsage()];
  await fineTune(graph, noise(graph, samples), {
    epochs,
    batchNorm,
    validationFraction: 0,
    onEvent: ({ message }) => {
      if (message === undefined) return; // one message at the end of every epoch, one before the first
      if (since > 0)
        times.push({ seconds: (performance.now() - since) / 1000, cpuSeconds: process.cpuUsage(cpu).user / 1e6 });
      [since, cpu] = [performance.now(), process.cpuUsage()];
    },
  });
  return times;
}

function noise(graph: Graph, count: number): Dataset {
  const random = seededRandom(1);
  const shape = tensorOf(graph, graph.inputs[0]!).shape.slice(1);
  const samples = Array.from({ length: count }, () => Float32Array.from({ length: elementCount(shape) }, random));
  return {
    name: 'noise',
    sampleCount: count,
    shape,
    values: 'raw',
    labels: Array.from({ length: 10 }, (_, i) => String(i)),
    sha256: '',
    sample: (index) => samples[index]!,
    classOf: (index) => index % 10,
  };
}

function medianOf(times: readonly EpochTime[], key: keyof EpochTime): number {
  const sorted = times
    .slice(1)
    .map((time) => time[key])
    .sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
