/**
 * What a board tells about itself, with where the figure comes from. The origin is set by the host from what it is
 * connected to, never by the board's say-so: an estimate or an instruction count must not pass for a measured time.
 */
export type Origin =
  | 'device' //               real silicon over a real port
  | 'host' //                 the emitted C on this computer
  | 'virtual-cycles' //       an emulator with a cycle table
  | 'virtual-instructions' // an emulator that counts instructions; never shown as a time
  | 'estimate';

export interface Latency {
  readonly value: number;
  readonly unit: 'us' | 'instructions'; // instructions if and only if the origin is virtual-instructions
}

export type Reading =
  | {
      readonly kind: 'inference';
      readonly origin: Origin;
      readonly sequence: number;
      readonly latency: Latency; // from the input in its buffer to the outputs: copy and inference
      /** Of it, the copy; and what comes behind it, finding the class. Absent from firmware that does not tell. */
      readonly pre?: Latency;
      readonly post?: Latency;
      readonly classIndex: number; // of the largest output
      readonly score: number; // dequantized
    }
  | {
      readonly kind: 'layer';
      readonly origin: Origin;
      readonly layer: number; // index of the original operator
      readonly latency: Latency;
    }
  | ({ readonly kind: 'memory'; readonly origin: Origin } & MemoryReading);

/** Bytes. The high-water mark comes from a painted stack: an upper bound of what was used since reset. */
export interface MemoryReading {
  readonly arenaBytes: number;
  readonly dbBytes: number; // the protocol's input buffer, kept apart from the arena
  readonly staticBytes: number; // all of .data and .bss, the two above included
  readonly stackBytes: number; // reserved or reachable
  readonly stackHighWaterBytes: number;
  readonly heapUsedBytes: number;
  readonly heapFreeBytes: number;
  readonly temperatureC?: number; // of the chip, where it has a sensor
}

export interface PortIdentity {
  readonly path: string; // '/dev/ttyACM0', 'virtual'
  readonly kind: 'serial' | 'pty' | 'virtual' | 'process';
  readonly origin: Origin; // of anything measured behind this port; 'device' for kind 'serial' alone
  readonly board?: string; // what a virtual board says it is
  /** QEMU -icount: virtual nanoseconds per instruction, to turn timer ticks back into instructions. */
  readonly nanosecondsPerInstruction?: number;
}
