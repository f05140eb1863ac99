/**
 * The code signature of a macOS executable: a table of the hashes of its pages. An "ad hoc" one names nobody; it is what
 * macOS asks of any program, and kills one whose pages do not fit. Layouts: xnu, osfmk/kern/cs_blobs.h; all big-endian,
 * unlike the rest of the file (mach-o/loader.h).
 */
import { createHash } from "node:crypto";

const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
/** Version 2.4 of the directory: with the bounds of the text segment. */
const DIRECTORY_VERSION = 0x20400;
const DIRECTORY_BYTES = 88;
/** The head of the whole, with an index of one entry. */
const BLOB_BYTES = 20;
const AD_HOC_LINKER_SIGNED = 0x20002;
const MAIN_BINARY = 1n;
const HASH = { type: 2, bytes: 32 } as const;
const PAGE_BITS = 12;

interface Layout {
  /** Where the signature is; all before it is signed. */
  readonly at: number;
  readonly bytes: number;
  readonly text: { readonly at: bigint; readonly bytes: bigint };
  /** Where the commands are that tell of the signature, and of the segment at the end of the file that it is in. */
  readonly signatureCommand: number;
  readonly linkEditCommand: number;
}

/**
 * The same thin 64-bit file with a new signature in the place of its old one. Throws an Error where it has none, or where
 * something stands behind it.
 */
export function signAdHoc(signed: Buffer, identifier: string): Buffer {
  const { at, bytes, text, signatureCommand, linkEditCommand } = layoutOf(signed);
  if (at + bytes !== signed.length) throw new Error("Cannot sign: the signature is not the end of the file");
  const name = Buffer.from(`${identifier}\0`, "latin1");
  const pages = Math.ceil(at / 2 ** PAGE_BITS);
  const hashesAt = DIRECTORY_BYTES + name.length;
  const directoryBytes = hashesAt + pages * HASH.bytes;
  const signature = Buffer.alloc(Math.ceil((BLOB_BYTES + directoryBytes) / 16) * 16);
  words(signature, [SUPER_BLOB, BLOB_BYTES + directoryBytes, 1, 0, BLOB_BYTES]);

  const file = Buffer.concat([signed.subarray(0, at), signature]);
  file.writeUInt32LE(signature.length, signatureCommand + 12);
  // The segment ends with the file; in memory it is a whole number of pages, of whatever size they are.
  const segmentBytes = BigInt(file.length) - file.readBigUInt64LE(linkEditCommand + 40);
  file.writeBigUInt64LE(segmentBytes, linkEditCommand + 48);
  file.writeBigUInt64LE(((segmentBytes + 0x3fffn) / 0x4000n) * 0x4000n, linkEditCommand + 32);

  const directory = file.subarray(at + BLOB_BYTES);
  words(directory, [CODE_DIRECTORY, directoryBytes, DIRECTORY_VERSION, AD_HOC_LINKER_SIGNED]);
  words(directory.subarray(16), [hashesAt, DIRECTORY_BYTES, 0, pages, at]);
  directory.set([HASH.bytes, HASH.type, 0, PAGE_BITS], 36);
  directory.writeBigUInt64BE(text.at, 64);
  directory.writeBigUInt64BE(text.bytes, 72);
  directory.writeBigUInt64BE(MAIN_BINARY, 80);
  name.copy(directory, DIRECTORY_BYTES);
  for (let page = 0; page < pages; page += 1) hashOf(file, page, PAGE_BITS, at).copy(directory, hashesAt + page * 32);
  return file;
}

function words(into: Buffer, values: readonly number[]): void {
  for (const [index, value] of values.entries()) into.writeUInt32BE(value, index * 4);
}

/** The numbers of the pages whose hash is not that of the signature. Throws an Error where there is no signature. */
export function unsignedPages(file: Buffer): readonly number[] {
  const { at, bytes } = layoutOf(file);
  if (file.readUInt32BE(at) !== SUPER_BLOB) throw new Error("Cannot read the signature: it is none");
  const directoryAt = at + file.readUInt32BE(at + 16);
  if (file.readUInt32BE(directoryAt) !== CODE_DIRECTORY) throw new Error("Cannot read the signature: no directory");
  const [hashesAt = 0, , , pages = 0, limit = 0] = [0, 1, 2, 3, 4].map((index) =>
    file.readUInt32BE(directoryAt + 16 + index * 4),
  );
  const bits = file[directoryAt + 39] ?? 0;
  const bad: number[] = limit === at && at + bytes === file.length ? [] : [-1];
  for (let page = 0; page < pages; page += 1) {
    const hash = directoryAt + hashesAt + page * HASH.bytes;
    if (!hashOf(file, page, bits, limit).equals(file.subarray(hash, hash + HASH.bytes))) bad.push(page);
  }
  return bad;
}

function hashOf(file: Buffer, page: number, bits: number, limit: number): Buffer {
  const from = page * 2 ** bits;
  return createHash("sha256")
    .update(file.subarray(from, Math.min(from + 2 ** bits, limit)))
    .digest();
}

function layoutOf(file: Buffer): Layout {
  const found: { signature?: number; text?: number; linkEdit?: number } = {};
  const commands = file.readUInt32LE(16);
  for (let index = 0, at = 32; index < commands; index += 1, at += file.readUInt32LE(at + 4)) {
    const command = file.readUInt32LE(at);
    if (command === LC_CODE_SIGNATURE) found.signature = at;
    if (command !== LC_SEGMENT_64) continue;
    const [name] = file.toString("latin1", at + 8, at + 24).split("\0");
    if (name === "__TEXT") found.text = at;
    if (name === "__LINKEDIT") found.linkEdit = at;
  }
  const { signature, text, linkEdit } = found;
  if (signature === undefined || text === undefined || linkEdit === undefined) {
    throw new Error("Cannot find the signature: this is no signed executable of macOS");
  }
  return {
    at: file.readUInt32LE(signature + 8),
    bytes: file.readUInt32LE(signature + 12),
    text: { at: file.readBigUInt64LE(text + 40), bytes: file.readBigUInt64LE(text + 48) },
    signatureCommand: signature,
    linkEditCommand: linkEdit,
  };
}
