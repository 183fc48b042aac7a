/**
 * What `monitor` writes down while it watches: CSV, JSON lines, and a log as on the screen. Each line goes to the file in
 * one piece as it comes, so that whatever ends the watching (Ctrl-C, an unplugged board, a full disk) leaves whole lines.
 */
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { ThimbleError } from '../core/errors.js';
import type { Reading } from '../core/reading.js';

export interface ReadingPaths {
  readonly csv?: string;
  readonly jsonl?: string;
  readonly log?: string;
}

export type InferenceReading = Reading & { readonly kind: 'inference' };

export interface ReadingFiles {
  reading(reading: InferenceReading, label: string, at: Date): void;
  log(text: string, at: Date): void;
  close(): void;
}

const CSV_HEADER = 'time,sequence,latency,unit,class,label,score,origin,pre,post';

/**
 * Opens all of the files, or none.
 * @throws ThimbleError E_FILE where one exists already (a recording is never overwritten) or cannot be written
 */
export function openReadingFiles(paths: ReadingPaths): ReadingFiles {
  const opened: LineFile[] = [];
  const open = (path: string | undefined): LineFile | undefined => {
    if (path === undefined) return undefined;
    const file = new LineFile(path);
    opened.push(file);
    return file;
  };
  try {
    const [csv, jsonl, log] = [open(paths.csv), open(paths.jsonl), open(paths.log)];
    csv?.append(CSV_HEADER);
    return {
      reading: (reading, label, at) => {
        csv?.append(csvLine(reading, label, at));
        jsonl?.append(jsonLine(reading, label, at));
      },
      log: (text, at) => {
        for (const line of text.split('\n'))
          if (line.trim() !== '') log?.append(`${at.toISOString()} ${line.trimEnd()}`);
      },
      close: () => {
        for (const file of opened) file.close();
      },
    };
  } catch (error) {
    for (const file of opened) file.discard();
    throw error;
  }
}

const csvLine = (reading: InferenceReading, label: string, at: Date): string => {
  const { sequence, latency, classIndex, score, origin, pre, post } = reading;
  const about = [at.toISOString(), sequence, latency.value, latency.unit, classIndex, csvText(label), score, origin];
  return [...about, pre?.value ?? '', post?.value ?? ''].join(',');
};

const jsonLine = (
  { sequence, latency, pre, post, classIndex, score, origin }: InferenceReading,
  label: string,
  at: Date,
): string =>
  JSON.stringify({ time: at.toISOString(), sequence, latency, pre, post, class: classIndex, label, score, origin });

/** RFC 4180; a line break in a label would break the promise of one line a reading. */
function csvText(text: string): string {
  const line = text.replace(/[\r\n]+/g, ' ');
  return /[",]/.test(line) ? `"${line.replaceAll('"', '""')}"` : line;
}

class LineFile {
  readonly #path: string;
  readonly #descriptor: number;
  #wholeBytes = 0; // up to the end of the last whole line

  constructor(path: string) {
    this.#path = path;
    try {
      this.#descriptor = openSync(path, 'wx');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(path, cause);
      throw new ThimbleError('E_FILE', `${path} exists already, and a recording is not overwritten`, [
        'Choose another name.',
        'Move the old file away, if you need it no more.',
      ]);
    }
  }

  append(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    } catch (cause) {
      this.#cutHalfLine();
      throw cannotWrite(this.#path, cause);
    }
    this.#wholeBytes += bytes.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  discard(): void {
    this.close();
    unlinkSync(this.#path);
  }

  #cutHalfLine(): void {
    try {
      ftruncateSync(this.#descriptor, this.#wholeBytes);
    } catch {
      // no ordinary file, as /dev/full: there is nothing to cut
    }
  }
}

const cannotWrite = (path: string, cause: unknown): ThimbleError =>
  new ThimbleError(
    'E_FILE',
    `cannot write ${path} (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'})`,
    ['Choose a folder that exists and that you may write to.', 'See whether the disk is full; what was written stays.'],
    { cause },
  );
