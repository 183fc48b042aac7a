/** One thing that was looked at. */
export interface Finding {
  readonly section: 'system' | 'build' | 'flash' | 'cores' | 'ports';
  readonly what: string;
  /** absent: not there, and not needed by everybody; missing: what most people need. */
  readonly state: 'ok' | 'missing' | 'warning' | 'absent';
  readonly found: string; // version or path; why it is missing
  readonly neededFor: string;
  readonly fix: string | null; // a line to type, or a sentence
}
