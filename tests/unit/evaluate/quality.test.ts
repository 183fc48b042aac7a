/** Figures of scikit-learn 1.9.1 (and numpy for the calibration error) for the same answers, unless something else is said. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/core/dataset.js';
import type { Engine } from '../../../src/core/engine.js';
import type { TensorSpec } from '../../../src/core/tensor.js';
import { areaUnderCurve, oneVersusRest } from '../../../src/evaluate/auc.js';
import { classMetrics, macroF1 } from '../../../src/evaluate/class-metrics.js';
import { expectedCalibrationError, probabilitiesOf } from '../../../src/evaluate/confidence.js';
import { hitsOf, qualityOf } from '../../../src/evaluate/quality.js';
import { scoreEngine } from '../../../src/evaluate/score.js';

describe('precision, recall and F1', () => {
  const confusion = [
    [2, 1, 1],
    [1, 2, 0],
    [1, 1, 3],
  ];

  it('are those of precision_recall_fscore_support', () => {
    const metrics = classMetrics(confusion);
    const column = (key: 'precision' | 'recall' | 'f1') => metrics.map((each) => each[key]);
    expect(column('precision')).toEqual([0.5, 0.5, 0.75]);
    expect(column('recall')).toEqual([0.5, 2 / 3, 0.6]);
    expect(column('f1')).toEqual([0.5, 0.5714285714285714, 0.6666666666666666]);
    expect(metrics.map(({ samples }) => samples)).toEqual([4, 3, 5]);
    expect(macroF1(metrics)).toBeCloseTo(0.5793650793650794, 12);
  });

  it('say nothing of a class that never occurs, and leave it out of the mean', () => {
    const metrics = classMetrics([
      [3, 0, 0],
      [1, 0, 0],
      [0, 0, 0],
    ]);
    expect(metrics[1]).toMatchObject({ precision: null, recall: 0, f1: 0 });
    expect(metrics[2]).toMatchObject({ precision: null, recall: null, f1: null });
    expect(macroF1(metrics)).toBeCloseTo(6 / 7 / 2, 12);
  });
});

describe('the area under the ROC curve', () => {
  it('is that of roc_auc_score, ties counting half', () => {
    const positive = [0, 0, 1, 1, 0, 1, 1, 0, 1, 0].map(Boolean);
    expect(areaUnderCurve([-5, 3, 3, 7, -5, 7, -5, 0, 12, 3], positive)).toBeCloseTo(0.8, 12);
  });

  it('is the mean over one against the rest', () => {
    const classes = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2];
    const outputs = [
      [0.7, 0.2, 0.1],
      [0.5, 0.3, 0.2],
      [0.3, 0.4, 0.3],
      [0.2, 0.3, 0.5],
      [0.1, 0.8, 0.1],
      [0.25, 0.5, 0.25],
      [0.6, 0.3, 0.1],
      [0.05, 0.05, 0.9],
      [0.2, 0.2, 0.6],
      [0.1, 0.1, 0.8],
      [0.5, 0.2, 0.3],
      [0.3, 0.4, 0.3],
    ];
    const { byClass, macro } = oneVersusRest(outputs, classes, 3);
    [0.734375, 0.8888888888888888, 0.9142857142857143].forEach((auc, k) => {
      expect(byClass[k]).toBeCloseTo(auc, 12);
    });
    expect(macro).toBeCloseTo(0.8458498677248677, 12);
  });

  it('is nothing where one group is empty', () => {
    expect(areaUnderCurve([1, 2], [true, true])).toBeNull();
    expect(oneVersusRest([[1, 0]], [0], 2)).toEqual({ byClass: [null, null], macro: null });
  });

  it('is the share of pairs in the right order, whatever grows the scores in order', () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: -128, max: 127 }), fc.boolean()), {
      minLength: 2,
      maxLength: 60,
    });
    fc.assert(
      fc.property(pairs, (samples) => {
        const [scores, positive] = [samples.map(([score]) => score), samples.map(([, is]) => is)];
        const [p, n] = [true, false].map((is) => scores.filter((_, i) => positive[i] === is));
        const wins = p!.flatMap((a) => n!.map((b): number => (a > b ? 1 : a === b ? 0.5 : 0)));
        const expected = wins.length === 0 ? null : wins.reduce((sum, win) => sum + win, 0) / wins.length;
        for (const each of [scores, scores.map((score) => 0.003 * (score + 128))]) {
          const auc = areaUnderCurve(each, positive);
          if (expected === null) expect(auc).toBeNull();
          else expect(auc).toBeCloseTo(expected, 10);
        }
      }),
    );
  });
});

describe('the expected calibration error', () => {
  const confidences = [0.55, 0.62, 0.71, 0.93, 0.88, 0.97, 0.51, 0.77, 0.66, 0.9, 0.35, 0.4];
  const right = [1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1].map(Boolean);

  it.each([
    [5, 0.21916666666666668],
    [10, 0.3225],
    [15, 0.31083333333333335],
  ])('in %i bins is what numpy.digitize gives', (bins, expected) => {
    const probabilities = confidences.map((p) => [p, ...new Array(4).fill((1 - p) / 4)]);
    expect(expectedCalibrationError(probabilities, right, bins)).toBeCloseTo(expected, 12);
  });

  it('takes logits through softmax, and leaves probabilities alone', () => {
    const probabilities = [Float32Array.of(0.25, 0.746), Float32Array.of(0, 0.996)]; // as int8 steps leave them
    expect(probabilitiesOf(probabilities)).toBe(probabilities);
    const [first] = probabilitiesOf([Float32Array.of(0, Math.log(3)), Float32Array.of(5, -2)]);
    expect(first![1]).toBeCloseTo(0.75, 6);
  });
});

const data = (labels: string[], samples: number[][], classes: number[]): Dataset => ({
  name: 'few',
  sampleCount: samples.length,
  shape: [samples[0]!.length],
  values: 'raw',
  labels,
  sha256: '',
  sample: (i) => Float32Array.from(samples[i]!),
  classOf: (i) => classes[i],
});
const engine = (run: (x: Float32Array) => Float32Array | Int8Array): Engine => ({
  name: 'stand-in',
  origin: 'host',
  run: async ([x]) => [run(x as Float32Array)],
  close: async () => {},
});
const spec = (size: number): TensorSpec => ({ name: 'x', shape: [1, size], dtype: 'float32' });

describe('detectors', () => {
  it('with one output say their class from 0.5 on, in the units that int8 stands for', async () => {
    const output: TensorSpec = {
      name: 'y',
      shape: [1, 1],
      dtype: 'int8',
      quant: { scale: [1 / 256], zeroPoint: [-128], axis: null },
    };
    const dataset = data(['no', 'yes'], [[-128], [-1], [0], [100]], [0, 1, 1, 1]);
    const model = { inputs: [spec(1)], outputs: [output] };
    const score = await scoreEngine(
      engine((x) => Int8Array.from(x)),
      model,
      dataset,
      { indices: [0, 1, 2, 3] },
    );
    expect([...score.predictions]).toEqual([0, 0, 1, 1]);
    expect(score.accuracy).toMatchObject({ hits: 3, n: 4 });
    expect(hitsOf(score)).toEqual([true, false, true, true]);
    expect(qualityOf(score, output, 2)).toMatchObject({ auc: 1, aucByClass: null });
  });

  it('that give their input back detect by the error, whichever label is the unusual one; they have no accuracy', async () => {
    const samples = [
      [1, 1, 1],
      [1, 1.1, 1],
      [4, 1, 1],
      [1, 1, 1.05],
    ];
    const model = { inputs: [spec(3)], outputs: [spec(3)] };
    for (const [labels, classes] of [
      [
        ['anomaly', 'normal'],
        [1, 1, 0, 0],
      ],
      [
        ['normal', 'odd'],
        [0, 0, 1, 1],
      ],
    ] as const) {
      const ones = engine((x) => x.fill(1)); // consumes its input, as emitted C does
      const score = await scoreEngine(ones, model, data([...labels], samples, [...classes]), { indices: [0, 1, 2, 3] });
      expect(score).toMatchObject({ accuracy: null, confusion: null, task: { kind: 'reconstruction' } });
      expect(qualityOf(score, spec(3), 2)).toMatchObject({ auc: 0.75, calibrationError: null, classes: null });
    }
  });
});
