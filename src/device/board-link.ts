/** The commands of a board that has shaken hands. protocol.ts says what each method promises. */
import { ThimbleError } from '../core/errors.js';
import type { PortIdentity, Reading } from '../core/reading.js';
import {
  type Check,
  type Handshake,
  parseCheck,
  parseHandshake,
  parseLap,
  parseLayer,
  parseMemory,
  parseOutput,
  parseReading,
  parseResults,
  type RawReading,
} from './answers.js';
import { resynchronise } from './connect.js';
import { Conversation, type Exchange } from './conversation.js';
import { crc32, crcText } from './crc32.js';
import type { DeviceLayer } from './first-diverging-layer.js';
import type { FramedConversation } from './framed-conversation.js';
import { latencyOf, ticksBetween } from './latency.js';
import type { Line } from './line-reader.js';
import { interrupted, protocolError, restarted } from './link-errors.js';
import type { LinkStatistics } from './link-statistics.js';
import type { ConnectOptions, DeviceLink, InferReport, LinkTimeouts, StreamOptions, StreamReport } from './protocol.js';
import { withAbort } from './with-abort.js';

/** `db ` and 62 digits: the command buffer of the protocol holds 80 characters. */
const PIECE_BYTES = 31;
/** Of loads and of answers that can be asked for again without a change on the board. */
const TRIES = 3;
/** In the binary mode, where a try costs little and a bad cable is to be lived with. */
const FRAMED_TRIES = 10;
const MAX_RUNS = 65_535;

export class BoardLink implements DeviceLink {
  readonly identity: PortIdentity;
  readonly handshake: Handshake;
  readonly #conversation: Conversation | FramedConversation;
  readonly #timeouts: LinkTimeouts;
  readonly #signal: AbortSignal | undefined;
  #loadedCrc: number | undefined; // of the input that the board is to hold
  #outOfStep = false; // an answer failed: what still comes belongs to it

  constructor(
    conversation: Conversation | FramedConversation,
    identity: PortIdentity,
    handshake: Handshake,
    options: ConnectOptions & { readonly timeouts: LinkTimeouts },
  ) {
    this.#conversation = conversation;
    this.identity = identity;
    this.handshake = handshake;
    this.#timeouts = options.timeouts;
    this.#signal = options.signal;
  }

