/** Arduino cores: the versions that arduino-cli has, against those that the boards' files pin. */
import { execa } from 'execa';
import { z } from 'zod';
import type { BoardSpec } from '../../core/board-spec.js';
import { findProgram } from '../../tools/find-program.js';
import type { Finding } from './finding.js';

const LIST_TIMEOUT_MS = 30_000;
const BUILT_IN_INDEX = 'https://downloads.arduino.cc/packages/package_index.json';

/** arduino-cli 1: { platforms: [{ id, installed_version }] }; before that a list with installed or installed_version. */
const platform = z.object({
  id: z.string(),
  installed_version: z.string().optional(),
  installed: z.string().optional(),
});
const coreList = z.union([
  z.object({ platforms: z.array(platform) }).transform((list) => list.platforms),
  z.array(platform),
]);

/** Nothing without arduino-cli: that it is not there is said elsewhere. */
export async function examineCores(boards: readonly BoardSpec[]): Promise<readonly Finding[]> {
  const arduino = findProgram('arduino-cli');
  if (arduino === undefined) return [];
  const { stdout } = await execa(arduino, ['core', 'list', '--format', 'json'], {
    reject: false,
    timeout: LIST_TIMEOUT_MS,
  });
  const installed = installedCores(stdout ?? '');
  return [...pinnedCores(boards)].map(([core, { version, index, ids }]) =>
    finding(core, version, index, ids, installed.get(core)),
  );
}

/** 'esp32:esp32' → version */
export function installedCores(json: string): ReadonlyMap<string, string> {
  try {
    const cores = coreList.parse(JSON.parse(json));
    return new Map(cores.map(({ id, installed_version, installed }) => [id, installed_version ?? installed ?? '']));
  } catch {
    return new Map();
  }
}

function pinnedCores(boards: readonly BoardSpec[]) {
  const pinned = new Map<string, { version: string; index: string; ids: string[] }>();
  for (const { id, facts } of boards) {
    const place = facts?.arduino;
    if (!place || place.coreVersion === null) continue;
    const core = place.fqbn.split(':').slice(0, 2).join(':');
    const entry = pinned.get(core) ?? { version: place.coreVersion, index: place.index, ids: [] };
    entry.ids.push(id);
    pinned.set(core, entry);
  }
  return pinned;
}

function finding(
  core: string,
  version: string,
  index: string,
  ids: readonly string[],
  found: string | undefined,
): Finding {
  const neededFor = `${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ' …' : ''}, version ${version}`;
  const urls = index === BUILT_IN_INDEX ? '' : ` --additional-urls ${index}`;
  const fix = `arduino-cli core install ${core}@${version}${urls}`;
  const base = { section: 'cores', what: core, neededFor } as const;
  if (found === undefined) return { ...base, state: 'absent', found: 'not installed', fix };
  if (found === version) return { ...base, state: 'ok', found, fix: null };
  return { ...base, state: 'warning', found: `${found}, which was not tried`, fix };
}
