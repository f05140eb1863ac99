import { isIPv4, isIPv6 } from "node:net";
import { reverseName } from "./addresses.ts";
import type { DnsRecord } from "./spec.ts";

/** RFC 1035 §3.2.2 and RFC 3596. */
export const TYPE: Readonly<Record<DnsRecord["type"], number>> = { A: 1, CNAME: 5, PTR: 12, TXT: 16, AAAA: 28 };

export interface Question {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** In lower case, without the last dot. */
  readonly name: string;
  readonly type: number;
  /** The question as it came, to be repeated in the answer. */
  readonly bytes: Uint8Array;
}

/** The one question of a query; anything else, or bytes that are cut, is `undefined`. */
export function parseQuestion(message: Uint8Array): Question | undefined {
  if (message.length < 17) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const flags = view.getUint16(2);
  if ((flags & 0x8000) !== 0 || view.getUint16(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63 || at + 1 + length > message.length) return undefined;
    at += 1 + length;
    if (length === 0) break;
    labels.push(Buffer.from(message.subarray(at - length, at)).toString("latin1"));
  }
  if (at + 4 > message.length) return undefined;
  return {
    id: view.getUint16(0),
    recursionDesired: (flags & 0x0100) !== 0,
    name: labels.join(".").toLowerCase(),
    type: view.getUint16(at),
    bytes: message.subarray(12, at + 4),
  };
}

/** An answer with the records given; none of them is "no data", and `undefined` is NXDOMAIN (RFC 2308 §2). */
export function encodeAnswer(question: Question, records: readonly DnsRecord[] | undefined): Uint8Array {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(0x8480 | (question.recursionDesired ? 0x0100 : 0) | (records === undefined ? 3 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records?.length ?? 0, 6);
  return Buffer.concat([header, question.bytes, ...(records ?? []).map(encodeRecord)]);
}

function encodeRecord(record: DnsRecord): Uint8Array {
  const data = encodeData(record);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(TYPE[record.type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(60, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(record.name), fixed, data]);
}

function encodeData({ type, value }: DnsRecord): Uint8Array {
  if (type === "A" && isIPv4(value)) return Uint8Array.from(value.split(".").map(Number));
  if (type === "AAAA" && isIPv6(value)) {
    const digits = reverseName(value).replace(".ip6.arpa", "").split(".").reverse().join("");
    return Buffer.from(digits, "hex");
  }
  if (type === "A" || type === "AAAA") throw new TypeError(`Cannot encode a record: ${value} is no ${type} address`);
  if (type === "TXT") {
    const text = Buffer.from(value, "latin1").subarray(0, 255);
    return Buffer.concat([Uint8Array.of(text.length), text]);
  }
  return encodeName(value);
}

function encodeName(name: string): Uint8Array {
  const labels = name.split(".").filter((label) => label !== "");
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label, "latin1");
    if (bytes.length > 63) throw new RangeError(`Cannot encode a name: a label of ${bytes.length} octets, at most 63`);
    return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
  });
  return Buffer.concat([...parts, Uint8Array.of(0)]);
}
