/**
 * HDF5 superblock and object headers, versions 1 and 2, from the published "HDF5 File Format Specification". Only what
 * Keras files hold is read; the C library would do more, but a damaged file brings its WebAssembly build down.
 */
import { ThimbleError } from '../../../core/errors.js';
import { ByteCursor, ByteView, damaged } from './byte-view.js';

const signature = '\x89HDF\r\n\x1a\n';
const maxBlocks = 4096; // header blocks of one object; a real one has a handful, a cycle would have no end
const maxMessages = 65536; // blocks may overlap, so the file's size does not bound them

export interface H5File {
  readonly view: ByteView;
  readonly offsetSize: number; // bytes of an address
  readonly lengthSize: number;
  readonly rootAddress: number;
}

export interface HeaderMessage {
  readonly type: number;
  readonly shared: boolean; // the body only refers to another object's message
  readonly body: ByteView;
}

export const messageType = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

export function isH5(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && [...signature].every((char, i) => bytes[i] === char.charCodeAt(0));
}

/** @throws ThimbleError E_MODEL_FORMAT */
export function readSuperblock(bytes: Uint8Array): H5File {
  if (!isH5(bytes)) throw damaged('it does not begin with an HDF5 signature');
  const view = new ByteView(bytes);
  const version = view.u8(8);
  if (version > 3) throw damaged(`superblock version ${version}`);
  const sizesAt = version < 2 ? 13 : 9;
  const [offsetSize, lengthSize] = [view.u8(sizesAt), view.u8(sizesAt + 1)];
  if (![4, 8].includes(offsetSize) || ![4, 8].includes(lengthSize)) throw damaged('addresses are not 4 or 8 bytes');
  // The root's address: in a symbol table entry behind four addresses and a name offset, or the fourth address.
  const rootAt = version < 2 ? (version === 0 ? 24 : 28) + 5 * offsetSize : 12 + 3 * offsetSize;
  return { view, offsetSize, lengthSize, rootAddress: view.unsigned(rootAt, offsetSize) };
}

/** All messages of the object at an address, continuation blocks included. */
export function readObjectHeader(file: H5File, address: number): readonly HeaderMessage[] {
  const { view } = file;
  const isVersion2 = view.u8(address) === 0x4f; // 'O' of OHDR
  const first = isVersion2 ? firstBlockV2(view, address) : firstBlockV1(view, address);
  const messages: HeaderMessage[] = [];
  const blocks = [first.block];
  for (let i = 0; i < blocks.length; i++) {
    if (blocks.length > maxBlocks || messages.length > maxMessages) throw damaged('an object header without end');
    for (const message of messagesOf(blocks[i]!, isVersion2, first.hasCreationOrder)) {
      if (message.type === messageType.continuation) {
        blocks.push(continuationBlock(file, message.body, isVersion2));
      } else messages.push(message);
    }
  }
  return messages;
}

export function bodyOf(messages: readonly HeaderMessage[], type: number): ByteView | undefined {
  const message = messages.find((candidate) => candidate.type === type);
  if (message?.shared)
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      'the HDF5 file keeps data types in shared objects, which Keras does not write',
      'Open the model in Keras and save it again with model.save("model.h5").',
    );
  return message?.body;
}

function firstBlockV1(view: ByteView, address: number) {
  if (view.u8(address) !== 1) throw damaged(`no object header at byte ${address}`);
  return { block: view.slice(address + 16, view.u32(address + 8)), hasCreationOrder: false };
}

function firstBlockV2(view: ByteView, address: number) {
  view.expect(address, 'OHDR');
  const flags = view.u8(address + 5);
  const cursor = new ByteCursor(view, address + 6);
  if (flags & 0x20) cursor.skip(16); // four times
  if (flags & 0x10) cursor.skip(4); // limits of compact attribute storage
  const size = cursor.unsigned(1 << (flags & 3));
  return { block: cursor.take(size), hasCreationOrder: (flags & 4) !== 0 };
}

function continuationBlock(file: H5File, body: ByteView, isVersion2: boolean): ByteView {
  const address = body.unsigned(0, file.offsetSize);
  const block = file.view.slice(address, body.unsigned(file.offsetSize, file.lengthSize));
  if (!isVersion2) return block;
  block.expect(0, 'OCHK');
  return block.slice(4, block.length - 8); // without signature and checksum
}

function messagesOf(block: ByteView, isVersion2: boolean, hasCreationOrder: boolean): HeaderMessage[] {
  const messages: HeaderMessage[] = [];
  const headSize = isVersion2 ? (hasCreationOrder ? 6 : 4) : 8;
  // What is too short for one more message is the gap that writers leave at a block's end.
  for (let at = 0; at + headSize <= block.length; ) {
    const type = isVersion2 ? block.u8(at) : block.u16(at);
    const size = block.u16(at + (isVersion2 ? 1 : 2));
    const flags = block.u8(at + (isVersion2 ? 3 : 4));
    messages.push({ type, shared: (flags & 2) !== 0, body: block.slice(at + headSize, size) });
    at += headSize + size;
  }
  return messages;
}
