/** A board that speaks docs/serial-protocol.md, behind a Port that misbehaves on demand. */
import { ThimbleError } from '../../../src/core/errors.js';
import type { Port } from '../../../src/core/port.js';
import type { PortIdentity } from '../../../src/core/reading.js';
import { crc32, crc32OfText, crcText } from '../../../src/device/crc32.js';

export interface FakeOptions {
  readonly identity?: PortIdentity;
  readonly inputBytes?: number;
  readonly board?: string; // what its handshake says
  readonly chunk?: number; // bytes handed over at once; 0 = all that there is
  readonly sums?: boolean;
  readonly silent?: boolean;
  readonly hooks?: boolean;
  readonly sha256?: string;
  readonly streaming?: boolean; // is in the middle of a stream when the host comes
  readonly banner?: boolean; // boots when the port opens
  /** What the cable does to an answer; `answers` counts them from 0. */
  damage?(answer: Uint8Array, answers: number, command: string): Uint8Array;
  /** Goes away after so many bytes of answers. */
  readonly unplugAfterBytes?: number;
}

export const layerOutputs = [Uint8Array.of(1, 2, 3), Uint8Array.from({ length: 70 }, (_, i) => i), Uint8Array.of(9)];
export const fakeSha256 = 'ab'.repeat(32);

