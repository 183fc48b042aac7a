/** Every command of docs/serial-protocol.md against a firmware with the tiny model; the same for every board. */
import { expect } from 'vitest';
import { crc32, crcText } from '../../../src/device/crc32.js';
import type { Terminal } from './talk.js';
import { tinyMiddle, tinyOutput, tinySha256 } from './tiny-model.js';

const input = Int8Array.of(1, 2, 3, 4, 5, 6, 7, -128);
const inputHex = '0102030405060780';
const hexOf = (bytes: Int8Array): string => Buffer.from(bytes.buffer).toString('hex');
const crcOf = (bytes: Int8Array): string => crcText(crc32(new Uint8Array(bytes.buffer)));

/** A line of figures without its checksum, which is checked here. */
function figures(line: string): string {
  const { body, sum } = /\[(?<body>.*) sum=(?<sum>[0-9a-f]{8})\]$/.exec(line)!.groups!;
  expect(crcText(crc32(new TextEncoder().encode(body)))).toBe(sum);
  return line.replace(` sum=${sum}`, '');
}

/** @param binary whether the firmware has the binary mode, which the smallest chips leave out */
export async function checkEveryCommand({ send }: Terminal, board: string, binary = true): Promise<void> {
  const answer = async (command: string): Promise<string[]> => {
    const lines = await send(`${command}%`);
    expect(lines.at(-1)).toBe('m-ready');
    return lines.slice(0, -1);
  };
  const figuresOf = async (command: string): Promise<string[]> => (await answer(command)).map(figures);
  const refuses = async (command: string): Promise<void> =>
    expect(await answer(command), command).toEqual([expect.stringMatching(/^e-\[.+\]$/)]);

  expect(await answer('name')).toEqual(['m-name-dut-[thimble]']);
  expect(await answer('profile')).toEqual(['m-profile-[ULPMark for tinyML Firmware V0.0.1]', 'm-model-[tiny]']);
  expect(await answer('timestamp')).toEqual([expect.stringMatching(/^m-lap-us-\d+$/)]);
  expect((await answer('help')).length).toBe(binary ? 16 : 15);

  for (const command of ['results', 'output', 'db 00', 'db load', 'db load 0', 'db load 9']) await refuses(command);
  expect(await answer('db load 8')).toEqual(['m-[Expecting 8 bytes]']);
  await refuses('db 012');
  await refuses('db 0g');
  await refuses('db');
  expect(await answer(`db ${inputHex.slice(0, 6)}`)).toEqual([]);
  expect(await answer(`db ${inputHex.slice(6)}ffff`)).toEqual(['m-load-done']); // what is beyond is ignored
  expect(await answer('db print')).toEqual(['m-buffer-01-02-03-04-05-06-07-80']);
  expect(await figuresOf('check')).toEqual([`m-check-[bytes=8 crc=${crcOf(input)}]`]);

  const output = tinyOutput(input);
  const [score] = [...output].map((q) => 0.5 * (q + 1)).sort((a, b) => b - a);
  const reading = (sequence: number) =>
    expect.stringMatching(
      new RegExp(`^m-reading-\\[seq=${sequence} ticks=\\d+ class=2 score=${score!.toFixed(6)} pre=\\d+ post=\\d+\\]$`),
    );
  expect(await figuresOf('run 2 1')).toEqual([reading(0), reading(1)]); // the input is consumed, and copied each time
  const results = `m-results-[${[...output].map((q) => (0.5 * (q + 1)).toFixed(3)).join(',')}]`;
  expect(await answer('results')).toEqual([results]);
  expect(await answer('infer 2 1')).toEqual([
    'm-warmup-start-1',
    'm-warmup-done',
    'm-infer-start-2',
    expect.stringMatching(/^m-lap-us-\d+$/),
    expect.stringMatching(/^m-lap-us-\d+$/),
    'm-infer-done',
    results,
  ]);
  for (const command of ['run 0', 'run 65536', 'run 1 x', 'run 1 1 1', 'run -1', 'infer 0', 'stream x'])
    await refuses(command);
  const [bytes, check] = await answer('output');
  expect([bytes, figures(check!)]).toEqual([`m-output-[${hexOf(output)}]`, `m-check-[bytes=4 crc=${crcOf(output)}]`]);

  const layer = (index: number, values: Int8Array) =>
    expect.stringMatching(
      new RegExp(`^m-layer-\\[layer=${index} bytes=${values.length} crc=${crcOf(values)} ticks=\\d+\\]$`),
    );
  expect(await figuresOf('layers')).toEqual([layer(0, tinyMiddle(input)), layer(1, output)]);
  expect((await answer('layer 0'))[0]).toBe(`m-output-[${hexOf(tinyMiddle(input))}]`);
  for (const command of ['layer', 'layer 2', 'layer x', 'layer 4294967295']) await refuses(command);

  expect(await figuresOf('stream 2')).toEqual([reading(0), reading(1)]);
  const endless = await send('stream 0%x');
  expect(endless.at(-1)).toBe('m-ready');
  expect((await figuresOf('memory'))[0]).toMatch(
    /^m-memory-\[arena=16 db=8 static=\d+ stack=\d+ stack-high=\d+ heap-used=0 heap-free=\d+( millidegrees=-?\d+)?\]$/,
  );
  const hello = (await figuresOf('thimble'))[0]!;
  expect(hello).toContain(`[protocol=1 board=${board} model=tiny sha256=${tinySha256} labels=`);
  expect(hello).toMatch(
    / inputs=8 outputs=4 layers=2 hooks=1 clock-hz=\d+ timer-hz=[1-9]\d*( frame=\d+ credits=\d+)?\]$/,
  );
  expect(hello.includes(' frame=')).toBe(binary);
  if (!binary) await refuses('frames 1');
  const crcOfText = (text: string): string => crcText(crc32(new TextEncoder().encode(text)));
  expect(hello).toContain(`labels=${crcOfText('a\nb\nc\nd')} recipe=${crcOfText('cafe')} `);

  for (const command of ['', 'nam', 'names', 'x'.repeat(81), 'x'.repeat(5000), '\0name', '\xff]'])
    await refuses(command);
  expect(await answer('na\r\nme')).toEqual(['m-name-dut-[thimble]']); // CR and LF are ignored
}
