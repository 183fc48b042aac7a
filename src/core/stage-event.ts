/** What long work tells while it runs. The command line turns it into bars and lines; nobody else prints. */
export interface StageEvent {
  readonly stage: string; // 'calibrate', 'fine-tune', 'flash' …
  readonly message?: string; // a sentence worth a line of its own
  readonly done?: number;
  readonly total?: number; // with `done`: a bar with remaining time
  readonly values?: Readonly<Record<string, number>>; // loss, accuracy …
}
export type OnEvent = (event: StageEvent) => void;
