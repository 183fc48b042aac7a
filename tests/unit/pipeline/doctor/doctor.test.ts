/** What doctor looks at, on systems that are made up: rules, processes, cores, USB devices. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { listBoards, loadBoard } from '../../../../src/boards/load-board.js';
import { portHolders } from '../../../../src/device/port-holders.js';
import { usbDevices } from '../../../../src/device/usb-devices.js';
import { examineCores, installedCores } from '../../../../src/pipeline/doctor/cores.js';
import { withoutPort } from '../../../../src/pipeline/doctor/ports.js';
import { examinePrograms } from '../../../../src/pipeline/doctor/programs.js';
import { examineSystem, modemManager, udevRules } from '../../../../src/pipeline/doctor/system.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-doctor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = process.env['PATH'];
afterEach(() => {
  process.env['PATH'] = path;
});
const make = (name: string, files: Readonly<Record<string, string>>): string => {
  const home = join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(home, file, '..'), { recursive: true });
    writeFileSync(join(home, file), text, { mode: 0o755 });
  }
  return home;
};

describe('the system', () => {
  it('is looked over without a failure, whatever it is', async () => {
    const findings = await examineSystem();
    expect(findings.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['Node.js', 'serialport', 'serial permissions']),
    );
    for (const { state, fix } of findings) expect(fix === null).toBe(state === 'ok');
  });

  it('misses the udev rules of some makers, and prints the line that adds just those', () => {
    const rules = make('rules', {
      '49-stlink.rules': 'SUBSYSTEMS=="usb", ATTRS{idVendor}=="0483", MODE="660"',
      'notes.txt': '2341',
    });
    const finding = udevRules([rules, join(folder, 'nowhere')], false);
    expect(finding).toMatchObject({ state: 'warning', found: 'none for Arduino DFU, DAPLink (micro:bit), Teensy' });
    expect(finding.fix).toContain('ATTR{idVendor}=="2341"');
    expect(finding.fix).not.toContain('0483');
    expect(udevRules([make('all', { 'a.rules': '0483 0d28 16c0 2341' })], false).state).toBe('ok');
  });

  it('sees ModemManager run', () => {
    expect(modemManager(make('proc-with', { '12/comm': 'ModemManager\n', 'self/comm': 'node\n' })).state).toBe(
      'warning',
    );
    expect(modemManager(make('proc-without', { '12/comm': 'bash\n' })).state).toBe('ok');
  });
});

describe('programs', () => {
  it('are missing where a board needs them, and say how to install them', async () => {
    process.env['PATH'] = make('bin', {
      bossac: '#!/bin/sh\necho Basic Open Source SAM-BA Application "(BOSSA)" Version 1.9.1\n',
    });
    const findings = await examinePrograms(listBoards(), loadBoard('nano33ble'));
    expect(findings.map(({ what, state, found }) => [what, state, found])).toEqual([
      ['pio', 'missing', 'not installed'],
      ['bossac', 'ok', 'Basic Open Source SAM-BA Application (BOSSA) Version 1.9.1'],
    ]);
    expect(findings[0]!.fix).toMatch(/platformio/);
    const all = await examinePrograms(listBoards());
    expect(all.find(({ what }) => what === 'arm-none-eabi-gcc')?.state).toBe('missing');
    expect(all.find(({ what }) => what === 'dfu-util')).toMatchObject({ state: 'absent', neededFor: 'nicla-vision' });
  });
});

describe('Arduino cores', () => {
  const cli = (json: string) => make(`cli-${json.length}`, { 'arduino-cli': `#!/bin/sh\necho '${json}'\n` });

  it('are held against the pinned versions', async () => {
    process.env['PATH'] = `${cli(
      JSON.stringify({
        platforms: [
          { id: 'esp32:esp32', installed_version: '3.0.7' },
          { id: 'arduino:avr', installed_version: '1.8.6' },
        ],
      }),
    )}:${path}`;
    const findings = await examineCores(listBoards());
    expect(findings.find(({ what }) => what === 'arduino:avr')).toMatchObject({ state: 'ok', fix: null });
    expect(findings.find(({ what }) => what === 'esp32:esp32')).toMatchObject({
      state: 'warning',
      found: '3.0.7, which was not tried',
      fix: 'arduino-cli core install esp32:esp32@2.0.17 --additional-urls https://espressif.github.io/arduino-esp32/package_esp32_index.json',
    });
    expect(findings.find(({ what }) => what === 'teensy:avr')).toMatchObject({ state: 'absent' });
  });

  it('are read in the older form, and nonsense is no core', () => {
    expect(installedCores('[{"id": "arduino:avr", "installed": "1.8.5"}]').get('arduino:avr')).toBe('1.8.5');
    expect(installedCores('Error: no config').size).toBe(0);
  });

  it('are nobody’s business without arduino-cli', async () => {
    process.env['PATH'] = folder;
    expect(await examineCores(listBoards())).toEqual([]);
  });
});

describe('ports', () => {
  it('tell a board that is on USB without a port, and why that may be', () => {
    const sys = make('sys', {
      '1-1/idVendor': '1a86\n',
      '1-1/idProduct': '7523\n',
      '1-1/product': 'USB Serial\n',
      '1-2/idVendor': '2341\n',
      '1-2/idProduct': '0043\n',
      '1-3/idVendor': 'dead\n',
      '1-3/idProduct': 'beef\n',
      'usb1/bcdDevice': '0510\n',
    });
    const devices = usbDevices(sys);
    expect(devices.map(({ id }) => id).sort()).toEqual(['1a86:7523', '2341:0043', 'dead:beef']);
    const findings = withoutPort(devices, [{ usbId: '2341:0043' }], listBoards());
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ what: 'USB 1a86:7523', state: 'warning' });
    expect(findings[0]!.fix).toContain('brltty');
    expect(usbDevices(join(folder, 'nowhere'))).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')('names the process that holds one (Linux)', async () => {
    const file = join(folder, 'port');
    writeFileSync(file, '');
    const link = join(folder, 'link-to-port');
    symlinkSync(file, link);
    expect(portHolders(link)).toEqual([]);
    const holder = spawn('sleep', ['30'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    const shell = spawn('sh', ['-c', `exec 7<>${file}; echo open; exec sleep 30`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await new Promise((resolve) => shell.stdout!.once('data', resolve));
      await expect
        .poll(() => portHolders(link))
        .toEqual([{ pid: shell.pid, program: expect.stringMatching(/^(sh|sleep)$/) }]);
    } finally {
      shell.kill();
      holder.kill();
    }
  });
});
