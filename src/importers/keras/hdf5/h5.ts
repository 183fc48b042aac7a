/** HDF5 files as groups with attributes and datasets: the part that Keras uses, bounded by the file's own size. */
import { ByteCursor, type ByteView, damaged } from './byte-view.js';
import { readDense } from './dense-storage.js';
import {
  bodyOf,
  type H5File,
  type HeaderMessage,
  messageType,
  readObjectHeader,
  readSuperblock,
} from './object-header.js';
import { type H5Attribute, type H5Dataset, readAttribute, readDataset } from './values.js';

export { isH5 } from './object-header.js';
export type { H5Dataset } from './values.js';

const maxLinks = 65536;

export interface H5Group {
  /** An attribute's values, or undefined where there is none of that name. */
  attribute(name: string): readonly (string | number)[] | undefined;
  group(name: string): H5Group | undefined;
  /** By a path that may hold slashes, as Keras' weight names do. */
  dataset(path: string): H5Dataset | undefined;
  names(): readonly string[];
}

/**
 * @returns the root group; what lies below is read when asked for
 * @throws ThimbleError E_MODEL_FORMAT for damaged bytes, also later from the methods
 */
export function openH5(bytes: Uint8Array): H5Group {
  const file = readSuperblock(bytes);
  return openGroup(file, readObjectHeader(file, file.rootAddress));
}

function openGroup(file: H5File, messages: readonly HeaderMessage[]): H5Group {
  const attributes = lazily(() => new Map(attributesOf(file, messages).map((found) => [found.name, found])));
  const links = lazily(() => linksOf(file, messages));
  const messagesAt = (name: string): readonly HeaderMessage[] | undefined => {
    const address = links().get(name);
    return address === undefined ? undefined : readObjectHeader(file, address);
  };
  const group: H5Group = {
    attribute: (name) => attributes().get(name)?.values(),
    names: () => [...links().keys()],
    group(name) {
      const found = messagesAt(name);
      return found && isGroup(found) ? openGroup(file, found) : undefined;
    },
    dataset(path) {
      const [first = '', ...rest] = path.split('/').filter((part) => part !== '');
      if (rest.length > 0) return group.group(first)?.dataset(rest.join('/'));
      const found = messagesAt(first);
      return found && readDataset(file, found);
    },
  };
  return group;
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

const isGroup = (messages: readonly HeaderMessage[]): boolean =>
  messages.some(({ type }) => type === messageType.symbolTable || type === messageType.linkInfo);

function attributesOf(file: H5File, messages: readonly HeaderMessage[]): H5Attribute[] {
  const bodies = messages
    .filter(({ type, shared }) => type === messageType.attribute && !shared)
    .map(({ body }) => body);
  const info = bodyOf(messages, messageType.attributeInfo);
  const dense = info && denseAddresses(file, info, 2);
  if (dense) bodies.push(...readDense(file, dense.heap, dense.tree, 0));
  return bodies.map((body) => readAttribute(file, body));
}

/** From name to object address. */
function linksOf(file: H5File, messages: readonly HeaderMessage[]): Map<string, number> {
  const table = bodyOf(messages, messageType.symbolTable);
  if (table)
    return symbolTableLinks(file, table.unsigned(0, file.offsetSize), table.unsigned(file.offsetSize, file.offsetSize));
  const bodies = messages.filter(({ type }) => type === messageType.link).map(({ body }) => body);
  const info = bodyOf(messages, messageType.linkInfo);
  const dense = info && denseAddresses(file, info, 8);
  if (dense) bodies.push(...readDense(file, dense.heap, dense.tree, 4)); // behind the hash of the name
  return new Map(bodies.flatMap((body) => linkOf(file, body)));
}

/** Heap and name index of dense storage; undefined where everything sits in the header itself. */
function denseAddresses({ offsetSize }: H5File, info: ByteView, maxIndexBytes: number) {
  const cursor = new ByteCursor(info, 2);
  if (info.u8(1) & 1) cursor.skip(maxIndexBytes);
  const [heap, tree] = [cursor.unsigned(offsetSize), cursor.unsigned(offsetSize)];
  const undefinedAddress = offsetSize === 8 ? Infinity : 2 ** 32 - 1;
  return heap === undefinedAddress ? undefined : { heap, tree };
}

/** Soft and external links lead elsewhere and are left out: Keras writes none. */
function linkOf(file: H5File, body: ByteView): [string, number][] {
  const flags = body.u8(1);
  const cursor = new ByteCursor(body, 2);
  const kind = flags & 8 ? cursor.unsigned(1) : 0;
  if (flags & 4) cursor.skip(8); // creation order
  if (flags & 16) cursor.skip(1); // character set: ASCII or UTF-8, which reads both
  const name = cursor.take(cursor.unsigned(1 << (flags & 3)));
  return kind === 0 ? [[name.text(0, name.length), cursor.unsigned(file.offsetSize)]] : [];
}

/** The older form of a group: a B-tree of symbol table nodes, with the names in a local heap. */
function symbolTableLinks(file: H5File, treeAddress: number, heapAddress: number): Map<string, number> {
  const { view, offsetSize: o, lengthSize: l } = file;
  view.expect(heapAddress, 'HEAP');
  const names = view.slice(view.unsigned(heapAddress + 8 + 2 * l, o), view.unsigned(heapAddress + 8, l));
  const links = new Map<string, number>();
  let symbols = 0; // entries may lead to the same node again and again
  const addSymbols = (at: number): void => {
    view.expect(at, 'SNOD');
    symbols += view.u16(at + 6) + 1;
    if (symbols > maxLinks) throw damaged('a group without end');
    for (let i = 0, entry = at + 8; i < view.u16(at + 6); i++, entry += 2 * o + 24)
      links.set(names.terminatedText(view.unsigned(entry, o)), view.unsigned(entry + o, o));
  };
  const nodes = [treeAddress];
  for (let visited = 0; visited < nodes.length; visited++) {
    if (nodes.length > maxLinks || links.size > maxLinks) throw damaged('a group without end');
    const node = nodes[visited]!;
    view.expect(node, 'TREE');
    for (let i = 0; i < view.u16(node + 6); i++) {
      const child = view.unsigned(node + 8 + 2 * o + l + i * (o + l), o);
      if (view.u8(node + 5) === 0) addSymbols(child);
      else nodes.push(child);
    }
  }
  return links;
}
