import { type IpAddress, parseAddress, UsageError } from "../core/mod.ts";
import { printable } from "./printable.ts";

/** RFC 1035 §2.3.4, as text without the last dot. */
const LONGEST_NAME = 253;
const LONGEST_LABEL = 63;
/** An error message is one line that a person can read. */
const LONGEST_ECHO = 60;

/** Checks what was typed as HOST before anybody is asked for it. Throws UsageError with a hint of what to type. */
export function checkHost(text: string): string {
  const refuse = (why: string): never => {
    throw new UsageError(`Cannot trace to ${echo(text)}: ${why}`);
  };
  if (text === "") throw new UsageError("Cannot trace to an empty name");
  const address = parseAddress(text);
  if (address !== undefined) return checkAddress(text, address);
  const url = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^:/?#]*)(?::(\d+))?/i.exec(text);
  if (url !== null) refuse(`it is a URL; type ${suggestion(url[1] ?? "", url[2])}`);
  const network = /^([^/]*)\/\d{1,3}$/.exec(text);
  if (network !== null && parseAddress(network[1] ?? "")) refuse("it is a network; type one of its addresses");
  if (text.includes("/")) refuse(`it has a path; type ${suggestion(text.slice(0, text.indexOf("/")), undefined)}`);
  const withPort = /^(\[[^\]]*\]|[^:[\]]+):(\d+)$/.exec(text);
  if (withPort !== null) refuse(`a port is no part of it; type ${suggestion(withPort[1] ?? "", withPort[2])}`);
  if (text.includes(":")) refuse("it is no IPv6 address");
  if (text.includes("@")) refuse("it has a user in it; type the name of the host alone");
  if (/^[\d.]+$/.test(text) || /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i.test(text)) {
    refuse("an IPv4 address has four numbers from 0 to 255, such as 192.0.2.1");
  }
  return checkName(text, refuse);
}

function checkAddress(text: string, { family, bytes }: IpAddress): string {
  const refuse = (why: string): never => {
    throw new UsageError(`Cannot trace to ${echo(text)}: ${why}`);
  };
  const [first = 0] = bytes;
  if (bytes.every((octet) => octet === 0)) refuse("it is the address of no host");
  if (family === 4 && first >= 224 && first < 240) refuse("it is a multicast address");
  if (family === 4 && bytes.every((octet) => octet === 255)) refuse("it is the broadcast address");
  if (family === 6 && first === 255) refuse("it is a multicast address");
  const isMapped = family === 6 && bytes.subarray(0, 12).every((octet, at) => octet === (at < 10 ? 0 : 255));
  if (isMapped) refuse(`it is an IPv4 address in disguise; type ${bytes.subarray(12).join(".")}`);
  return text;
}

function checkName(text: string, refuse: (why: string) => never): string {
  const name = text.replace(/\.$/, "");
  const odd = /[^\p{L}\p{M}\p{N}._-]/u.exec(name)?.[0];
  if (odd !== undefined) refuse(`a name has no ${odd === " " ? "space" : `character ${printable(odd)}`} in it`);
  if (name.length > LONGEST_NAME) refuse(`a name has at most ${LONGEST_NAME} characters, this one ${name.length}`);
  const labels = name.split(".");
  if (labels.includes("")) refuse("a part between its dots is empty");
  const long = labels.find((label) => label.length > LONGEST_LABEL);
  if (long !== undefined) {
    refuse(`a part between dots has at most ${LONGEST_LABEL} characters, one here has ${long.length}`);
  }
  return text;
}

function suggestion(host: string, port: string | undefined): string {
  const bare = host.replace(/^\[|\]$/g, "") || "HOST";
  return `nettrace auto ${echo(bare)}${port === undefined ? "" : ` -p ${port}`}`;
}

/** What was typed, harmless and short enough for a line. */
export function echo(text: string): string {
  const characters = Array.from(text);
  const start = printable(characters.slice(0, LONGEST_ECHO).join(""));
  return characters.length > LONGEST_ECHO ? `${start}...` : start;
}
