/**
 * Darwin's structures as its headers have them, written down once more apart from the code under test (xnu:
 * bsd/sys/_types/_sockaddr_storage.h, bsd/sys/socket.h, bsd/netinet/in.h, bsd/netinet6/in6.h).
 */
import { addressFromBytes, type Endpoint } from "../../../core/address.ts";
import { type Memory, viewOf } from "./memory.ts";

/** struct msghdr: void *name; socklen_t; iovec *; int; void *control; socklen_t; int flags. */
export interface MessageHeader {
  readonly name: Uint8Array;
  readonly payload: Uint8Array;
  readonly control: Uint8Array;
  setLengths(name: number, control: number): void;
}

export function readMessageHeader(memory: Memory, header: Uint8Array): MessageHeader {
  const view = viewOf(header);
  const pointer = (at: number, length: number): Uint8Array => memory.at(view.getBigUint64(at, true), length);
  const iov = viewOf(pointer(16, 16));
  return {
    name: pointer(0, view.getUint32(8, true)),
    payload: memory.at(iov.getBigUint64(0, true), Number(iov.getBigUint64(8, true))),
    control: pointer(32, view.getUint32(40, true)),
    setLengths: (name, control) => {
      view.setUint32(8, name, true);
      view.setUint32(40, control, true);
      view.setUint32(44, 0, true);
    },
  };
}

/** sa_len and sa_family of one octet each; undefined where they do not fit each other. */
export function readName(bytes: Uint8Array): Endpoint | undefined {
  const port = viewOf(bytes).getUint16(2);
  const head = `${bytes[0]},${bytes[1]}`;
  if (head === "16,2") return { address: addressFromBytes(bytes.subarray(4, 8)), port };
  return head === "28,30" ? { address: addressFromBytes(bytes.subarray(8, 24)), port } : undefined;
}

export function writeName(into: Uint8Array, { address, port }: Endpoint): number {
  const length = address.family === 4 ? 16 : 28;
  into.fill(0, 0, length);
  into.set([length, address.family === 4 ? 2 : 30]);
  viewOf(into).setUint16(2, port);
  into.set(address.bytes, address.family === 4 ? 4 : 8);
  return length;
}

/** Ancillary data: struct cmsghdr of 12 octets, everything aligned to 4. Returns its length. */
export function writeControl(
  into: Uint8Array,
  messages: readonly (readonly [level: number, type: number, data: Uint8Array])[],
): number {
  const view = viewOf(into);
  let at = 0;
  for (const [level, type, data] of messages) {
    view.setUint32(at, 12 + data.length, true);
    view.setInt32(at + 4, level, true);
    view.setInt32(at + 8, type, true);
    into.set(data, at + 12);
    at += (12 + data.length + 3) & ~3;
  }
  return at;
}
