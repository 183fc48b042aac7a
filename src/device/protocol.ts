/** The host's side of docs/serial-protocol.md, over any Port. */
import type { Port } from '../core/port.js';
import type { Latency, MemoryReading, PortIdentity, Reading } from '../core/reading.js';
import type { Handshake } from './answers.js';
import { connectTo } from './connect.js';
import type { DeviceLayer } from './first-diverging-layer.js';
import type { LinkStatistics } from './link-statistics.js';

/** Milliseconds without a line that means something. */
export interface LinkTimeouts {
  /** For commands that only talk. 5 s, as MLPerf Tiny's runner has it. */
  readonly answerMs: number;
  /** For one inference, warm-ups of the same command included. 30 s there too. */
  readonly inferenceMs: number;
  /** For a board that has just been reset, its bootloader included. */
  readonly bootMs: number;
  /** In the binary mode: before the board is asked what became of an answer. */
  readonly pollMs: number;
}

export const defaultTimeouts: LinkTimeouts = { answerMs: 5000, inferenceMs: 30_000, bootMs: 3000, pollMs: 150 };

export interface ConnectOptions {
  readonly timeouts?: Partial<LinkTimeouts> | undefined;
  /** Ctrl-C: whatever runs then fails with E_INTERRUPTED, a stream after it was stopped on the board. */
  readonly signal?: AbortSignal | undefined;
  /** Opening the port restarts the board: wait for its banner before the first command. */
  readonly resetsOnOpen?: boolean | undefined;
  /** Whether the binary mode is used where the firmware has it. Default: yes. */
  readonly framed?: boolean | undefined;
}

export interface InferReport {
  readonly count: number;
  readonly latency: Latency; // of all `count` inferences together, by the board's microsecond counter
  readonly results: readonly number[]; // 3 decimals
}

export interface StreamOptions {
  readonly count?: number; // 0, the default: without end
  readonly stop?: AbortSignal;
  /** Readings that are missing in front of the one numbered `before`, which comes next. */
  readonly onGap?: (missing: number, before: number) => void;
}

export interface StreamReport {
  readonly readings: number;
  readonly damagedLines: number; // left out of the readings
  readonly missing: number; // readings that the sequence numbers tell of and that did not come whole
}

/** A board that answers. Methods wait for each other; every one fails with a ThimbleError and never hangs. */
export interface DeviceLink {
  readonly identity: PortIdentity;
  readonly handshake: Handshake;
  /** Loads the db buffer, checksum compared; three tries. `bytes` are all inputs, one after another. */
  loadInput(bytes: Uint8Array): Promise<void>;
  /** One reading of kind 'inference' for each of `count` runs, after `warmUps` unmeasured ones. 1 … 65535 runs. */
  run(count: number, warmUps?: number): Promise<readonly Reading[]>;
  /** The raw bytes of all outputs of the last inference, checksum compared. */
  output(): Promise<Uint8Array>;
  /** Runs once: checksum and latency of every original operator. E_PROTOCOL where the firmware has no layer hooks. */
  layers(): Promise<readonly DeviceLayer[]>;
  /** Runs once: the bytes of operator `index`'s output, checksum compared. */
  layer(index: number): Promise<Uint8Array>;
  memory(): Promise<MemoryReading & { readonly kind: 'memory'; readonly origin: PortIdentity['origin'] }>;
  /** Inferences until `count` are done (0 = without end) or `stop` is aborted, which is a normal end. */
  stream(onReading: (reading: Reading) => void, options?: StreamOptions): Promise<StreamReport>;
  /** MLPerf Tiny's `infer`. */
  inferMlperf(count: number, warmUps: number): Promise<InferReport>;
  /** Dequantized outputs of the last inference, 3 decimals. */
  results(): Promise<readonly number[]>;
  /** What the binary mode cost so far; undefined where the link speaks text. */
  readonly statistics: LinkStatistics | undefined;
  close(): Promise<void>;
}

/**
 * Shakes hands with the firmware behind a port, whatever state it is in: booting, streaming, or with half a command
 * in its buffer. On failure the port is closed.
 * @throws ThimbleError E_NO_ANSWER, E_TIMEOUT, E_PORT_LOST, E_PROTOCOL, E_WRONG_FIRMWARE (answers, but is not
 *   Thimble's), E_INTERRUPTED
 */
export async function connect(port: Port, options: ConnectOptions = {}): Promise<DeviceLink> {
  return connectTo(port, { ...options, timeouts: { ...defaultTimeouts, ...options.timeouts } });
}
