/** CONNECT of HTTP/1.1 (RFC 9110 §9.3.6), from the client's side. */
import { type Endpoint, formatAddress, type IpAddress } from "../address.ts";
import { FOREIGN, MORE, type Parsed, short } from "./parsed.ts";

/** A user of a proxy, as octets. */
export interface ProxyCredentials {
  readonly user: Uint8Array;
  readonly password: Uint8Array;
}

/** Where a proxy is to connect to: a name that it resolves itself, or an address. */
export type ProxyDestination = Endpoint | { readonly name: string; readonly port: number };

export interface HttpAnswer {
  /** 200-999. */
  readonly status: number;
  /** What the proxy says beside it: foreign text, at most 80 characters. */
  readonly text: string;
  /** The ways to authenticate that it asks for (Proxy-Authenticate), such as `Basic`, at most 8. */
  readonly schemes: readonly string[];
  /** Squid's own name for what went wrong, such as `ERR_DNS_FAIL`. */
  readonly fault: string | undefined;
}

/** The request. The name must be free of controls and blanks: it is the caller's, never the network's. */
export function connectRequest(to: ProxyDestination, credentials: ProxyCredentials | undefined): Uint8Array {
  const authority = `${"name" in to ? to.name : bracketed(to.address)}:${to.port}`;
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, "User-Agent: nettrace"];
  if (credentials !== undefined) lines.push(`Proxy-Authorization: Basic ${base64(credentials)}`);
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

function bracketed(address: IpAddress): string {
  return address.family === 6 ? `[${formatAddress(address)}]` : formatAddress(address);
}

/** RFC 7617. */
function base64({ user, password }: ProxyCredentials): string {
  const octets = [...user, 0x3a, ...password];
  return btoa(octets.map((octet) => String.fromCharCode(octet)).join(""));
}

/** A shorter password would be found in words that have nothing to do with it. */
const SHORTEST_SECRET = 4;

/** What a proxy says, who may repeat what it was told, without the user's password in either form. */
export function withoutSecrets(text: string, credentials: ProxyCredentials | undefined): string {
  if (credentials === undefined) return text;
  const secrets = [base64(credentials), new TextDecoder().decode(credentials.password)];
  return secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((rest, secret) => rest.replaceAll(secret, "..."), text);
}

const BEGINNING = new TextEncoder().encode("HTTP/1.");
const LF = 0x0a;
const CR = 0x0d;
const MOST_SCHEMES = 8;

/** The head of the answer; interim answers (1xx) before it are passed over. */
export function readConnectAnswer(bytes: Uint8Array): Parsed<HttpAnswer> {
  for (let start = 0; ; ) {
    for (const [index, octet] of BEGINNING.entries()) {
      const given = bytes[start + index];
      if (given === undefined) return MORE;
      if (given !== octet) return FOREIGN;
    }
    const end = endOfHead(bytes, start);
    if (end === undefined) return MORE;
    const answer = readHead(new TextDecoder().decode(bytes.subarray(start, end)));
    if (answer === undefined) return FOREIGN;
    if (answer.status >= 200) return { state: "done", value: answer, length: end };
    start = end;
  }
}

/** The octet behind the empty line; a line may end in LF alone (RFC 9112 §2.2). */
function endOfHead(bytes: Uint8Array, start: number): number | undefined {
  for (let at = bytes.indexOf(LF, start); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return undefined;
}

function readHead(head: string): HttpAnswer | undefined {
  const [first = "", ...fields] = head.split(/\r?\n/);
  const [, digits, text = ""] = /^HTTP\/1\.\d +([1-9]\d\d)(?:[ \t]+(.*))?$/.exec(first) ?? [];
  if (digits === undefined) return undefined;
  const schemes: string[] = [];
  let fault: string | undefined;
  for (const field of fields) {
    const [, name = "", value = ""] = /^([\w-]{1,40}):[ \t]*(.*)$/.exec(field) ?? [];
    if (/^proxy-authenticate$/i.test(name)) {
      const scheme = /^[\w-]{1,30}/.exec(value)?.[0];
      if (scheme !== undefined && schemes.length < MOST_SCHEMES && !schemes.includes(scheme)) schemes.push(scheme);
    }
    if (/^x-squid-error$/i.test(name)) fault = /^ERR_[A-Z_]{1,40}/.exec(value)?.[0];
  }
  return { status: Number(digits), text: short(text), schemes, fault };
}
