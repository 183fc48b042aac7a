/** CIFAR-10's binary records: one label byte, then 32 × 32 red, green and blue planes. */
import type { Dataset } from '../core/dataset.js';
import { dataError } from './data-errors.js';
import { makeDataset } from './make-dataset.js';

const PLANE = 32 * 32;
const RECORD = 1 + 3 * PLANE;
const labels = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

export const isCifar10 = (bytes: Uint8Array): boolean => {
  if (bytes.length === 0 || bytes.length % RECORD !== 0) return false;
  for (let at = 0; at < bytes.length; at += RECORD) if (bytes[at]! >= labels.length) return false;
  return true;
};

/** Samples are NHWC, bytes as floats 0 … 255. */
export function openCifar10(path: string, content: Uint8Array): Dataset {
  if (content.length % RECORD !== 0)
    throw dataError(
      'E_DATA_FORMAT',
      path,
      `${content.length} bytes are no whole number of records of ${RECORD} bytes`,
      'Give a file of CIFAR-10’s binary version; the download may have been cut.',
    );
  const sampleCount = content.length / RECORD;
  return makeDataset({
    path,
    sampleCount,
    shape: [32, 32, 3],
    content: [content],
    labels,
    classes: Array.from({ length: sampleCount }, (_, i) => content[i * RECORD]!),
    read: (index) => {
      const start = index * RECORD + 1;
      const values = new Float32Array(3 * PLANE);
      for (let pixel = 0; pixel < PLANE; pixel++)
        for (let channel = 0; channel < 3; channel++)
          values[3 * pixel + channel] = content[start + channel * PLANE + pixel]!;
      return values;
    },
  });
}
