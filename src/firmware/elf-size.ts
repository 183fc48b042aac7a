/** What an ELF file takes of a board's memories, read from its section headers. Linux and bare metal; 32 and 64 bits. */
import type { FirmwareSize, SectionKind } from '../core/firmware-image.js';

const SHT_NOBITS = 8;
const SHF_WRITE = 1;
const SHF_ALLOC = 2;
const SHF_EXECUTE = 4;
const STACK_SECTION = '.stack';

/** Null for a file that is no little-endian ELF, such as a program of macOS. */
export function elfSize(file: Uint8Array): FirmwareSize | null {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file.length < 64 || view.getUint32(0) !== 0x7f454c46 || file[5] !== 1) return null;
  const wide = file[4] === 2;
  const word = (offset: number): number =>
    wide ? Number(view.getBigUint64(offset, true)) : view.getUint32(offset, true);
  const table = word(wide ? 40 : 32);
  const [entryBytes, count, namesIndex] = [0, 2, 4].map((at) => view.getUint16((wide ? 58 : 46) + at, true));
  const header = (index: number) => {
    const at = table + index * entryBytes!;
    const width = wide ? 8 : 4;
    return {
      name: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      flags: word(at + 8),
      offset: word(at + 8 + 2 * width),
      bytes: word(at + 8 + 3 * width),
    };
  };
  const names = header(namesIndex!).offset;
  const nameAt = (offset: number): string => {
    const start = names + offset;
    return new TextDecoder().decode(file.subarray(start, file.indexOf(0, start)));
  };
  const sections = Array.from({ length: count! }, (_, index) => header(index))
    .filter(({ flags, bytes }) => flags & SHF_ALLOC && bytes > 0)
    .map(({ name, type, flags, bytes }) => ({ name: nameAt(name), bytes, kind: kindOf(nameAt(name), type, flags) }));
  const total = (...kinds: SectionKind[]): number =>
    sections.reduce((sum, { kind, bytes }) => sum + (kinds.includes(kind) ? bytes : 0), 0);
  return {
    flashBytes: total('code', 'constants', 'initialised'),
    ramBytes: total('initialised', 'zeroed'),
    stackBytes: total('stack'),
    sections,
  };
}

function kindOf(name: string, type: number, flags: number): SectionKind {
  if (name === STACK_SECTION) return 'stack';
  if (type === SHT_NOBITS) return 'zeroed';
  if (flags & SHF_WRITE) return 'initialised';
  return flags & SHF_EXECUTE ? 'code' : 'constants';
}
