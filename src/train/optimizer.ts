/**
 * Adam and stochastic gradient descent with momentum, on plain arrays: all of their state can be kept and brought back,
 * so that a training that was stopped goes on bit for bit. (TensorFlow.js' own round the powers of β anew when their
 * state is restored.)
 */
export interface OptimizerChoice {
  readonly optimizer: 'adam' | 'sgd';
  readonly momentum: number; // of sgd, 0 … 1
  readonly weightDecay: number; // share of every weight that a step at learning rate 1 takes away, beside the gradient
}

export interface Optimizer {
  /** Moves `values` in place. @param index which variable this is, the same one at every step */
  move(index: number, values: Float32Array, gradient: ArrayLike<number>, learningRate: number): void;
  /** Call once after all variables of a step have moved. */
  stepDone(): void;
  state(): { readonly steps: number; readonly moments: readonly Float32Array[] };
  restore(state: { readonly steps: number; readonly moments: readonly Float32Array[] }): void;
}

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-7]; // Adam's, as Keras has them

export function createOptimizer({ optimizer, momentum, weightDecay }: OptimizerChoice): Optimizer {
  let steps = 0;
  let moments: Float32Array[] = []; // adam: two a variable, sgd: one
  const perVariable = optimizer === 'adam' ? 2 : 1;
  const momentOf = (index: number, k: number, length: number): Float32Array => {
    const at = index * perVariable + k;
    while (moments.length <= at) moments.push(new Float32Array(0)); // not yet moved
    if (moments[at]!.length === 0) moments[at] = new Float32Array(length);
    return moments[at]!;
  };

  function adam(index: number, values: Float32Array, gradient: ArrayLike<number>, rate: number): void {
    const [first, second] = [momentOf(index, 0, values.length), momentOf(index, 1, values.length)];
    const [bias1, bias2] = [1 - BETA1 ** (steps + 1), 1 - BETA2 ** (steps + 1)];
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i]!;
      first[i] = BETA1 * first[i]! + (1 - BETA1) * g;
      second[i] = BETA2 * second[i]! + (1 - BETA2) * g * g;
      values[i]! -=
        (rate * first[i]!) / bias1 / (Math.sqrt(second[i]! / bias2) + EPSILON) + rate * weightDecay * values[i]!;
    }
  }

  function sgd(index: number, values: Float32Array, gradient: ArrayLike<number>, rate: number): void {
    const velocity = momentOf(index, 0, values.length);
    for (let i = 0; i < values.length; i++) {
      velocity[i] = momentum * velocity[i]! + gradient[i]!;
      values[i]! -= rate * (velocity[i]! + weightDecay * values[i]!);
    }
  }

  return {
    move: optimizer === 'adam' ? adam : sgd,
    stepDone: () => {
      steps++;
    },
    state: () => ({ steps, moments: moments.map((moment) => moment.slice()) }),
    restore(state) {
      steps = state.steps;
      moments = state.moments.map((moment) => moment.slice());
    },
  };
}

export interface Schedule {
  readonly schedule: 'cosine' | 'constant';
  readonly warmUp: number; // share of all steps in which the rate rises from 0, along a line
}

/** The factor on the learning rate before step `done` of `total`. */
export function scheduleFactor({ schedule, warmUp }: Schedule, done: number, total: number): number {
  const rising = warmUp * total;
  if (done < rising) return (done + 1) / (rising + 1);
  if (schedule === 'constant') return 1;
  return (1 + Math.cos((Math.PI * (done - rising)) / (total - rising))) / 2;
}
