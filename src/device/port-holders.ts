/** Which programs have a port open. Linux tells it in /proc, for one's own processes and, to root, for all. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

export interface PortHolder {
  readonly pid: number;
  readonly program: string; // as the system calls it: 'minicom', 'ModemManager'
}

/**
 * @param procFolder for tests
 * @returns none also where the system does not tell: that is no proof that the port is free
 */
export function portHolders(path: string, procFolder = '/proc'): readonly PortHolder[] {
  const device = realPath(path);
  const holders: PortHolder[] = [];
  for (const entry of list(procFolder)) {
    if (!/^\d+$/.test(entry)) continue;
    const files = join(procFolder, entry, 'fd');
    if (!list(files).some((file) => linkOf(join(files, file)) === device)) continue;
    holders.push({ pid: Number(entry), program: programOf(join(procFolder, entry, 'comm')) });
  }
  return holders;
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no Linux, somebody else's process, or one that just ended
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function programOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return 'a program';
  }
}