/** The model: every output byte is the input's byte at its place, plus one; three outputs. */
export class FakeBoard implements Port {
  readonly identity: PortIdentity;
  readonly commands: string[] = [];
  readonly input: Uint8Array;
  closed = false;
  #options: FakeOptions;
  #listeners: ((bytes: Uint8Array) => void)[] = [];
  #closeListeners: ((error?: Error) => void)[] = [];
  #command = '';
  #loaded = -1; // −1 = not announced
  #ran = false;
  #sent = 0;
  #answers = 0;
  #stream: NodeJS.Timeout | undefined;
  #waiting: Uint8Array[] | undefined; // what came while it boots

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.identity = options.identity ?? { path: '/dev/fake', kind: 'serial', origin: 'device' };
    this.input = new Uint8Array(options.inputBytes ?? 40);
    if (options.streaming) this.#startStream(0);
    if (options.banner) {
      this.#waiting = [];
      setTimeout(() => this.#boot(), 5);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.closed) throw new ThimbleError('E_PORT_LOST', 'gone', []);
    if (this.#options.silent) return;
    if (this.#waiting) this.#waiting.push(bytes);
    else this.#feedAll(bytes);
  }
  #feedAll(bytes: Uint8Array): void {
    for (const code of bytes) this.#feed(String.fromCharCode(code));
  }
  #boot(): void {
    this.#send('m-timestamp-mode-performance\r\nm-lap-us-0\r\nm-init-done\r\nm-ready\r\n', 'boot');
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const bytes of waiting) this.#feedAll(bytes);
  }
  onBytes(listener: (bytes: Uint8Array) => void): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }
  onClose(listener: (error?: Error) => void): () => void {
    if (this.closed) listener();
    this.#closeListeners.push(listener);
    return () => {
      this.#closeListeners = this.#closeListeners.filter((other) => other !== listener);
    };
  }
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.#stream);
  }
  unplug(): void {
    this.closed = true;
    clearInterval(this.#stream);
    for (const listener of this.#closeListeners) listener(new Error('unplugged'));
  }
  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  #feed(character: string): void {
    if (this.#stream) {
      clearInterval(this.#stream);
      this.#stream = undefined;
      this.#send('m-ready\r\n', 'stream');
      return;
    }
    if (character !== '%') {
      this.#command += character;
      return;
    }
    const command = this.#command;
    this.#command = '';
    this.commands.push(command);
    if (command.startsWith('stream')) {
      this.#startStream(Number(command.split(' ')[1] ?? 0));
      return;
    }
    const lines = command.length > 80 ? ['e-[Command longer than 80 characters]'] : this.#answer(command);
    this.#send([...lines, 'm-ready'].map((line) => `${line}\r\n`).join(''), command);
  }

  #startStream(count: number): void {
    let k = 0;
    this.#stream = setInterval(() => {
      this.#send(`${this.#reading(k++)}\r\n`, 'stream');
      if (k !== count) return;
      clearInterval(this.#stream);
      this.#stream = undefined;
      this.#send('m-ready\r\n', 'stream');
    }, 1);
  }

  #answer(command: string): string[] {
    const [name, ...args] = command.split(' ');
    const n = Number(args[0] ?? 1);
    switch (name) {
      case 'thimble':
        return [
          this.#line(
            'thimble',
            `protocol=1 board=${this.#options.board ?? 'fake'} model=m sha256=${this.#options.sha256 ?? fakeSha256} labels=00000000 recipe=0000abcd ` +
              `inputs=${this.input.length} outputs=3 layers=3 hooks=${this.#options.hooks === false ? 0 : 1} clock-hz=1000000 timer-hz=2000000`,
          ),
        ];
      case 'db':
        return this.#db(args);
      case 'check':
        return [this.#check(this.input)];
      case 'run':
        this.#ran = true;
        return Array.from({ length: n }, (_, k) => this.#reading(k));
      case 'infer':
        return [
          `m-warmup-start-${args[1]}`,
          'm-warmup-done',
          `m-infer-start-${n}`,
          'm-lap-us-4294967290',
          'm-lap-us-94',
          'm-infer-done',
          'm-results-[0.000,0.996,-1.250]',
        ];
      case 'results':
        return ['m-results-[0.000,0.996,-1.250]'];
      case 'output':
        return this.#ran ? this.#dump(this.outputs()) : ['e-[No inference yet]'];
      case 'layers':
        if (this.#options.hooks === false) return ['e-[Built without layer hooks]'];
        return layerOutputs.map((bytes, layer) =>
          this.#line(
            'layer',
            `layer=${layer} bytes=${bytes.length} crc=${crcText(crc32(bytes))} ticks=${100 * (layer + 1)}`,
          ),
        );
      case 'layer': {
        const bytes = layerOutputs[n];
        return bytes ? this.#dump(bytes) : ['e-[No such layer]'];
      }
      case 'memory':
        return [
          this.#line('memory', 'arena=1000 db=40 static=2000 stack=8192 stack-high=512 heap-used=0 heap-free=100'),
        ];
      default:
        return [`e-[Unknown command: ${command.slice(0, 16)}]`];
    }
  }

  outputs(): Uint8Array {
    return this.input.slice(0, 3).map((byte) => byte + 1);
  }

  #db(args: string[]): string[] {
    if (args[0] === 'load') {
      if (Number(args[1]) !== this.input.length) return ['e-[Wrong size]'];
      this.#loaded = 0;
      return [`m-[Expecting ${args[1]} bytes]`];
    }
    if (this.#loaded < 0) return ['e-[db load N comes first]'];
    const bytes = Buffer.from(args[0] ?? '', 'hex');
    this.input.set(bytes.subarray(0, this.input.length - this.#loaded), this.#loaded);
    this.#loaded += bytes.length;
    return this.#loaded >= this.input.length ? ['m-load-done'] : [];
  }

  #reading = (k: number): string => this.#line('reading', `seq=${k} ticks=${5000 + k} class=${k % 3} score=0.996094`);
  #check = (bytes: Uint8Array): string => this.#line('check', `bytes=${bytes.length} crc=${crcText(crc32(bytes))}`);
  #line = (name: string, body: string): string =>
    `m-${name}-[${body}${this.#options.sums ? ` sum=${crcText(crc32OfText(body))}` : ''}]`;
  #dump(bytes: Uint8Array): string[] {
    const hex = Buffer.from(bytes).toString('hex');
    return [...(hex.match(/.{1,64}/g) ?? []).map((piece) => `m-output-[${piece}]`), this.#check(bytes)];
  }

  #send(text: string, command: string): void {
    const whole = new TextEncoder().encode(text);
    const bytes = this.#options.damage?.(whole, this.#answers++, command) ?? whole;
    const size = this.#options.chunk || bytes.length;
    setImmediate(() => {
      for (let at = 0; at < bytes.length && !this.closed; at += size) {
        const limit = this.#options.unplugAfterBytes ?? Number.POSITIVE_INFINITY;
        const chunk = bytes.subarray(at, Math.min(at + size, at + limit - this.#sent));
        this.#sent += chunk.length;
        for (const listener of this.#listeners) listener(chunk);
        if (this.#sent >= limit) this.unplug();
      }
    });
  }
}
