/** A child process that answers requests in bytes: one request, one answer of known length, no framing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { ThimbleError } from '../core/errors.js';

const STDERR_BYTES = 4096; // kept for the error message

/** One request at a time; killed by close() and when this process ends. */
export class BinaryProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #killWithParent = (): void => void this.#child.kill('SIGKILL');
  #chunks: Buffer[] = [];
  #received = 0;
  #pending: { readonly bytes: number; resolve(answer: Buffer): void; reject(error: Error): void } | undefined;
  #ended: string | undefined; // how, once it has
  #said = '';

  constructor(name: string, command: string, args: readonly string[] = []) {
    this.#name = name;
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString('utf8')).slice(-STDERR_BYTES);
    });
    this.#child.stdin!.on('error', () => undefined); // it died while we wrote: 'close' says how
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('close', (code, signal) => this.#end(signal ? `killed by ${signal}` : `exit code ${code}`));
    process.once('exit', this.#killWithParent);
  }

  /**
   * Sends the parts and waits for exactly `bytes` bytes.
   * @throws ThimbleError E_ENGINE where the process has died, E_TIMEOUT where it does not answer; it is killed then
   */
  request(parts: readonly Uint8Array[], bytes: number, timeoutMs: number): Promise<Buffer> {
    if (this.#pending) throw new TypeError(`${this.#name}: calls must not overlap`);
    if (this.#ended !== undefined) return Promise.reject(this.#died());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#finish()?.reject(
          new ThimbleError(
            'E_TIMEOUT',
            `${this.#name} has not answered within ${timeoutMs / 1000} s`,
            'Try a smaller model.',
          ),
        );
        this.#child.kill('SIGKILL');
      }, timeoutMs);
      this.#pending = {
        bytes,
        resolve(answer) {
          clearTimeout(timer);
          resolve(answer);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      for (const part of parts) this.#child.stdin!.write(part);
      this.#answerIfWhole();
    });
  }

  /** Resolves when the process is gone; idempotent. */
  async close(): Promise<void> {
    process.off('exit', this.#killWithParent);
    if (this.#ended !== undefined) return;
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    this.#answerIfWhole();
  }

  #answerIfWhole(): void {
    if (!this.#pending || this.#received < this.#pending.bytes) return;
    const { bytes } = this.#pending;
    const all = Buffer.concat(this.#chunks, this.#received);
    const pending = this.#finish()!;
    if (all.length === bytes) pending.resolve(all);
    else pending.reject(new ThimbleError('E_ENGINE', `${this.#name} answered ${all.length} bytes, not ${bytes}`, []));
  }

  #finish() {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#chunks = [];
    this.#received = 0;
    return pending;
  }

  #end(how: string): void {
    this.#ended ??= how;
    this.#finish()?.reject(this.#died());
  }

  #died(): ThimbleError {
    const words = this.#said.trim();
    return new ThimbleError(
      'E_ENGINE',
      `${this.#name} has died (${this.#ended})${words ? `: ${words}` : ''}`,
      'Run the reference engine instead: --engine reference',
    );
  }
}
