/** The whole way once, on a virtual Raspberry Pi Pico: prune, quantize, emit, build, flash, verify, stream. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const command = [
  'deploy',
  'examples/digits/model.json',
  ...['--data', 'examples/digits/digits-train.npz', '--test', 'examples/digits/digits-test.npz'],
  ...['--prune', 'channels=0.5', '--board', 'pico', '--port', 'virtual', '--verify', '50', '-o', 'build/demo'],
];
console.log(`thimble ${command.join(' ')}\n`);
const { status } = spawnSync(process.execPath, [join(root, 'dist', 'cli.js'), ...command], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