  loadInput(bytes: Uint8Array): Promise<void> {
    if (bytes.length !== this.handshake.inputBytes)
      return Promise.reject(
        new ThimbleError(
          'E_DATA_SHAPE',
          `${bytes.length} bytes of input, but the board’s model "${this.handshake.model}" takes ${this.handshake.inputBytes}`,
          'Use samples of the model that the firmware was made from.',
        ),
      );
    return this.#again(async () => {
      this.#loadedCrc = undefined; // while it is under way, nothing is there that could be lost
      await this.#transfer(bytes);
      const check = await this.#one('check', this.#timeouts.answerMs, (line) =>
        parseCheck(line, this.handshake.hasSums),
      );
      this.#compare('check', bytes, check);
      this.#loadedCrc = check.crc;
    });
  }

  async #transfer(bytes: Uint8Array): Promise<void> {
    if (!(this.#conversation instanceof Conversation)) {
      if (this.#outOfStep) await this.#resynchronise();
      return this.#conversation.load(bytes);
    }
    await this.#quiet(`db load ${bytes.length}`);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      await this.#quiet(`db ${hexOf(bytes.subarray(at, at + PIECE_BYTES))}`);
  }

  /** What the binary mode cost; undefined where the link speaks text. */
  get statistics(): LinkStatistics | undefined {
    return this.#conversation instanceof Conversation ? undefined : { ...this.#conversation.statistics };
  }

  get #framed(): boolean {
    return !(this.#conversation instanceof Conversation);
  }

  run(count: number, warmUps = 0): Promise<readonly Reading[]> {
    checkCounts(count, warmUps);
    const work = async () => {
      const readings: Reading[] = [];
      const command = `run ${count} ${warmUps}`;
      const take = (raw: RawReading | undefined, said = '') => {
        if (raw?.seq !== readings.length || readings.length === count)
          throw protocolError(command, 'sends a damaged reading', said);
        readings.push(this.#reading(raw));
      };
      await this.#exchange({
        command,
        // Nothing is said in the warm-ups, which are inferences too.
        silenceMs: this.#timeouts.inferenceMs * (warmUps + 1),
        onLine: (line) => take(parseReading(line, this.handshake.hasSums), line.text),
        onReading: (raw) => take(raw),
        restart: () => {
          readings.length = 0;
        },
      });
      if (readings.length !== count)
        throw protocolError(command, `sends ${readings.length} readings instead of ${count}`);
      return readings;
    };
    // Over text a command may have reached the board changed: only the person can tell whether to run it again.
    return this.#framed ? this.#again(work) : this.#conversation.inTurn(work);
  }

  output(): Promise<Uint8Array> {
    return this.#again(async () => {
      const bytes = await this.#bytes('output', this.#timeouts.answerMs);
      if (bytes.length !== this.handshake.outputBytes)
        throw protocolError('output', `sends ${bytes.length} bytes of output instead of ${this.handshake.outputBytes}`);
      return bytes;
    });
  }

  layers(): Promise<readonly DeviceLayer[]> {
    return this.#again(async () => {
      const layers: DeviceLayer[] = [];
      await this.#exchange({
        command: 'layers',
        silenceMs: this.#timeouts.inferenceMs,
        onLine: (line) => {
          const raw = parseLayer(line, this.handshake.hasSums);
          if (raw?.layer !== layers.length || raw.layer >= this.handshake.layerCount)
            throw protocolError('layers', 'sends a damaged layer', line.text);
          const latency = latencyOf(raw.ticks, this.handshake.timerHz, this.identity);
          layers.push({ layer: raw.layer, bytes: raw.bytes, crc: raw.crc, latency });
        },
      });
      if (layers.length !== this.handshake.layerCount)
        throw protocolError('layers', `sends ${layers.length} layers instead of ${this.handshake.layerCount}`);
      return layers;
    });
  }

  layer(index: number): Promise<Uint8Array> {
    return this.#again(() => this.#bytes(`layer ${index}`, this.#timeouts.inferenceMs));
  }

  memory(): ReturnType<DeviceLink['memory']> {
    return this.#again(async () => {
      const memory = await this.#one('memory', this.#timeouts.answerMs, (line) =>
        parseMemory(line, this.handshake.hasSums),
      );
      return { kind: 'memory', origin: this.identity.origin, ...memory };
    });
  }

  stream(onReading: (reading: Reading) => void, { count = 0, stop, onGap }: StreamOptions = {}): Promise<StreamReport> {
    return this.#conversation.inTurn(async () => {
      let [readings, damagedLines, missing, last] = [0, 0, 0, -1];
      const end = () => {
        if (!this.#framed) this.#outOfStep = true; // what ends it may come late, and is then a command of its own
        this.#conversation.endStream();
      };
      const take = (raw: RawReading) => {
        const gap = raw.seq - last - 1;
        if (gap > 0) onGap?.(gap, raw.seq);
        missing += gap;
        last = raw.seq;
        readings++;
        onReading(this.#reading(raw));
      };
      const exchange = this.#exchange({
        command: `stream ${count}`,
        silenceMs: this.#timeouts.inferenceMs,
        outlivesAbort: true,
        onLine: (line) => {
          const raw = parseReading(line, this.handshake.hasSums);
          // Without a sum, a number that leaps by more than was seen to be damaged is damaged itself.
          const follows = raw && raw.seq > last && (this.handshake.hasSums || raw.seq <= last + 1 + damagedLines);
          if (!raw || !follows) {
            damagedLines++;
            return;
          }
          take(raw);
        },
        onReading: (raw) => {
          if (raw.seq > last) take(raw);
        },
        restart: () => {
          last = -1;
        },
      });
      await withAbort([stop, this.#signal], end, exchange);
      if (this.#signal?.aborted) throw interrupted();
      if (count > 0 && !stop?.aborted) missing += Math.max(count - 1 - last, 0);
      return { readings, damagedLines, missing };
    });
  }

  inferMlperf(count: number, warmUps: number): Promise<InferReport> {
    checkCounts(count, warmUps);
    const work = async (): Promise<InferReport> => {
      const laps: number[] = [];
      let results: readonly number[] | undefined;
      const command = `infer ${count} ${warmUps}`;
      const expected = [
        `m-warmup-start-${warmUps}`,
        'm-warmup-done',
        `m-infer-start-${count}`,
        'lap',
        'lap',
        'm-infer-done',
        'results',
      ];
      await this.#exchange({
        command,
        // Nothing is said between the laps: all the inferences of a part share its time.
        silenceMs: this.#timeouts.inferenceMs * Math.max(count, warmUps, 1),
        onLine: (line) => {
          const next = expected.shift();
          const lap = parseLap(line);
          if (next === 'lap' && lap !== undefined) laps.push(lap);
          else if (next === 'results') results = parseResults(line);
          else if (line.damaged || line.text !== next) throw protocolError(command, 'sends a damaged line', line.text);
        },
      });
      const [start, end] = laps;
      if (start === undefined || end === undefined || !results)
        throw protocolError(command, 'sends an incomplete answer');
      return { count, results, latency: latencyOf(ticksBetween(start, end), 1e6, this.identity) };
    };
    return this.#framed ? this.#again(work) : this.#conversation.inTurn(work);
  }

  results(): Promise<readonly number[]> {
    return this.#again(() => this.#one('results', this.#timeouts.answerMs, parseResults));
  }

  close(): Promise<void> {
    return this.#conversation.close();
  }

  #reading({ seq, ticks, class: classIndex, score, pre, post }: RawReading): Reading {
    const { origin } = this.identity;
    const latency = (count: number) => latencyOf(count, this.handshake.timerHz, this.identity);
    return {
      ...{ kind: 'inference', origin, sequence: seq, latency: latency(ticks) },
      ...(pre !== undefined && { pre: latency(pre) }),
      ...(post !== undefined && { post: latency(post) }),
      ...{ classIndex, score },
    };
  }

  get #tries(): number {
    return this.#framed ? FRAMED_TRIES : TRIES;
  }

  /** Repeats what changes nothing on the board when its answer came damaged; not what is silent or gone. */
  #again<T>(work: () => Promise<T>): Promise<T> {
    return this.#conversation.inTurn(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await work();
        } catch (error) {
          const worthIt = error instanceof ThimbleError && error.code === 'E_PROTOCOL' && attempt < this.#tries;
          if (!worthIt) throw error;
        }
      }
    });
  }

  /** An exchange in step with the board: after a failure, the rest of the old answer is cleared away first. */
  async #exchange(exchange: Exchange): Promise<void> {
    if (this.#outOfStep) await this.#resynchronise();
    try {
      await this.#conversation.exchange(exchange);
    } catch (error) {
      this.#outOfStep = true;
      throw error;
    }
  }

  async #resynchronise(): Promise<void> {
    const { sha256 } =
      this.#conversation instanceof Conversation
        ? await resynchronise(this.#conversation, this.#timeouts.answerMs)
        : await this.#framedHandshake(this.#conversation);
    if (sha256 !== this.handshake.sha256)
      throw new ThimbleError('E_WRONG_FIRMWARE', 'the board’s firmware changed in the middle of the work', [
        'Leave the board alone while Thimble works with it, and repeat.',
      ]);
    this.#outOfStep = false;
  }

  /** After a restart the firmware is the same, and its input gone: no reading may be taken of that. */
  async #framedHandshake(conversation: FramedConversation): Promise<Handshake> {
    const heard: { handshake?: Handshake | undefined; crc?: number | undefined } = {};
    const ask = (command: string, onLine: (line: Line) => void) =>
      conversation.exchange({ command, silenceMs: this.#timeouts.answerMs, onLine });
    await ask('thimble', (line) => {
      heard.handshake = parseHandshake(line);
    });
    if (this.#loadedCrc !== undefined)
      await ask('check', (line) => {
        heard.crc = parseCheck(line, true)?.crc;
      });
    const { handshake, crc } = heard;
    if (!handshake) throw protocolError('thimble', 'sends a damaged handshake');
    if (crc !== this.#loadedCrc) throw restarted();
    return handshake;
  }

  /** A command whose answer has no figures. */
  #quiet(command: string): Promise<void> {
    return this.#exchange({
      command,
      silenceMs: this.#timeouts.answerMs,
      onLine: (line) => {
        if (!/^m-(?:load-done|\[Expecting \d+ bytes\])$/.test(line.text))
          throw protocolError(command, 'sends a damaged line', line.text);
      },
    });
  }

  /** A command whose answer is one line. */
  async #one<T>(command: string, silenceMs: number, parse: (line: Line) => T | undefined): Promise<T> {
    let value: T | undefined;
    await this.#exchange({
      command,
      silenceMs,
      onLine: (line) => {
        const parsed = parse(line);
        if (parsed === undefined || value !== undefined)
          throw protocolError(command, 'sends a damaged line', line.text);
        value = parsed;
      },
    });
    if (value === undefined) throw protocolError(command, 'sends an empty answer');
    return value;
  }

  /** m-output lines and their checksum. */
  async #bytes(command: string, silenceMs: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let check: Check | undefined;
    await this.#exchange({
      command,
      silenceMs,
      onLine: (line) => {
        const piece = check ? undefined : parseOutput(line);
        if (piece) pieces.push(piece);
        else if (!check) check = parseCheck(line, this.handshake.hasSums);
        if (!piece && !check) throw protocolError(command, 'sends a damaged line', line.text);
      },
      onBytes: (piece) => pieces.push(piece),
    });
    const bytes = Uint8Array.from(Buffer.concat(pieces));
    if (this.#framed) return bytes; // the end of the answer had their checksum
    if (!check) throw protocolError(command, 'sends no checksum');
    this.#compare(command, bytes, check);
    return bytes;
  }

  #compare(command: string, bytes: Uint8Array, check: Check): void {
    const wanted = crc32(bytes);
    if (check.bytes === bytes.length && check.crc === wanted) return;
    this.#outOfStep = true;
    throw protocolError(
      command,
      `has another checksum (${crcText(check.crc)} of ${check.bytes} bytes) than the host (${crcText(wanted)} of ${bytes.length})`,
    );
  }
}

/** A count outside the protocol is a bug of the caller: the command line checks what a person types. */
function checkCounts(count: number, warmUps: number): void {
  const fits = (value: number, least: number) => Number.isInteger(value) && value >= least && value <= MAX_RUNS;
  if (!fits(count, 1) || !fits(warmUps, 0)) throw new RangeError(`${count} runs after ${warmUps} warm-ups`);
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
