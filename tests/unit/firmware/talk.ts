/** Types commands into a port and collects the lines of each answer, as a person in a terminal would. */
import type { Port } from '../../../src/core/port.js';

export interface Terminal {
  /** Sends raw text and gives the lines up to the next `m-ready`, that one included. */
  send(text: string, timeoutMs?: number): Promise<string[]>;
  /** Lines up to the next `m-ready` without sending anything. */
  next(timeoutMs?: number): Promise<string[]>;
}

export function terminalOf(port: Port): Terminal {
  const decoder = new TextDecoder();
  let text = '';
  let wake = (): void => {};
  port.onBytes((bytes) => {
    text += decoder.decode(bytes, { stream: true });
    wake();
  });
  const next = (timeoutMs = 20_000): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no m-ready; so far: ${JSON.stringify(text)}`)), timeoutMs);
      wake = () => {
        const end = /(^|\n)m-ready\r\n/.exec(text);
        if (!end) return;
        clearTimeout(timer);
        const answer = text.slice(0, end.index + end[0].length);
        text = text.slice(answer.length);
        resolve(answer.trimEnd().split('\r\n'));
      };
      wake();
    });
  return {
    next,
    send: async (command, timeoutMs) => {
      const answer = next(timeoutMs);
      await port.write(new TextEncoder().encode(command));
      return answer;
    },
  };
}
