/** The shape of boards/<id>.json, checked strictly: a misspelt key is a fault and not a silent default. */
import { z } from 'zod';
import { type BoardSpec, cores, type FlashChoice } from '../core/board-spec.js';

/** 1 GiB: beyond any microcontroller, so a slip in the unit shows. */
const MAX_BYTES = 2 ** 30;

const bytes = z.int().min(0).max(MAX_BYTES);
const word = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and hyphens only');
const sentence = z.string().min(1).max(500);

const facts = z.strictObject({
  cpu: sentence,
  fpu: sentence,
  dsp: sentence,
  mve: z.boolean(),
  usableFlashBytes: bytes.describe('what a program may take beside the boot loader'),
  usableRamBytes: bytes.describe('what a program may take beside radio stack and operating system'),
  usbLink: sentence.describe('what is between cable and chip, and what DTR and RTS do'),
  bootloader: sentence,
  flashCommands: z.array(sentence).describe('as typed by hand, with {port} and {app.hex} to fill in'),
  arduino: z
    .strictObject({ fqbn: sentence, index: z.url(), coreVersion: sentence.nullable().describe('to pin') })
    .nullable(),
  platformio: word.or(z.string().regex(/^\w+$/)).nullable().describe('id of the board'),
  zephyr: sentence.nullable().optional().describe('name of the board, as west build -b takes it'),
  led: z.strictObject({ pin: sentence, activeLow: z.boolean() }).nullable(),
  generalKnowledge: z.array(sentence).describe('facts that were read in no source'),
});

const flashChoice = {
  method: word.describe('a file of src/flash'),
  options: z
    .record(z.string().min(1), z.union([z.string(), z.number()]))
    .optional()
    .describe('what the method needs to know about the board'),
};

const oneFlashChoice = z.strictObject(flashChoice);

export const boardSchema = z.strictObject({
  $schema: z.string().optional(),
  id: word.describe('the file name without .json'),
  aliases: z.array(word).default([]).describe('other names that --board takes'),
  name: sentence,
  mcu: sentence,
  core: z.enum(cores).describe("the emitter's --target"),
  clockHz: z.int().min(1).max(4e9),
  flashBytes: bytes.min(1024),
  ramBytes: bytes.min(256),
  reserved: z
    .strictObject({
      flashBytes: bytes.describe('start-up code and protocol'),
      ramBytes: bytes.describe('static RAM of start-up code and protocol, the stack not included'),
      stackBytes: bytes,
    })
    .describe('what the firmware keeps for itself; the fit check gives the rest to the model'),
  template: word.optional().describe('folder in firmware-templates; absent where nothing builds for the board yet'),
  templateOptions: z
    .record(z.string().min(1), z.union([z.string(), z.number()]))
    .optional()
    .describe('what the template needs to know about the board: which serial port, which crystal'),
  flash: z.strictObject({
    ...flashChoice,
    others: z.array(oneFlashChoice).optional().describe('further ways, by thimble flash --method'),
  }),
  serial: z.strictObject({
    baud: z.int().min(300).max(12_000_000),
    usbIds: z.array(z.string().regex(/^[0-9a-f]{4}:[0-9a-f]{4}$/, 'vendor:product in lower-case hex, as 2e8a:000a')),
    resetOnOpen: z.boolean().describe('whether opening the port restarts the board, as DTR does on an Arduino Uno'),
  }),
  virtual: z
    .strictObject({
      backend: z.enum(['avr8js', 'rp2040js', 'qemu', 'process', 'esp-rom']),
      machine: z
        .string()
        .regex(/^[a-z0-9][a-z0-9_-]*$/)
        .optional()
        .describe('as qemu-system -M takes it'),
      serialLine: z.int().min(0).max(7).optional().describe("which of the machine's serial lines is the board's"),
    })
    .optional()
    .describe('how the board is emulated on this computer'),
  facts: facts.optional(),
  quirks: z.array(sentence).default([]),
  sources: z.array(sentence).min(1).describe('where the figures come from'),
});

/** Every fault of a board's data, as 'JSON path: what is wrong'; none where it is a BoardSpec. */
export function boardFaults(value: unknown): readonly string[] {
  const parsed = boardSchema.safeParse(value);
  if (!parsed.success) return parsed.error.issues.map((issue) => `${jsonPath(issue.path)}: ${issue.message}`);
  return contradictions(toBoardSpec(parsed.data));
}

/** Only for data without boardFaults. Keys that are absent stay absent. */
export function toBoardSpec(value: unknown): BoardSpec {
  const { $schema: _, flash, virtual, template, templateOptions, facts, ...rest } = boardSchema.parse(value);
  return {
    ...rest,
    ...(template !== undefined && { template }),
    ...(templateOptions && { templateOptions }),
    ...(facts && { facts }),
    flash: { ...flashChoiceOf(flash), ...(flash.others && { others: flash.others.map(flashChoiceOf) }) },
    ...(virtual && {
      virtual: {
        backend: virtual.backend,
        ...(virtual.machine !== undefined && { machine: virtual.machine }),
        ...(virtual.serialLine !== undefined && { serialLine: virtual.serialLine }),
      },
    }),
  };
}

const flashChoiceOf = ({ method, options }: z.infer<typeof oneFlashChoice>): FlashChoice =>
  options ? { method, options } : { method };

/** board.schema.json: what an editor needs to complete and check a board file. */
export function boardJsonSchema(): string {
  const schema = z.toJSONSchema(boardSchema, { io: 'input' });
  return `${JSON.stringify({ ...schema, title: 'A board of Thimble' }, null, 2)}\n`;
}

function contradictions({ flashBytes, ramBytes, reserved, virtual, aliases, id, facts }: BoardSpec): string[] {
  const faults: string[] = [];
  if (reserved.flashBytes >= flashBytes) faults.push('$.reserved.flashBytes: leaves no flash for a model');
  if (reserved.ramBytes + reserved.stackBytes >= ramBytes)
    faults.push('$.reserved: ramBytes and stackBytes leave no RAM for a model');
  if (virtual?.backend === 'qemu' && virtual.machine === undefined)
    faults.push('$.virtual.machine: QEMU needs the name of a machine');
  if (facts && facts.usableFlashBytes < flashBytes - reserved.flashBytes)
    faults.push('$.reserved.flashBytes: leaves a model more flash than $.facts.usableFlashBytes');
  if (facts && facts.usableRamBytes < ramBytes - reserved.ramBytes)
    faults.push('$.reserved.ramBytes: leaves a model more RAM than $.facts.usableRamBytes');
  for (const [i, name] of (facts?.generalKnowledge ?? []).entries())
    if (!Object.keys(facts ?? {}).includes(name) && !topLevel.includes(name))
      faults.push(`$.facts.generalKnowledge[${i}]: there is no fact "${name}"`);
  if (aliases.includes(id)) faults.push('$.aliases: repeats the id');
  return faults;
}

/** Facts outside of $.facts that generalKnowledge may name. */
const topLevel = ['mcu', 'clockHz', 'flashBytes', 'ramBytes', 'reserved', 'flash', 'serial', 'quirks'];

const jsonPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, key) => text + (typeof key === 'number' ? `[${key}]` : `.${String(key)}`), '$');
