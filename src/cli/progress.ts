/** Stage events as bars with remaining time on a terminal, as one line a stage elsewhere. On stderr. */
import { Presets, SingleBar } from 'cli-progress';
import type { OnEvent, StageEvent } from '../core/stage-event.js';

/** A stage shorter than this shows no bar: it would only flicker. */
const QUIET_MS = 300;

export interface Progress {
  readonly onEvent: OnEvent;
  pause(): void; // clears the bar, so that a line can be printed; the next event draws it again
  stop(): void;
}

export function createProgress({ interactive, quiet }: { interactive: boolean; quiet: boolean }): Progress {
  let bar: SingleBar | undefined;
  let stage = '';
  let startedAt = 0;

  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  const draw = (event: StageEvent & { done: number; total: number }) => {
    const payload = { stage: event.stage.padEnd(18), values: valuesText(event.values) };
    if (!bar) {
      bar = new SingleBar(
        {
          format: '  {stage} {bar} {percentage}% {eta_formatted} left {values}',
          clearOnComplete: true,
          hideCursor: true,
          etaBuffer: 50,
          barsize: 28,
          stream: process.stderr,
        },
        Presets.rect,
      );
      bar.start(event.total, event.done, payload);
    } else bar.update(event.done, payload);
  };
  const onEvent: OnEvent = (event) => {
    if (quiet) return;
    if (event.stage !== stage) {
      stop();
      stage = event.stage;
      startedAt = Date.now();
    }
    if (event.message !== undefined) {
      stop();
      process.stderr.write(`  ${event.message}\n`);
    }
    const { done, total } = event;
    if (!interactive || done === undefined || total === undefined) return;
    if (Date.now() - startedAt >= QUIET_MS) draw({ ...event, done, total });
    if (done >= total) stop();
  };
  return { onEvent, pause: stop, stop };
}

const valuesText = (values: StageEvent['values']): string =>
  Object.entries(values ?? {})
    .map(([name, value]) => `${name} ${value.toPrecision(4)}`)
    .join('  ');
