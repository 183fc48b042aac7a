/** Least squares of a layer's weights, out of sums that are gathered batch by batch. */
import type { TF } from '../kernels/heap.js';
import { cholesky, solveCholesky } from './linear-algebra.js';

/** What pulls weights towards those before, as a share of the mean power of an input. */
const RIDGE = 1e-2;

/** Sums over places of what a layer sees (x), of what it is to give (y), and of their products. */
export class Moments {
  private count = 0;
  private readonly x: Float64Array;
  private readonly y: Float64Array;
  private readonly xx: Float64Array; // [taps, taps]
  private readonly xy: Float64Array; // [taps, outputs]

  constructor(
    private readonly taps: number,
    private readonly outputs: number,
  ) {
    this.x = new Float64Array(taps);
    this.y = new Float64Array(outputs);
    this.xx = new Float64Array(taps * taps);
    this.xy = new Float64Array(taps * outputs);
  }

  add(lib: TF, rows: Float32Array, targets: Float32Array): void {
    const { taps, outputs } = this;
    const count = rows.length / taps;
    const [xx, xy] = lib.tidy(() => {
      const x = lib.transpose(lib.tensor2d(rows, [count, taps])) as ReturnType<TF['tensor2d']>;
      const products = (of: Float32Array, width: number): Float32Array =>
        lib.matMul(x, lib.tensor2d(of, [count, width])).dataSync<'float32'>();
      return [products(rows, taps), products(targets.slice(), outputs)];
    });
    accumulate(this.xx, xx!);
    accumulate(this.xy, xy!);
    for (let i = 0; i < rows.length; i++) this.x[i % taps]! += rows[i]!;
    for (let i = 0; i < targets.length; i++) this.y[i % outputs]! += targets[i]!;
    this.count += count;
  }

  /**
   * Least Σ (W x + b − y)² + ridge · (W − before)². Without a bias, through the origin.
   * @param before [outputs, taps]
   */
  solve(before: Float32Array, withBias: boolean): { readonly weights: Float32Array; readonly bias: Float32Array } {
    const { taps, outputs, count } = this;
    const mean = (sums: Float64Array): Float64Array => sums.map((sum) => (withBias ? sum / count : 0));
    const [x, y] = [mean(this.x), mean(this.y)];
    const system = this.xx.map((sum, i) => sum / count - x[Math.floor(i / taps)]! * x[i % taps]!);
    let power = 0;
    for (let i = 0; i < taps; i++) power += system[i * taps + i]!;
    const pull = (RIDGE * power) / taps + 1e-12;
    for (let i = 0; i < taps; i++) system[i * taps + i]! += pull;
    const l = cholesky(system, taps);
    const weights = new Float32Array(outputs * taps);
    const bias = new Float32Array(outputs);
    for (let o = 0; o < outputs; o++) {
      const wanted = Float64Array.from(
        { length: taps },
        (_, i) => this.xy[i * outputs + o]! / count - x[i]! * y[o]! + pull * before[o * taps + i]!,
      );
      const solved = solveCholesky(l, taps, wanted);
      weights.set(solved, o * taps);
      bias[o] = y[o]! - solved.reduce((sum, w, i) => sum + w * x[i]!, 0);
    }
    return { weights, bias };
  }
}

function accumulate(sums: Float64Array, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) sums[i]! += values[i]!;
}
