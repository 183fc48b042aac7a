/** Columns of a printed table; numbers are shown as they are. */
export type Row = Readonly<Record<string, string | number>>;
