/** Whether a program can be called, without calling it. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Its path, or undefined. Windows adds the endings that its shell would. */
export function findProgram(program: string, path = process.env['PATH'] ?? ''): string | undefined {
  const endings = process.platform === 'win32' ? ['', '.exe', '.cmd', '.bat'] : [''];
  const folders = /[\\/]/.test(program) ? [''] : path.split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders)
    for (const ending of endings) {
      const file = folder === '' ? program + ending : join(folder, program + ending);
      if (isExecutable(file)) return file;
    }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
