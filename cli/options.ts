import {
  type Backend,
  DEFAULT_STAGGER_MS,
  type Family,
  type FragmentPolicy,
  type IpAddress,
  parseAddress,
  type SendOptions,
  type TraceOptions,
  UsageError,
} from "../core/mod.ts";
import { OUTPUT_FORMATS, type OutputFormat } from "./formats.ts";
import { echo } from "./host.ts";

/** The options of both commands as typed. */
export interface TypedOptions {
  readonly ipv4?: true | undefined;
  readonly ipv6?: true | undefined;
  readonly queries?: string | undefined;
  readonly first?: string | undefined;
  readonly maxHops?: string | undefined;
  readonly wait?: string | undefined;
  readonly window?: string | undefined;
  readonly maxGap?: string | undefined;
  readonly pps?: string | undefined;
  readonly numeric?: true | undefined;
  readonly both?: true | undefined;
  readonly source?: string | undefined;
  readonly interface?: string | undefined;
  readonly sport?: string | undefined;
  readonly flow?: string | undefined;
  readonly size?: string | undefined;
  readonly tos?: string | undefined;
  readonly mark?: string | undefined;
  readonly df?: string | undefined;
  readonly format?: string | undefined;
  readonly backend?: string | undefined;
  readonly record?: string | undefined;
}

/** The same, checked. */
export interface CommonOptions {
  readonly family?: Family;
  readonly trace: Partial<TraceOptions>;
  readonly sourcePort?: number;
  /** Octets of the whole packet. */
  readonly packetSize?: number;
  readonly source?: IpAddress;
  readonly interface?: string;
  readonly send: SendOptions;
  readonly backend: Backend;
  readonly numeric: boolean;
  readonly format: OutputFormat;
  /** The path of a recording to write. */
  readonly record?: string;
}

/** Throws UsageError for the first value that is out of range. */
export function checkOptions(typed: TypedOptions): CommonOptions {
  if (typed.ipv4 && typed.ipv6) throw new UsageError("Cannot use -4 with -6: a trace is over one of them");
  const trace = checkTraceOptions(typed);
  const sourcePort = whole("--sport", typed.sport, 1, 65_535);
  const packetSize = whole("--size", typed.size, 20, 65_535);
  const source = typed.source === undefined ? undefined : checkSource(typed.source);
  const asked = typed.ipv4 ? 4 : typed.ipv6 ? 6 : undefined;
  if (source !== undefined && asked !== undefined && source.family !== asked) {
    throw new UsageError(`Cannot use -${asked} with -s ${source.text}: it is an IPv${source.family} address`);
  }
  const family = asked ?? source?.family;
  return {
    trace,
    send: checkSendOptions(typed),
    backend: oneOf("--backend", typed.backend, ["auto", "ffi", "raw-socket", "runtime"]) ?? "auto",
    numeric: typed.numeric === true,
    format: checkFormat(typed.format),
    ...(typed.record !== undefined && { record: typed.record }),
    ...(family !== undefined && { family }),
    ...(sourcePort !== undefined && { sourcePort }),
    ...(packetSize !== undefined && { packetSize }),
    ...(source !== undefined && { source }),
    ...(typed.interface !== undefined && { interface: checkInterface(typed.interface) }),
  };
}

function checkTraceOptions(typed: TypedOptions): Partial<TraceOptions> {
  const numbers = {
    queries: whole("-q", typed.queries, 1, 255),
    firstHop: whole("-f", typed.first, 1, 255),
    maxHop: whole("-m", typed.maxHops, 1, 255),
    window: whole("--window", typed.window, 1, 255),
    maxGap: whole("--max-gap", typed.maxGap, 1, 255),
    packetsPerSecond: whole("--pps", typed.pps, 1, 1_000_000),
    flow: oneOf("--flow", typed.flow, ["constant", "vary"]),
  };
  const { firstHop = 1, maxHop = 30 } = numbers;
  if (firstHop > maxHop) {
    throw new UsageError(`Cannot trace from hop ${firstHop} (-f) to hop ${maxHop} (-m): the first is behind the last`);
  }
  const seconds = decimal("-w", typed.wait, 0.001, 3600);
  const given = Object.entries(numbers).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...(seconds !== undefined && { maxWaitMs: seconds * 1000 }) };
}

const FRAGMENT_POLICIES: readonly FragmentPolicy[] = ["do", "want", "dont", "probe"];

function checkSendOptions({ tos, mark, df }: TypedOptions): SendOptions {
  const trafficClass = wholeOrHex("--tos", tos, 0xff);
  const number = wholeOrHex("--mark", mark, 0xffff_ffff);
  const dontFragment = oneOf("--df", df, FRAGMENT_POLICIES);
  return {
    ...(trafficClass !== undefined && { trafficClass }),
    ...(number !== undefined && { mark: number }),
    ...(dontFragment !== undefined && { dontFragment }),
  };
}

export function checkFormat(text: string | undefined): OutputFormat {
  return oneOf("--format", text, OUTPUT_FORMATS) ?? "text";
}

/** How many times as fast as it happened; undefined: all at once. */
export function checkSpeed(text: string | undefined): number | undefined {
  return text === "max" ? undefined : decimal("--speed", text, 0.01, 10_000, "a number");
}

/** Milliseconds. */
export function checkStagger(text: string | undefined): number {
  return whole("--stagger", text, 0, 60_000) ?? DEFAULT_STAGGER_MS;
}

export function checkCycles(text: string | undefined): number | undefined {
  return whole("-c", text, 1, 1_000_000_000);
}

/** Milliseconds. */
export function checkInterval(text: string | undefined): number | undefined {
  const seconds = decimal("--interval", text, 0.001, 86_400);
  return seconds === undefined ? undefined : seconds * 1000;
}

/** `shown`: the whole value of the option that the port is a part of. */
export function checkPort(option: string, text: string, shown = text): number {
  const port = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new UsageError(`Cannot use ${option} ${quote(shown)}: a port is a whole number from 1 to 65535`);
}

function checkSource(text: string): IpAddress {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw new UsageError(`Cannot use -s ${quote(text)}: it is no IP address (-i takes the name of an interface)`);
}

/** Linux: at most 15 octets, no slash, no space (dev_valid_name). */
function checkInterface(text: string): string {
  if (/^[^\s/]{1,15}$/.test(text) && !/[\x00-\x1f\x7f]/.test(text)) return text;
  throw new UsageError(`Cannot use -i ${quote(text)}: it is no name of an interface`);
}

export function whole(option: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`Cannot use ${option} ${quote(text)}: it must be a whole number from ${least} to ${most}`);
}

function wholeOrHex(option: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^(\d{1,10}|0x[\da-f]{1,8})$/i.test(text) ? Number(text) : Number.NaN;
  if (value <= most) return value;
  const hex = `0x${most.toString(16)}`;
  throw new UsageError(`Cannot use ${option} ${quote(text)}: it must be a whole number from 0 to ${most} (${hex})`);
}

export function decimal(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
  what = "a number of seconds",
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^(\d{1,9}(\.\d{0,9})?|\.\d{1,9})$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`Cannot use ${option} ${quote(text)}: it must be ${what} from ${least} to ${most}`);
}

export function oneOf<T extends string>(option: string, text: string | undefined, known: readonly T[]): T | undefined {
  const found = known.find((each) => each === text);
  if (text === undefined || found !== undefined) return found;
  throw new UsageError(`Cannot use ${option} ${quote(text)}: it must be ${listed(known)}`);
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function quote(text: string): string {
  return text === "" ? '""' : echo(text);
}
