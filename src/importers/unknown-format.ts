/** Says what a file that no importer reads looks like, and how to get a model that one does. */
import { ThimbleError } from '../core/errors.js';
import type { Importer, ModelFile } from './model-file.js';

interface Lookalike {
  readonly what: string;
  readonly starts: string; // latin1
  readonly at?: number;
  readonly wayOut: string;
}

const convert = 'Convert it to TensorFlow Lite first: tf.lite.TFLiteConverter in Python, then give the .tflite.';
const viaOnnx = 'Export it to .tflite: ai-edge-torch converts PyTorch models, onnx2tf converts ONNX.';

const lookalikes: readonly Lookalike[] = [
  { what: 'a TensorFlow Lite model of an unknown version', starts: 'TFL', at: 4, wayOut: convert },
  {
    what: 'a zip archive (.keras, .zip or a PyTorch .pt)',
    starts: 'PK\x03\x04',
    wayOut: 'Save a Keras model as .h5 (model.save("model.h5")), or convert to .tflite; unpack other archives first.',
  },
  { what: 'an HDF5 file', starts: '\x89HDF\r\n\x1a\n', wayOut: 'Save the whole Keras model with model.save("m.h5").' },
  { what: 'a GGUF language model', starts: 'GGUF', wayOut: 'Such models do not fit a microcontroller.' },
  { what: 'a Python pickle (PyTorch .pt or .pth)', starts: '\x80\x02', wayOut: viaOnnx },
  { what: 'a NumPy array', starts: '\x93NUMPY', wayOut: 'This is data: pass it with --data, and a model file first.' },
  { what: 'a PNG image', starts: '\x89PNG', wayOut: 'This is data: pass it with --data, and a model file first.' },
  {
    what: 'a JPEG image',
    starts: '\xff\xd8\xff',
    wayOut: 'This is data: pass it with --data, and a model file first.',
  },
  { what: 'a WAV recording', starts: 'RIFF', wayOut: 'This is data: pass it with --data, and a model file first.' },
  { what: 'a gzip archive', starts: '\x1f\x8b', wayOut: 'Unpack it first: gunzip FILE.' },
  { what: 'an ELF program', starts: '\x7fELF', wayOut: 'Give the model that the firmware was built from.' },
  {
    what: 'a Git LFS pointer, not the model itself',
    starts: 'version https://git-lfs',
    wayOut: 'Fetch the file: git lfs pull.',
  },
];

/** The error for a file that no importer recognizes. */
export function unknownFormat({ name, bytes }: ModelFile, importers: readonly Importer[]): ThimbleError {
  const { what, wayOut } = describe(name, bytes);
  return new ThimbleError('E_MODEL_FORMAT', `"${name}" is no model that Thimble reads: it looks like ${what}`, [
    wayOut,
    `Thimble reads ${importers.map((importer) => importer.reads).join(', ')}.`,
  ]);
}

function describe(name: string, bytes: Uint8Array): { readonly what: string; readonly wayOut: string } {
  if (bytes.length === 0)
    return { what: 'an empty file', wayOut: 'Export the model again; the last export or download was cut short.' };
  const known = lookalikes.find(({ starts, at = 0 }) => textAt(bytes, at, starts.length) === starts);
  if (known) return known;
  const head = textAt(bytes, 0, 4096);
  if (bytes[0] === 0x08 && /\.onnx$/i.test(name)) return { what: 'an ONNX model', wayOut: viaOnnx };
  if (bytes[0] === 0x08 && /ir_version|onnx|pytorch|tf2onnx/.test(head))
    return { what: 'an ONNX model', wayOut: viaOnnx };
  if (/\.pb$/i.test(name) || /saved_model|StatefulPartitionedCall/.test(head))
    return { what: 'a TensorFlow SavedModel or graph (.pb)', wayOut: convert };
  if (/^\s*</.test(head))
    return { what: 'a web page', wayOut: 'Download the raw file: the link led to a page about it.' };
  if (/^\s*[{[]/.test(head))
    return { what: 'JSON that is no TF.js LayersModel', wayOut: 'Save the model with model.save() of TensorFlow.js.' };
  if (/^[\s\x20-\x7e]*$/.test(head))
    return { what: 'text', wayOut: 'Check the path: models are binary files or a model.json.' };
  return { what: 'binary data of an unknown kind', wayOut: convert };
}

const textAt = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));
