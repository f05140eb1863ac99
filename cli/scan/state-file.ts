import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { fstatSync, fsyncSync, ftruncateSync, readSync, writeSync } from "node:fs";

/** A line behind the last whole state. */
interface StateRecord {
  readonly text: string;
  readonly isMarked: boolean;
}

/** What a file held when it was opened. */
export interface Stored {
  /** Undefined: none was ever saved whole. */
  readonly state: string | undefined;
  readonly records: readonly StateRecord[];
}

/**
 * A state in one open file, which is never renamed or replaced, so that nothing of its folder needs to be allowed. Whoever
 * is ended in the middle of a write leaves what was there before it: a whole state is written beside the one that is there,
 * and only then the one of two heads that does not stand for that one; changes are lines behind it, each with a digest.
 */
export interface StateFile {
  readonly stored: Stored;
  /** Octets of records behind the last whole state. */
  readonly recorded: number;
  /** Replaces all. Throws the file system's error, and then all is as it was. */
  save(state: string): void;
  /** Adds a record, which `mark` marks: that takes no room that was not taken. Throws as `save`. */
  append(text: string): () => void;
}

const MAGIC = "nettrace.scan-resume/2";
const HEAD_SPACE = 256;
const HEADS_SPACE = 2 * HEAD_SPACE;
const HEAD = /^nettrace\.scan-resume\/2 (\d{1,15}) (\d{1,15}) (\d{1,15}) ([0-9a-f]{64}) *\n$/;
const RECORD = /^([ +])([0-9a-f]{16}) (.*)$/;
/** A longer file is none of ours. */
const LONGEST = 2 ** 30;

interface Place {
  readonly generation: number;
  readonly offset: number;
  readonly length: number;
}

/** Undefined: the file holds something else. An empty one holds nothing yet. Throws the file system's error. */
export function openStateFile(fd: number): StateFile | undefined {
  const read = readPlace(fd);
  if (read === undefined) return undefined;
  let { place } = read;
  const { state } = read;
  let end = place.offset + place.length;
  let sequence = 0;
  const records: StateRecord[] = [];
  if (state !== undefined) {
    for (const line of readText(fd, end, sizeOf(fd) - end).split("\n")) {
      const [, mark, digest, text = ""] = RECORD.exec(line) ?? [];
      if (digest === undefined || digest !== recordDigest(place.generation, sequence, text)) break;
      records.push({ text, isMarked: mark === "+" });
      sequence += 1;
      end += Buffer.byteLength(line) + 1;
    }
  }
  return {
    stored: { state, records },
    get recorded() {
      return end - place.offset - place.length;
    },
    save(text) {
      const bytes = Buffer.from(`${text}\n`);
      // In front of what holds, where there is room; else behind it.
      const offset = HEADS_SPACE + bytes.length <= place.offset ? HEADS_SPACE : end;
      const next = { generation: place.generation + 1, offset, length: bytes.length };
      write(fd, bytes, offset);
      fsyncSync(fd);
      write(fd, Buffer.from(headOf(next, bytes)), (next.generation % 2) * HEAD_SPACE);
      fsyncSync(fd);
      place = next;
      end = offset + bytes.length;
      sequence = 0;
      // What is left of an older state is in the way of nothing; but a file need not keep it.
      if (offset === HEADS_SPACE) ftruncateSync(fd, end);
    },
    append(text) {
      const at = end;
      const line = Buffer.from(` ${recordDigest(place.generation, sequence, text)} ${text}\n`);
      write(fd, line, at);
      end += line.length;
      sequence += 1;
      return () => write(fd, Buffer.from("+"), at);
    },
  };
}

function readPlace(fd: number): { readonly place: Place; readonly state: string | undefined } | undefined {
  const nothing = { place: { generation: 0, offset: HEADS_SPACE, length: 0 }, state: undefined };
  const size = sizeOf(fd);
  if (size === 0) return nothing;
  if (size > LONGEST) return undefined;
  const heads = [0, HEAD_SPACE].map((at) => readText(fd, at, HEAD_SPACE));
  const found = heads.flatMap((head) => {
    const [, generation, offset, length, digest] = HEAD.exec(head) ?? [];
    const place = { generation: Number(generation), offset: Number(offset), length: Number(length) };
    if (digest === undefined || place.offset + place.length > size) return [];
    const body = readText(fd, place.offset, place.length);
    return digest === digestOf(place, body) ? [{ place, state: body }] : [];
  });
  const [best] = found.sort((a, b) => b.place.generation - a.place.generation);
  if (best !== undefined) return best;
  // The first state has the second head: ended before that was whole, this file holds nothing yet.
  const [first = "", second = ""] = heads;
  const isBegun = /^\0*$/.test(first) && (/^\0*$/.test(second) || second.startsWith(MAGIC));
  return isBegun && size >= HEADS_SPACE ? nothing : undefined;
}

function headOf(place: Place, body: Uint8Array): string {
  const { generation, offset, length } = place;
  const text = `${MAGIC} ${generation} ${offset} ${length} ${digestOf(place, body)}`;
  return `${text.padEnd(HEAD_SPACE - 1)}\n`;
}

function digestOf({ generation, offset, length }: Place, body: string | Uint8Array): string {
  return createHash("sha256").update(`${generation} ${offset} ${length}\n`).update(body).digest("hex");
}

function recordDigest(generation: number, sequence: number, text: string): string {
  return createHash("sha256").update(`${generation} ${sequence} ${text}`).digest("hex").slice(0, 16);
}

function sizeOf(fd: number): number {
  return fstatSync(fd).size;
}

/** As far as the file goes. */
function readText(fd: number, offset: number, length: number): string {
  const bytes = Buffer.alloc(Math.max(0, length));
  let count = 0;
  while (count < bytes.length) {
    const read = readSync(fd, bytes, count, bytes.length - count, offset + count);
    if (read === 0) break;
    count += read;
  }
  return bytes.toString("utf8", 0, count);
}

function write(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}
