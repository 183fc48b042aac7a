/**
 * Dense storage: newer HDF5 versions keep more than eight links or attributes of an object in a fractal heap, listed by
 * a version 2 B-tree. Objects too large for the heap's blocks ("huge") do not occur for names and are refused.
 */
import { type ByteView, damaged } from './byte-view.js';
import type { H5File } from './object-header.js';

const maxNodes = 65536;

/** The stored messages, in B-tree order. `idAt` is where a heap id begins within a record. */
export function readDense(file: H5File, heapAddress: number, treeAddress: number, idAt: number): readonly ByteView[] {
  const heap = openHeap(file, heapAddress);
  return recordsOf(file, treeAddress).map((record) => heap(record.slice(idAt, record.length - idAt)));
}

/** @returns from a heap id to the object's bytes */
function openHeap(file: H5File, address: number): (id: ByteView) => ByteView {
  const { view, offsetSize: o, lengthSize: l } = file;
  view.expect(address, 'FRHP');
  if (view.u16(address + 7) !== 0) throw damaged('a compressed heap');
  const maxManagedSize = view.u32(address + 10);
  const tableAt = address + 14 + 10 * l + 2 * o; // behind the counters of huge, tiny and managed objects
  const width = view.u16(tableAt);
  const startSize = view.unsigned(tableAt + 2, l);
  const maxDirectSize = view.unsigned(tableAt + 2 + l, l);
  const offsetBytes = Math.ceil(view.u16(tableAt + 2 + 2 * l) / 8);
  const rootAddress = view.unsigned(tableAt + 6 + 2 * l, o);
  const rootRows = view.u16(tableAt + 6 + 2 * l + o);
  if (width === 0 || startSize === 0 || offsetBytes > 8) throw damaged('a heap without blocks');
  const lengthBytes = byteLengthOf(Math.min(maxDirectSize, maxManagedSize));
  const rowSize = (row: number): number => startSize * 2 ** Math.max(0, row - 1);

  const locate = (block: number, rows: number, offset: number, length: number, depth: number): ByteView => {
    if (depth > 16) throw damaged('a heap without end');
    if (rows === 0) return view.slice(block + offset, length);
    view.expect(block, 'FHIB');
    let begin = 0;
    for (let row = 0; row < rows; row++) {
      const size = rowSize(row);
      if (offset < begin + width * size) {
        const column = Math.floor((offset - begin) / size);
        const child = view.unsigned(block + 5 + o + offsetBytes + (row * width + column) * o, o);
        const childRows = size <= maxDirectSize ? 0 : Math.round(Math.log2(size / startSize / width)) + 1;
        return locate(child, childRows, offset - begin - column * size, length, depth + 1);
      }
      begin += width * size;
    }
    throw damaged('a heap object outside its heap');
  };

  return (id) => {
    if ((id.u8(0) & 0x30) !== 0) throw damaged('a heap object of an unknown kind');
    const length = id.unsigned(1 + offsetBytes, lengthBytes);
    return locate(rootAddress, rootRows, id.unsigned(1, offsetBytes), length, 0);
  };
}

function recordsOf(file: H5File, address: number): ByteView[] {
  const { view, offsetSize: o } = file;
  view.expect(address, 'BTHD');
  const nodeSize = view.u32(address + 6);
  const recordSize = view.u16(address + 10);
  const depth = view.u16(address + 12);
  const rootAddress = view.unsigned(address + 16, o);
  const rootCount = view.u16(address + 16 + o);
  if (recordSize === 0 || nodeSize <= 10 || depth > 16) throw damaged('a B-tree');
  const records: ByteView[] = [];
  // How many records a node of each level and all below it can hold decides how wide their counts are stored.
  const leafMax = Math.floor((nodeSize - 10) / recordSize);
  const countBytes = byteLengthOf(leafMax);
  const totalBytes = [0];
  for (let level = 1, total = leafMax; level <= depth; level++) {
    const pointer = o + countBytes + totalBytes[level - 1]!;
    const nodeMax = Math.floor((nodeSize - 10 - pointer) / (recordSize + pointer));
    total = (nodeMax + 1) * total + nodeMax;
    totalBytes.push(byteLengthOf(total));
  }
  let visited = 0;
  const visit = (node: number, count: number, level: number): void => {
    if (++visited > maxNodes) throw damaged('a B-tree without end');
    view.expect(node, level === 0 ? 'BTLF' : 'BTIN');
    const record = (i: number): ByteView => view.slice(node + 6 + i * recordSize, recordSize);
    const pointerSize = o + countBytes + (level > 1 ? totalBytes[level - 1]! : 0);
    for (let i = 0; i <= count; i++) {
      if (level > 0) {
        const at = node + 6 + count * recordSize + i * pointerSize;
        visit(view.unsigned(at, o), view.unsigned(at + o, countBytes), level - 1);
      }
      if (i < count) records.push(record(i));
      if (records.length > maxNodes) throw damaged('a B-tree without end');
    }
  };
  if (rootCount > 0) visit(rootAddress, rootCount, depth);
  return records;
}

/** Bytes that hold numbers up to n. */
const byteLengthOf = (n: number): number => Math.max(1, Math.ceil(Math.log2(n + 1) / 8));
