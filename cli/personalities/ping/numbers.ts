import { echo } from "../../host.ts";
import { PingExit } from "./exit.ts";

/** A whole number as strtol(3) reads it, in iputils' words where it is none. Throws PingExit. */
export function wholeNumber(text: string, least: number, most: number | bigint): number {
  if (!/^\s*[+-]?\d+$/.test(text)) throw new PingExit(`invalid argument: '${echo(text)}'`, 1);
  const value = BigInt(text.trim().replace(/^\+/, ""));
  if (value >= BigInt(least) && value <= BigInt(most)) return Number(value);
  throw new PingExit(`invalid argument: '${echo(text)}': out of range: ${least} <= value <= ${most}`, 1);
}

const LONGEST_SECONDS = 2_147_483;

/** Seconds as milliseconds. `what` names the option in messages. Throws PingExit. */
export function seconds(text: string, what: string): number {
  // iputils warns of other text, and then floods: it takes it for zero.
  if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    throw new PingExit(`option argument contains garbage: ${echo(text)}`, 2);
  }
  const value = Number(text);
  if (value < 0 || value > LONGEST_SECONDS) throw new PingExit(`${what}: ${echo(text)}`, 2);
  return Math.trunc(value * 1000);
}

/** Decimal or 0x… Throws PingExit. */
export function decimalOrHex(text: string, bad: string): number {
  if (!/^([+-]?\d+|0x[\da-f]+)$/i.test(text)) throw new PingExit(`${bad}: ${echo(text)}`, 2);
  return Number(text);
}

/** Up to 16 octets in hex. Throws PingExit. */
export function pattern(text: string): Uint8Array {
  const odd = /[^\da-f]/i.exec(text);
  if (odd !== null) throw new PingExit(`patterns must be specified as hex digits: ${echo(text.slice(odd.index))}`, 2);
  const octets = (text.slice(0, 32).match(/..?/g) ?? []).map((digits) => Number.parseInt(digits, 16));
  return Uint8Array.from(octets);
}
