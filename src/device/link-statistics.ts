/** What the binary mode cost and what the cable did, since the link was opened. */
export interface LinkStatistics {
  sentFrames: number;
  receivedFrames: number;
  damagedFrames: number; // that came, and were not whole
  sentBytes: number;
  receivedBytes: number;
  payloadBytes: number; // of inputs and answers, each counted once
  credits: number; // frames of input that the board lets be on their way
  waitsForCredit: number; // times that input waited because they were all used
  resentBlocks: number; // of input
  resentCommands: number;
  polls: number; // times the board was asked what became of an answer
}

export const emptyStatistics = (): LinkStatistics => ({
  sentFrames: 0,
  receivedFrames: 0,
  damagedFrames: 0,
  sentBytes: 0,
  receivedBytes: 0,
  payloadBytes: 0,
  credits: 0,
  waitsForCredit: 0,
  resentBlocks: 0,
  resentCommands: 0,
  polls: 0,
});
