/** The firmware on the virtual Raspberry Pi Pico: what it says of its own time and memory, by the emulator's cycles. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBoard } from '../../src/boards/load-board.js';
import { connect } from '../../src/device/protocol.js';
import { build } from '../../src/pipeline/build.js';
import { loadModel } from '../../src/pipeline/load-model.js';
import { onPath } from '../../src/virtual/child-process.js';
import { openVirtualBoard } from '../../src/virtual/index.js';
import { goldenModel } from '../../tests/conformance/golden-files.js';
import { sharedPath, withoutShared } from '../../tests/shared-folder.js';
import type { Row } from './row.js';

const models = ['hello_world_int8', 'kws_ref_model'] as const;

export async function benchVirtualPico(): Promise<readonly Row[]> {
  if (withoutShared) return [{ skipped: 'needs ../shared' }];
  if (!onPath('arm-none-eabi-gcc')) return [{ skipped: 'needs arm-none-eabi-gcc' }];
  const rows: Row[] = [];
  for (const name of models) rows.push(await measure(name));
  return rows;
}

async function measure(name: (typeof models)[number]): Promise<Row> {
  const board = loadBoard('rpi-pico');
  const folder = mkdtempSync(join(tmpdir(), 'thimble-bench-'));
  try {
    const model = await loadModel(sharedPath(`models/${name}.tflite`));
    const { image, use } = await build(model, { board, folder, hooks: false });
    if (!image) throw new TypeError('a Pico’s firmware is built here');
    const virtual = await openVirtualBoard(board, { image: image.uf2 ?? image.executable });
    try {
      const link = await connect(virtual.port);
      await link.loadInput(goldenModel(name).runs[0]!.inputs[0]!);
      const [reading] = await link.run(1);
      const memory = await link.memory();
      if (reading?.kind !== 'inference' || memory.kind !== 'memory') throw new TypeError('not the readings asked for');
      return {
        model: name,
        origin: reading.origin,
        µs: reading.latency.value,
        cycles: Math.round((reading.latency.value * board.clockHz) / 1e6),
        'flash, whole firmware': use?.flashBytes ?? '',
        'static RAM': memory.staticBytes,
        arena: memory.arenaBytes,
        'stack used': memory.stackHighWaterBytes,
      };
    } finally {
      await virtual.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
