import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import { openWorkbench, type SweepContext } from '../../../src/pipeline/sweep/context.js';
import type { Job } from '../../../src/pipeline/sweep/job.js';
import { type JobQueue, queueHere } from '../../../src/pipeline/sweep/job-queue.js';
import { dominates, paretoRanks } from '../../../src/pipeline/sweep/pareto.js';
import { sweepPlot } from '../../../src/pipeline/sweep/plot.js';
import { stagesIn } from '../../../src/pipeline/sweep/stage-store.js';
import { shortened } from '../../../src/pipeline/sweep/steps.js';
import { sweep } from '../../../src/pipeline/sweep/sweep.js';
import { loadSweepSet, parseSweepSet, sweepSetNames } from '../../../src/pipeline/sweep/sweep-set.js';
import { workerQueue } from '../../../src/pipeline/sweep/worker-queue.js';
import { sweepCsv } from '../../../src/pipeline/sweep/write-sweep.js';
import { writeModel, writeSamples } from '../../e2e/sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-sweep-'));
let context: SweepContext;
beforeAll(() => {
  const model = writeModel(folder);
  const data = { path: writeSamples(folder, 'train.csv', 200) };
  const test = { path: writeSamples(folder, 'test.csv', 60) };
  const shared = { optimize: 'balanced', seed: 1, calibration: 20, scoreLimit: 100 } as const;
  context = { model, data, test, ...shared, checkpoints: join(folder, 'training') };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = { train: { epochs: 1, learningRate: 0.01 } };
const set = parseSweepSet({
  name: 'small',
  grid: [
    [[], [{ prune: { channels: 0.5 } }, train], [{ prune: { macs: 0.4 } }]],
    [[{ quantize: 'a8w8' }], [{ quantize: 'a8w8-mse' }]],
  ],
});

/** The jobs in the order in which they were asked for. */
function recorded(queue: JobQueue, jobs: Job[], failAt = Number.POSITIVE_INFINITY): JobQueue {
  return {
    ...queue,
    run: async (job) => {
      if (jobs.length >= failAt) throw new ThimbleError('E_INTERRUPTED', 'stopped', []);
      jobs.push(job);
      return queue.run(job);
    },
  };
}

async function swept(name: string, options: { set?: typeof set; failAt?: number; context?: SweepContext } = {}) {
  const bench = await openWorkbench(options.context ?? context);
  const jobs: Job[] = [];
  const queue = recorded(queueHere(bench, {}), jobs, options.failAt);
  const result = await sweep(bench, options.set ?? set, { queue, store: stagesIn(join(folder, name)) }).catch(
    (error: ThimbleError) => error,
  );
  return { result, jobs };
}
const resultOf = ({ result }: Awaited<ReturnType<typeof swept>>) => {
  if (result instanceof Error) throw result;
  return result;
};

describe('a sweep', () => {
  it('carries every point out once, what points share only once, and measures each', async () => {
    const run = await swept('whole');
    const { points, failed, jobs } = resultOf(run);
    expect(failed).toEqual([]);
    expect(points.map(({ name }) => name)).toEqual([
      'a8w8',
      'a8w8-mse',
      'prune50-a8w8',
      'prune50-a8w8-mse',
      'macs40-a8w8',
      'macs40-a8w8-mse',
    ]);
    const steps = run.jobs.filter(({ kind }) => kind === 'step') as (Job & { kind: 'step' })[];
    expect(steps.filter(({ step }) => 'prune' in step)).toHaveLength(2);
    expect(steps.filter(({ step }) => 'train' in step)).toHaveLength(1);
    expect(steps.filter(({ step }) => 'quantize' in step)).toHaveLength(6);
    expect(jobs).toEqual({ computed: run.jobs.length, found: 0 });
    expect(new Set(run.jobs.map(({ id }) => id)).size).toBe(run.jobs.length);
    const [whole, , half] = points;
    expect(half!.measured.macs).toBeLessThan(0.6 * whole!.measured.macs);
    for (const { measured, held } of points) {
      expect(measured.instructions.origin).toBe('estimate'); // no board, no core
      expect(measured.flash).toEqual({ bytes: measured.weightBytes, basis: 'without code' });
      expect(held.n).toBe(40);
    }
  });

  it('goes on where it was stopped, and finds the same', async () => {
    const stopped = await swept('stopped', { failAt: 9 });
    expect(stopped.result).toMatchObject({ code: 'E_INTERRUPTED' });
    const again = await swept('stopped');
    const { jobs, ...rest } = resultOf(again);
    expect(jobs.found).toBeGreaterThan(5);
    const { jobs: whole, ...expected } = resultOf(await swept('whole'));
    expect(jobs.found + jobs.computed).toBe(whole.found + whole.computed);
    expect(rest).toEqual(expected);
    expect(whole.computed).toBe(0);
  });

  it('computes a damaged stage anew', async () => {
    const { jobs } = await swept('damaged');
    writeFileSync(join(folder, 'damaged', `${jobs[1]!.id}.json`), '{"id":');
    expect(resultOf(await swept('damaged')).jobs.computed).toBe(1);
  });

  it('chooses nothing by the test samples: other labels there change the last table alone', async () => {
    const lines = readFileSync(context.test!.path, 'utf8').split('\n');
    const turned = lines.map((line) => line.replace(/(bright|dark)$/, (x) => (x === 'dark' ? 'bright' : 'dark')));
    const path = join(folder, 'turned.csv');
    writeFileSync(path, turned.join('\n'));
    const other = resultOf(await swept('turned', { context: { ...context, test: { path } } }));
    const { points } = resultOf(await swept('whole'));
    const choice = (all: typeof points) =>
      all.map(({ name, sha256, held, onFront }) => ({ name, sha256, held, onFront }));
    expect(choice(other.points)).toEqual(choice(points));
    expect(other.float.test.hits + resultOf(await swept('whole')).float.test.hits).toBe(60);
    const { jobs } = await swept('order');
    const scored = jobs.flatMap((job, i) => (job.kind === 'score' && job.on === 'test' ? [i] : []));
    expect(Math.min(...scored)).toBeGreaterThan(jobs.findLastIndex((job) => job.kind === 'measure'));
    expect(scored).toHaveLength(1 + points.filter(({ onFront }) => onFront).length);
  });

  it('begins anew where seed, data or a step are others', async () => {
    const { jobs } = await swept('whole');
    expect(jobs).toHaveLength(0);
    const seeded = await swept('whole', { context: { ...context, seed: 2 } });
    expect(resultOf(seeded).jobs.computed).toBeGreaterThan(10);
  });

  it('halves: the better half after a quarter of the epochs, which then trains to its end', async () => {
    const halving = parseSweepSet({
      name: 'halving',
      strategy: { kind: 'halving' },
      grid: [
        [[], [{ prune: { channels: 0.25 } }], [{ prune: { channels: 0.5 } }], [{ prune: { channels: 0.75 } }]],
        [[{ train: { epochs: 4, learningRate: 0.01 } }, { quantize: 'a8w8' }]],
      ],
    });
    const run = await swept('halving', { set: halving });
    const { points, dropped } = resultOf(run);
    expect([points.length, dropped.length]).toEqual([2, 2]);
    const epochs = run.jobs.flatMap((job) =>
      job.kind === 'step' && 'train' in job.step ? [job.step.train.epochs] : [],
    );
    expect(epochs).toEqual([1, 1, 1, 1, 4, 4]);
  });

  it('tells of a point that fails, and carries the others out', async () => {
    const bad = parseSweepSet({
      name: 'bad',
      points: [
        { name: 'fine', steps: [{ quantize: 'a8w8' }] },
        {
          name: 'diverges',
          steps: [{ train: { epochs: 1, learningRate: 1, optimizer: 'sgd', momentum: 0.99 } }, { quantize: 'a8w8' }],
        },
      ],
    });
    const bench = await openWorkbench(context);
    const here = queueHere(bench, {});
    const queue: JobQueue = {
      ...here,
      run: async (job) => {
        if (job.kind === 'step' && 'train' in job.step)
          throw new ThimbleError('E_TRAINING', 'the loss is NaN', 'Slower.');
        return here.run(job);
      },
    };
    const result = await sweep(bench, bad, { queue, store: stagesIn(join(folder, 'bad')) });
    expect(result.points.map(({ name }) => name)).toEqual(['fine']);
    expect(result.failed).toMatchObject([{ name: 'diverges', error: { code: 'E_TRAINING' } }]);
    const alone = { ...bad, points: bad.points.slice(1) };
    await expect(sweep(bench, alone, { queue, store: stagesIn(join(folder, 'worse')) })).rejects.toThrow('NaN');
  });

  it('does not hang where a worker dies, and says how it died', async () => {
    const queue = workerQueue(context, 2); // its processes lack the loader that understands TypeScript here
    const job: Job = { kind: 'score', id: 'any', on: 'selection', model: null };
    const told = { code: 'E_ENGINE', message: expect.stringMatching(/died \(exit code 1\)[\s\S]*\.ts/) };
    await expect(queue.run(job)).rejects.toMatchObject(told);
    await expect(queue.run(job)).rejects.toMatchObject(told);
    await queue.close();
  });

  it('goes on in real numbers behind a quantize step, with weights on its grid', async () => {
    const order = parseSweepSet({
      name: 'order',
      points: [{ steps: [{ quantize: 'a8w8' }, { prune: { channels: 0.25 } }, { quantize: 'a8w8' }] }],
    });
    const { points } = resultOf(await swept('behind', { set: order }));
    expect(points).toMatchObject([{ name: 'a8w8-prune25-a8w8', held: { n: 40 } }]);
  });

  it('writes RFC 4180 and an SVG with every point', async () => {
    const result = resultOf(await swept('whole'));
    const named = { ...result, points: result.points.map((point) => ({ ...point, name: `"${point.name}", mine` })) };
    const [header, first, ...others] = sweepCsv(named).trimEnd().split('\r\n');
    expect(first!.startsWith('"""a8w8"", mine",')).toBe(true);
    expect(first!.split(',').length - 1).toBe(header!.split(',').length); // one comma is in quotes
    expect(others).toHaveLength(5);
    const svg = await sweepPlot(result);
    const told = [...svg.matchAll(/aria-label="([\w-]+): ([\d.]+) %"/g)].map(([, name, accuracy]) => [name, accuracy]);
    expect(told).toEqual(result.points.map(({ name, held }) => [name, (100 * held.value).toFixed(2)]));
    expect(svg).toContain(`seed 1, model ${result.fingerprint.model.slice(0, 12)}`);
    expect(svg).toMatch(/^<svg [\s\S]*accuracy, %[\s\S]*<\/svg>\n$/);
  });
});

describe('a set of recipes', () => {
  it.each(sweepSetNames())('ships: %s', (name) => {
    const { points, about } = loadSweepSet(name);
    expect(points.length).toBeGreaterThan(3);
    expect(about.length).toBeGreaterThan(40);
  });

  it.each([
    [{ name: 'x', point: [] }, '"point"'],
    [{ name: 'X Y', points: [] }, '$.name'],
    [{ name: 'x' }, 'there are no points'],
    [{ name: 'x', points: [{ steps: [{ quantise: 'a8w8' }] }] }, '$.points[0].steps[0]: a step has one key'],
    [{ name: 'x', points: [{ steps: [{ quantize: 'a9w9' }] }] }, '$.points[0].steps[0].quantize: no recipe is called'],
    [{ name: 'x', points: [{ steps: [{ quantize: { qatt: {} } }] }] }, '"qatt"'],
    [
      { name: 'x', points: [{ steps: [{ prune: { channels: 1 } }, { quantize: 'a8w8' }] }] },
      '$.points[0].steps[0].prune.channels',
    ],
    [{ name: 'x', points: [{ steps: [{ prune: { channels: 0.5, macs: 0.5 } }] }] }, 'either channels or macs'],
    [{ name: 'x', points: [{ steps: [{ train: { epoch: 3 } }] }] }, '"epoch"'],
    [{ name: 'x', points: [{ steps: [{ prune: { macs: 0.5 } }] }] }, 'the last step must be quantize'],
    [{ name: 'x', grid: [[[{ quantize: 'a8w8' }], [{ quantize: 'a8w8' }]]] }, 'two points are called "a8w8"'],
    [
      { name: 'x', points: [{ steps: [{ quantize: 'a8w8' }] }], strategy: { kind: 'halving', rounds: [0.5, 0.25] } },
      'rounds',
    ],
    [{ name: 'x', points: [{ steps: [{ quantize: 'a8w8' }] }], objectives: ['latency'] }, '$.objectives[0]'],
  ])('refuses %j', (json, message) => {
    expect(() => parseSweepSet(json)).toThrow(
      expect.objectContaining({ code: 'E_RECIPE', message: expect.stringContaining(message) }),
    );
  });

  it('shortens what trains, and nothing else', () => {
    const [prune, again] = parseSweepSet({
      name: 'x',
      points: [{ steps: [{ prune: { channels: 0.5 } }, { train: {} }, { quantize: 'qat-a8w8' }] }],
    }).points[0]!.steps;
    expect(shortened(prune!, 0.25)).toBe(prune);
    expect(shortened(again!, 0.4)).toMatchObject({ train: { epochs: 2 } }); // of 5
    expect(shortened(again!, 0.01)).toMatchObject({ train: { epochs: 1 } });
  });
});

describe('the Pareto front', () => {
  it('has what nothing dominates, rank by rank', () => {
    expect(
      paretoRanks([
        [3, 1],
        [1, 3],
        [2, 2],
        [1, 1],
        [0, 3],
        [2, 2],
      ]),
    ).toEqual([0, 0, 0, 1, 1, 0]);
    expect(paretoRanks([])).toEqual([]);
  });

  it('ranks any points so that each is beaten by one a rank better, and by none of its own', () => {
    const point = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 20 }), (points) => {
        const ranks = paretoRanks(points);
        for (const [i, each] of points.entries())
          for (const [k, other] of points.entries()) if (ranks[i] === ranks[k] && dominates(other, each)) return false;
        return points.every(
          (each, i) =>
            ranks[i] === 0 || points.some((other, k) => ranks[k] === ranks[i]! - 1 && dominates(other, each)),
        );
      }),
    );
  });
});
