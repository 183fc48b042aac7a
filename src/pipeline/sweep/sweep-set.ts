/**
 * A sweep's points by name or from a person's file: a list, or a grid of alternatives. Sets that ship with Thimble are
 * JSON files in sweeps/.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ThimbleError } from '../../core/errors.js';
import { packageFolder } from '../../files/package-folder.js';
import { readFileOf } from '../../files/read-file.js';
import { objectives } from './measure.js';
import { parseStep, pathText, type Step, stepName } from './steps.js';

const steps = z.array(z.unknown());
const setSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'must be a word in lower case, with digits and hyphens'),
  about: z.string().optional(),
  /** What accuracy is held against; a point is on the front where no other is as good in all and better in one. */
  objectives: z.array(z.enum(objectives)).min(1).default(['flash', 'ram', 'instructions']),
  strategy: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('grid') }),
      z.strictObject({
        kind: z.literal('halving'),
        /** Share of the epochs in each round; the last round trains to the end. */
        rounds: z.array(z.number().gt(0).lte(1)).min(2).default([0.25, 1]),
        /** Share of the points that each round passes on. */
        keep: z.number().gt(0).lt(1).default(0.5),
      }),
    ])
    .default({ kind: 'grid' }),
  /** Points in full. */
  points: z.array(z.strictObject({ name: z.string().min(1).optional(), steps })).default([]),
  /** Axes of alternatives, each a list of steps: one of every axis, in their order, makes a point. */
  grid: z.array(z.array(steps).min(1)).default([]),
});

export interface Point {
  readonly name: string; // unique in its set
  readonly steps: readonly Step[]; // the last one quantizes
}

export interface SweepSet {
  readonly name: string;
  readonly about: string;
  readonly objectives: z.infer<typeof setSchema>['objectives'];
  readonly strategy: z.infer<typeof setSchema>['strategy'];
  readonly points: readonly Point[];
}

/** More are a mistake rather than an intention: each is quantized, scored and compiled. */
const MOST_POINTS = 1000;

const folder = join(packageFolder, 'sweeps');

/** Names of the sets that ship with Thimble. */
export const sweepSetNames = (): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.json') && !file.endsWith('.schema.json'))
        .map((file) => file.replace(/\.json$/, ''))
        .sort()
    : [];

/** @throws ThimbleError E_RECIPE with every fault and its place, E_FILE */
export function loadSweepSet(nameOrPath: string): SweepSet {
  const known = sweepSetNames().includes(nameOrPath);
  if (!known && !nameOrPath.endsWith('.json'))
    throw new ThimbleError('E_RECIPE', `no set of recipes is called "${nameOrPath}"`, [
      `Sets that ship with Thimble: ${sweepSetNames().join(', ')}`,
      'A set of your own: --set ./my-sweep.json',
    ]);
  const path = known ? join(folder, `${nameOrPath}.json`) : nameOrPath;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(readFileOf('the set of recipes', path)));
  } catch (cause) {
    if (cause instanceof ThimbleError) throw cause;
    throw new ThimbleError('E_RECIPE', `${path} is not JSON`, 'Mend the place that the line below names.', { cause });
  }
  return parseSweepSet(json);
}

/** @throws ThimbleError E_RECIPE with every fault and its JSON path */
export function parseSweepSet(json: unknown): SweepSet {
  const parsed = setSchema.safeParse(json);
  if (!parsed.success) throw invalid(parsed.error.issues.map(({ path, message }) => `$${pathText(path)}: ${message}`));
  const { name, about = '', objectives, strategy, points: listed, grid } = parsed.data;
  const faults: string[] = [];
  const stepsOf = (list: readonly unknown[], path: string): Step[] =>
    list.flatMap((each, i) => {
      const result = parseStep(each, `${path}[${i}]`);
      if ('step' in result) return [result.step];
      faults.push(...result.faults);
      return [];
    });
  const points = listed.map((point, i) => {
    const own = stepsOf(point.steps, `$.points[${i}].steps`);
    return { name: point.name ?? nameOf(own), steps: own };
  });
  const axes = grid.map((axis, i) => axis.map((alternative, k) => stepsOf(alternative, `$.grid[${i}][${k}]`)));
  if (axes.length > 0 && axes.reduce((count, axis) => count * axis.length, 1) <= MOST_POINTS)
    for (const combined of combinations(axes)) points.push({ name: nameOf(combined), steps: combined });
  else if (axes.length > 0) faults.push(`$.grid: more than ${MOST_POINTS} points`);
  if (faults.length === 0) faults.push(...pointFaults(points), ...roundFaults(strategy));
  if (faults.length > 0) throw invalid(faults);
  return { name, about, objectives, strategy, points };
}

function pointFaults(points: readonly Point[]): string[] {
  if (points.length === 0) return ['$: there are no points: give "points" or "grid"'];
  if (points.length > MOST_POINTS) return [`$: ${points.length} points, and ${MOST_POINTS} are the most`];
  const names = points.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  return [
    ...points
      .filter(({ steps: own }) => own.length === 0 || !('quantize' in own.at(-1)!))
      .map(({ name }) => `point "${name}": the last step must be quantize: only integers are measured on a board`),
    ...(twice === undefined ? [] : [`two points are called "${twice}": name them in "points", or name their recipes`]),
  ];
}

function roundFaults(strategy: SweepSet['strategy']): string[] {
  if (strategy.kind === 'grid') return [];
  const { rounds } = strategy;
  return rounds.at(-1) === 1 && rounds.every((part, i) => i === 0 || part > rounds[i - 1]!)
    ? []
    : ['$.strategy.rounds: they must rise and end in 1'];
}

/** 'prune50-a8w8': training is understood where something was pruned before it. */
const nameOf = (own: readonly Step[]): string =>
  own
    .filter((step, i) => stepName(step) !== 'train' || i === 0 || !('prune' in own[i - 1]!))
    .map(stepName)
    .join('-');

const combinations = (axes: readonly (readonly (readonly Step[])[])[]): readonly Step[][] =>
  axes.reduce<Step[][]>((made, axis) => made.flatMap((begun) => axis.map((more) => [...begun, ...more])), [[]]);

const invalid = (faults: readonly string[]): ThimbleError =>
  new ThimbleError('E_RECIPE', `the set of recipes is not valid: ${faults.slice(0, 8).join('; ')}`, [
    'docs/sweeps.md shows what a set may say.',
    `Sets to start from: ${sweepSetNames().join(', ')}, in ${folder}`,
  ]);
