/** Data sets: files → samples. One file for each format; open-dataset.ts tells them apart. */
export { type DatasetFormat, type DatasetOptions, datasetFormats, openDataset } from './open-dataset.js';
export { splitDataset, stratifiedIndices, subset } from './split.js';
