/** Samples to calibrate, train and score with. Read lazily where it pays; values are raw, before any preprocessing. */
export interface Dataset {
  readonly name: string;
  readonly sampleCount: number;
  readonly shape: readonly number[]; // of one sample, without batch: [28, 28, 1]
  /**
   * raw: floats in the unit of the source (a PNG's bytes are 0 … 255), to be preprocessed for the model.
   * quantized: already the int8 model's input bytes; a float model cannot take them.
   */
  readonly values: 'raw' | 'quantized';
  readonly labels: readonly string[]; // class names in class order; empty where the data has none
  readonly sha256: string; // of the source bytes
  sample(index: number): Float32Array; // row-major, elementCount(shape) values, finite
  classOf(index: number): number | undefined;
}
