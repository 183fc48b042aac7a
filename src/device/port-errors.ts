/** Why a port does not open, and what helps. The operating system's words say neither. */
import { ThimbleError } from '../core/errors.js';
import { accessAdvice, accessFacts } from './port-access.js';
import { type PortHolder, portHolders } from './port-holders.js';

/** serialport keeps the cause in its message alone: 'Error: Permission denied, cannot open /dev/ttyACM0'. */
export function openError(path: string, cause: unknown): ThimbleError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const context = { cause, where: `opening ${path}` };
  if (/permission denied|access denied|EACCES|EPERM/i.test(said))
    return process.platform === 'win32' ? busy(path, context) : forbidden(path, context);
  if (/busy|lock|resource temporarily unavailable|EBUSY|EAGAIN/i.test(said)) return busy(path, context);
  if (/no such file|file not found|ENOENT|ENXIO|ENODEV|no such device/i.test(said))
    return new ThimbleError(
      'E_NO_PORT',
      `there is no port ${path}`,
      [
        'thimble ports lists what is connected.',
        'Plug the board in with a cable that carries data: many only charge.',
        'No board at hand? --port virtual runs one on this computer.',
      ],
      context,
    );
  return new ThimbleError(
    'E_NO_PORT',
    `cannot open ${path} as a serial port: ${said.slice(0, 200)}`,
    ['Check that the path is a serial port: thimble ports lists them.'],
    context,
  );
}

function forbidden(path: string, context: { cause: unknown; where: string }): ThimbleError {
  const { why, hints } = accessAdvice(path, accessFacts(path));
  return new ThimbleError('E_PORT_BUSY', `no permission to open ${path}${why}`, hints, context);
}

function busy(path: string, context: { cause: unknown; where: string }): ThimbleError {
  const holders = portHolders(path).filter(({ pid }) => pid !== process.pid);
  const [first] = holders;
  if (first)
    return new ThimbleError(
      'E_PORT_BUSY',
      `${holders.map(nameOf).join(' and ')} ${holders.length > 1 ? 'hold' : 'holds'} ${path}`,
      first.program === 'ModemManager'
        ? [
            'It probes new ports for some seconds: wait and repeat.',
            'For good: sudo systemctl disable --now ModemManager',
          ]
        : [`Close ${first.program}, and repeat.`, `Where it has no window: kill ${first.pid}`],
      context,
    );
  return new ThimbleError(
    'E_PORT_BUSY',
    `another program holds ${path}`,
    [
      'Close serial monitors: the Arduino IDE, screen, minicom, another thimble monitor.',
      process.platform === 'win32'
        ? 'The Device Manager and handle.exe show who holds it.'
        : `Who holds it: sudo lsof ${path}`,
      'ModemManager probes new ports for some seconds: wait and repeat, or sudo systemctl stop ModemManager.',
    ],
    context,
  );
}

const nameOf = ({ program, pid }: PortHolder): string => `${program} (process ${pid})`;

/** serialport is an ordinary dependency, but its binary part may be missing on an unusual machine. */
export const serialportMissing = (cause: unknown): ThimbleError =>
  new ThimbleError(
    'E_TOOL_MISSING',
    'the npm package serialport cannot be loaded on this machine',
    [
      'npm install serialport@13.0.0 in the folder of the project.',
      'Everything but real serial ports works without it: --port virtual.',
    ],
    { cause },
  );
