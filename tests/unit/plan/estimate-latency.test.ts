import { describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import { cores } from '../../../src/core/board-spec.js';
import {
  type Calibration,
  cyclesPerInstruction,
  estimateLatency,
  fitCycles,
} from '../../../src/plan/estimate-latency.js';

const pico = loadBoard('pico'); // 125 MHz
const calibration: Calibration = {
  board: 'rpi-pico',
  origin: 'device',
  date: '2026-01-31',
  model: 'kws.tflite',
  optimize: 'balanced',
  clockHz: 125e6,
  latencyUs: 160_000,
  instructions: 10_000_000,
  cyclesPerInstruction: 2,
  spread: 0.1,
};

describe('estimateLatency', () => {
  it('is instructions times cycles over the clock, between bounds that hold both errors', () => {
    const { origin, us, lowUs, highUs } = estimateLatency(1_250_000, pico, calibration);
    expect(origin).toBe('estimate');
    expect(us).toBeCloseTo(20_000, 6); // 1.25 M · 2 / 125 MHz
    expect(lowUs).toBeCloseTo(20_000 * 0.9 * 0.85, 6);
    expect(highUs).toBeCloseTo(20_000 * 1.1 * 1.15, 6);
  });

  it('says what it rests on', () => {
    expect(cyclesPerInstruction(pico, null).basis).toBe('assumed for the core cortex-m0plus, not measured');
    expect(cyclesPerInstruction(pico, calibration).basis).toBe('fitted to kws.tflite on this board, 2026-01-31');
    const virtual = { ...calibration, origin: 'virtual-cycles' as const };
    expect(cyclesPerInstruction(pico, virtual).basis).toContain('virtual board');
  });

  it('has an assumption with a range for every core', () => {
    for (const core of cores) {
      const { value, low, high } = cyclesPerInstruction({ ...pico, core }, null);
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });
});

describe('fitCycles', () => {
  it('finds the cycles of a run whose layers agree', () => {
    const layers = [
      { instructions: 1000, us: 12 },
      { instructions: 4000, us: 48 },
    ];
    const { value, spread } = fitCycles({ instructions: 5000, us: 60 }, layers, 125e6);
    expect(value).toBeCloseTo(1.5, 9);
    expect(spread).toBe(0.05); // no fit is better than that
  });

  it('is as uncertain as its layers lie apart, by their time', () => {
    const layers = [
      { instructions: 1000, us: 10 },
      { instructions: 1000, us: 30 },
      { instructions: 0, us: 1 }, // in place: nothing was predicted
    ];
    // 1.25 and 3.75 cycles, weights 10/41 and 30/41 of the time … by hand with the third left out: 10/40, 30/40
    const mean = 0.25 * 1.25 + 0.75 * 3.75;
    const expected = Math.sqrt(0.25 * (1.25 / mean - 1) ** 2 + 0.75 * (3.75 / mean - 1) ** 2);
    expect(fitCycles({ instructions: 2000, us: 41 }, layers, 125e6).spread).toBeCloseTo(expected, 9);
  });

  it('takes the error of the prediction where a board tells nothing of its layers', () => {
    expect(fitCycles({ instructions: 5000, us: 60 }, [], 125e6).spread).toBe(0.15);
  });
});
