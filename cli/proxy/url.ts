import { formatAddress, type ProxyCredentials, parseAddress, UsageError } from "../../core/mod.ts";
import { echo } from "../host.ts";

/** A proxy as it is written, in curl's manner. */
export interface ProxyUrl {
  readonly scheme: ProxyScheme;
  /** A name, or the canonical text of an address, with its zone. */
  readonly host: string;
  readonly port: number;
  readonly credentials?: ProxyCredentials;
}

/** `socks5h`: the proxy resolves the names; with `socks5` this host does. */
type ProxyScheme = (typeof SCHEMES)[number];
const SCHEMES = ["http", "https", "socks5", "socks5h"] as const;
/** curl's, of long ago and to this day. */
const DEFAULT_PORT = 1080;
const HTTPS_PORT = 443;
/** RFC 1929 §2, and more than any proxy takes elsewhere. */
const LONGEST_FIELD = 255;

/** `option`: where it was written. Throws UsageError, which never has a user or password in it. */
export function parseProxyUrl(option: string, text: string): ProxyUrl {
  const [, schemeText, rest = ""] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? [];
  const [, authority = "", path = ""] = /^([^/?#]*)(.*)$/s.exec(rest) ?? [];
  const at = authority.lastIndexOf("@");
  const hostAndPort = authority.slice(at + 1);
  const refuse = (why: string): never => {
    throw new UsageError(`Cannot use ${option} ${echo(withoutSecrets(text)) || '""'}: ${why}`);
  };
  const scheme = SCHEMES.find((each) => each === (schemeText ?? "http").toLowerCase());
  if (scheme === undefined) return refuse(`there are ${SCHEMES.join("://, ")}://`);
  if (path.includes("@")) refuse("in its user or password, / ? # and @ are written %2F %3F %23 %40");
  if (path !== "" && path !== "/") refuse("a proxy has a host and a port, and no path");
  const [, host = "", portText] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(hostAndPort) ?? [];
  if (host === "") refuse("it must be as http://proxy.example:3128 or socks5h://[2001:db8::1]:1080");
  const port = portText === undefined ? (scheme === "https" ? HTTPS_PORT : DEFAULT_PORT) : Number(portText);
  if (port < 1 || port > 65_535) refuse("a port is a whole number from 1 to 65535");
  const address = parseAddress(host);
  if (address === undefined && !isName(host)) refuse("its host is neither a name nor an address");
  const credentials = at < 0 ? undefined : readCredentials(authority.slice(0, at), refuse);
  const where = address === undefined ? { host } : { host: formatAddress(address) };
  return { scheme, ...where, port, ...(credentials !== undefined && { credentials }) };
}

/** What was typed, without what could be a user or a password in it, however it is misspelt. */
function withoutSecrets(text: string): string {
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(text) ?? [];
  if (rest.includes("@")) return `${scheme}...@${rest.slice(rest.lastIndexOf("@") + 1)}`;
  const isPlain = /^(?:\[[^\]]*\]|[^:/]*)(?::\d*)?(?:\/.*)?$/s.test(rest);
  return isPlain ? text : `${scheme}...`;
}

/** The proxy as it may be shown: without user and password. */
export function formatProxy({ scheme, host, port }: Pick<ProxyUrl, "scheme" | "host" | "port">): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function isName(host: string): boolean {
  if (/^[\d.]+$/.test(host) || host.length > 253) return false;
  return /^[\p{L}\p{M}\p{N}_-]{1,63}(?:\.[\p{L}\p{M}\p{N}_-]{1,63})*\.?$/u.test(host);
}

function readCredentials(text: string, refuse: (why: string) => never): ProxyCredentials {
  const colon = text.indexOf(":");
  const user = percentDecoded(colon < 0 ? text : text.slice(0, colon), refuse);
  const password = percentDecoded(colon < 0 ? "" : text.slice(colon + 1), refuse);
  // RFC 7617 §2: the first colon ends the user.
  if (user.includes(0x3a)) refuse("its user has a colon");
  for (const field of [user, password]) {
    if (field.length > LONGEST_FIELD) refuse(`its user or password is longer than ${LONGEST_FIELD} octets`);
    if (field.some((octet) => octet < 0x20 || octet === 0x7f)) refuse("its user or password has a control character");
  }
  return { user, password };
}

function percentDecoded(text: string, refuse: (why: string) => never): Uint8Array {
  if (/%(?![\da-f]{2})/i.test(text)) refuse("in its user or password, a % is written %25");
  const octets = new TextEncoder().encode(text);
  const decoded: number[] = [];
  for (let at = 0; at < octets.length; at += 1) {
    const octet = octets[at] ?? 0;
    if (octet !== 0x25) decoded.push(octet);
    else {
      decoded.push(Number.parseInt(String.fromCharCode(octets[at + 1] ?? 0, octets[at + 2] ?? 0), 16));
      at += 2;
    }
  }
  return Uint8Array.from(decoded);
}
