/** SOCKS 5 (RFC 1928), with a user's name and password (RFC 1929), from the client's side. */
import type { ProxyCredentials, ProxyDestination } from "./http-connect.ts";
import { FOREIGN, MORE, type Parsed } from "./parsed.ts";

const VERSION = 5;
const CONNECT = 1;
const ADDRESS = { 4: 1, name: 3, 6: 4 } as const;
const LOGIN_VERSION = 1;

/** RFC 1928 §3. */
export const METHOD = { none: 0x00, password: 0x02, refused: 0xff } as const;
/** A name, a user and a password have their length in one octet. */
const LONGEST_FIELD = 255;

/** RFC 1928 §6. */
const REPLIES: Readonly<Record<number, string>> = {
  0: "succeeded",
  1: "general failure",
  2: "not allowed by its rules",
  3: "network unreachable",
  4: "host unreachable",
  5: "connection refused",
  6: "hop limit (TTL) expired",
  7: "it cannot CONNECT",
  8: "it does not know this type of address",
};

export function describeSocksReply(code: number): string {
  return REPLIES[code] ?? "a reply that RFC 1928 does not know";
}

export function greeting(credentials: ProxyCredentials | undefined): Uint8Array {
  const methods = credentials === undefined ? [METHOD.none] : [METHOD.none, METHOD.password];
  return Uint8Array.of(VERSION, methods.length, ...methods);
}

/** Which method the proxy chose. */
export function readMethod(bytes: Uint8Array): Parsed<number> {
  const [version, method] = bytes;
  if (version !== undefined && version !== VERSION) return FOREIGN;
  return method === undefined ? MORE : { state: "done", value: method, length: 2 };
}

/** RFC 1929 §2. Throws RangeError where a field is longer than an octet can say. */
export function login({ user, password }: ProxyCredentials): Uint8Array {
  return Uint8Array.of(LOGIN_VERSION, ...counted(user), ...counted(password));
}

/** Whether the proxy knows the user. */
export function readLogin(bytes: Uint8Array): Parsed<boolean> {
  const [version, status] = bytes;
  // Some servers answer with the version of SOCKS.
  if (version !== undefined && version !== LOGIN_VERSION && version !== VERSION) return FOREIGN;
  return status === undefined ? MORE : { state: "done", value: status === 0, length: 2 };
}

/** Throws RangeError where the name is longer than an octet can say. */
export function socksRequest(to: ProxyDestination): Uint8Array {
  const address =
    "name" in to
      ? [ADDRESS.name, ...counted(new TextEncoder().encode(to.name))]
      : [ADDRESS[to.address.family], ...to.address.bytes];
  return Uint8Array.of(VERSION, CONNECT, 0, ...address, to.port >> 8, to.port & 0xff);
}

/** The reply's code. A refusal is read from its first two octets: not all servers send the rest. */
export function readSocksReply(bytes: Uint8Array): Parsed<number> {
  const [version, code, , type, nameLength] = bytes;
  if (version !== undefined && version !== VERSION) return FOREIGN;
  if (code === undefined) return MORE;
  if (code !== 0) return { state: "done", value: code, length: bytes.length };
  if (type === undefined) return MORE;
  const addressLength = lengthOf(type, nameLength);
  if (addressLength === "unknown") return FOREIGN;
  if (addressLength === undefined) return MORE;
  const length = 4 + addressLength + 2;
  return bytes.length < length ? MORE : { state: "done", value: code, length };
}

function lengthOf(type: number, nameLength: number | undefined): number | "unknown" | undefined {
  switch (type) {
    case ADDRESS[4]:
      return 4;
    case ADDRESS[6]:
      return 16;
    case ADDRESS.name:
      return nameLength === undefined ? undefined : 1 + nameLength;
    default:
      return "unknown";
  }
}

function counted(octets: Uint8Array): readonly number[] {
  if (octets.length > LONGEST_FIELD)
    throw new RangeError(`Cannot ask a SOCKS proxy: ${octets.length} octets in a field`);
  return [octets.length, ...octets];
}
