import { type Family, type FragmentPolicy, type IpAddress, parseAddress } from "../../../core/mod.ts";
import { echo } from "../../host.ts";
import { GetoptError, type GivenOption, getopt, type OptionSpec } from "../getopt.ts";
import type { PersonalityCall } from "../mod.ts";
import { PingExit } from "./exit.ts";
import { decimalOrHex, pattern, seconds, wholeNumber } from "./numbers.ts";

/** What is sent: echo requests, or to a port. */
export type PingProtocol = { readonly kind: "icmp" } | { readonly kind: "tcp" | "udp"; readonly port: number };

/** A command line of ping's, read and checked. */
export interface PingOptions {
  /** As typed. */
  readonly host: string;
  /** Others may not ask more often than each 2 ms. */
  readonly isRoot: boolean;
  readonly protocol: PingProtocol;
  readonly family: Family | undefined;
  readonly isAudible: boolean;
  readonly isAdaptive: boolean;
  readonly isFlood: boolean;
  readonly isNumeric: boolean;
  readonly isQuiet: boolean;
  readonly isVerbose: boolean;
  readonly isFallbackWanted: boolean;
  /** -B: the source address stays that of the start. */
  readonly isSticky: boolean;
  readonly printsTimestamps: boolean;
  readonly reportsOutstanding: boolean;
  readonly count: number | undefined;
  readonly intervalMs: number;
  readonly lingerMs: number;
  readonly deadlineMs: number | undefined;
  readonly preload: number;
  readonly hopLimit: number;
  /** Octets behind ICMP's header; undefined for other protocols: as they usually are. */
  readonly dataLength: number | undefined;
  readonly pattern: Uint8Array | undefined;
  readonly source: IpAddress | undefined;
  readonly device: string | undefined;
  readonly mark: number | undefined;
  readonly trafficClass: number | undefined;
  readonly dontFragment: FragmentPolicy | undefined;
  readonly flowLabel: number | undefined;
  readonly dontRoute: boolean;
}

/** Options that iputils has and this ping has not, with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  b: "broadcasts are not sent",
  C: "its sockets are not connected",
  d: "Linux makes no use of SO_DEBUG",
  e: "the identifier is chosen by itself or by the kernel",
  L: "groups are not pinged",
  N: "node information queries are not sent",
  R: "IP options are not sent, try nettrace traceroute",
  S: "the send buffer is the kernel's default",
  T: "IP options are not sent",
  U: "times are taken by the kernel",
};

const SPECS: readonly OptionSpec[] = [
  ...Array.from("46ABDLORUabCdfhnqrvV", (short) => ({ short })),
  ...Array.from("FINQSTWceilmMpstw", (short) => ({ short, value: "required" as const })),
  { long: "tcp", value: "required" },
  { long: "udp", value: "required" },
  { long: "fallback" },
  { long: "help" },
  { long: "version" },
];

const ICMP_DATA = 56;
const USUAL_HOP_LIMIT = 64;
const POLICIES: readonly FragmentPolicy[] = ["do", "dont", "want"];

/** What was asked for: a ping, or only a text. */
export type PingCommand =
  | { readonly type: "ping"; readonly options: PingOptions }
  | { readonly type: "help" | "usage" | "version" };

/** Throws PingExit. `isRoot`: whether what is the super-user's alone is allowed. */
export function readCommand(
  argv: readonly string[],
  call: Pick<PersonalityCall, "family">,
  isRoot: boolean,
): PingCommand {
  const { options, operands } = readWords(argv);
  let draft: Draft = { family: call.family };
  for (const given of options) {
    const name = nameOf(given);
    if (name === "h" || name === "help") return { type: name === "h" ? "usage" : "help" };
    if (name === "V" || name === "version") return { type: "version" };
    draft = { ...draft, ...readOption(given, draft, isRoot) };
  }
  const [host, further] = operands;
  if (host === undefined) throw new PingExit("usage error: Destination address required", 1);
  if (further !== undefined) throw new PingExit(`cannot send by way of ${echo(host)}: source routes are not sent`, 2);
  return { type: "ping", options: complete(host, { ...draft, isRoot }) };
}

function readWords(argv: readonly string[]): ReturnType<typeof getopt> {
  try {
    return getopt(argv, SPECS);
  } catch (error) {
    if (!(error instanceof GetoptError)) throw error;
    const name = error.option.replace(/^-/, "");
    const shown = echo(name);
    if (error.problem === "missing-value") throw new PingExit(`option requires an argument -- '${shown}'`, 2);
    if (name.startsWith("-")) throw new PingExit(`unrecognized option '${echo(error.option)}'`, 2);
    throw new PingExit(`invalid option -- '${shown}'`, 2);
  }
}

type Draft = { readonly [Key in keyof PingOptions]?: PingOptions[Key] | undefined };

function nameOf({ spec }: GivenOption<OptionSpec>): string {
  return spec.short ?? spec.long ?? "";
}

function readOption(given: GivenOption<OptionSpec>, draft: Draft, isRoot: boolean): Draft {
  const { value = "" } = given;
  const name = nameOf(given);
  const why = REFUSED[name];
  if (why !== undefined) throw new PingExit(`option -${name} cannot be had here: ${why}`, 2);
  switch (name) {
    case "4":
    case "6":
      return { family: oneFamily(name === "4" ? 4 : 6, draft.family) };
    case "a":
      return { isAudible: true };
    case "A":
      return { isAdaptive: true };
    case "B":
      return { isSticky: true };
    case "c":
      return { count: wholeNumber(value, 1, 9_223_372_036_854_775_807n) };
    case "D":
      return { printsTimestamps: true };
    case "f":
      return { isFlood: true, isNumeric: true };
    case "F":
      return { flowLabel: flowLabel(value) };
    case "i":
      return { intervalMs: seconds(value, "bad timing interval") };
    case "I":
      return origin(value);
    case "l":
      return { preload: preload(value, isRoot) };
    case "m":
      return { mark: wholeNumber(value, 0, 4_294_967_295) };
    case "M":
      return { dontFragment: policy(value) };
    case "n":
      return { isNumeric: true };
    case "O":
      return { reportsOutstanding: true };
    case "p":
      return { pattern: pattern(value) };
    case "q":
      return { isQuiet: true };
    case "Q":
      return { trafficClass: trafficClass(value) };
    case "r":
      return { dontRoute: true };
    case "s":
      return { dataLength: wholeNumber(value, 0, 2_147_483_647) };
    case "t":
      return { hopLimit: wholeNumber(value, 0, 255) };
    case "w":
      return { deadlineMs: wholeNumber(value, 0, 2_147_483_647) * 1000 };
    case "W":
      return { lingerMs: seconds(value, "bad linger time") };
    case "tcp":
    case "udp":
      return { protocol: { kind: name, port: port(name, value) } };
    case "fallback":
      return { isFallbackWanted: true };
    case "v":
      return { isVerbose: true };
    default:
      throw new TypeError(`Cannot read the option ${name}: it has no meaning`);
  }
}

function complete(host: string, draft: Draft): PingOptions {
  const protocol = draft.protocol ?? { kind: "icmp" };
  const { hopLimit = USUAL_HOP_LIMIT, lingerMs = 10_000, deadlineMs } = draft;
  if (hopLimit === 0) throw new PingExit("cannot set unicast time-to-live: Invalid argument", 2);
  const usualData = protocol.kind === "icmp" ? ICMP_DATA : undefined;
  return {
    host,
    isRoot: draft.isRoot ?? false,
    protocol,
    hopLimit,
    family: draft.family ?? draft.source?.family,
    isAudible: draft.isAudible ?? false,
    isAdaptive: draft.isAdaptive ?? false,
    isFlood: draft.isFlood ?? false,
    isNumeric: draft.isNumeric ?? false,
    isQuiet: draft.isQuiet ?? false,
    isVerbose: draft.isVerbose ?? false,
    isFallbackWanted: draft.isFallbackWanted ?? false,
    isSticky: draft.isSticky ?? false,
    printsTimestamps: draft.printsTimestamps ?? false,
    reportsOutstanding: draft.reportsOutstanding ?? false,
    count: draft.count,
    intervalMs: draft.intervalMs ?? (draft.isFlood ? 0 : 1000),
    // Zero means for ever, for both.
    lingerMs: lingerMs === 0 ? Number.POSITIVE_INFINITY : lingerMs,
    deadlineMs: deadlineMs === 0 ? undefined : deadlineMs,
    preload: draft.preload ?? 1,
    dataLength: draft.dataLength ?? usualData,
    pattern: draft.pattern,
    source: draft.source,
    device: draft.device,
    mark: draft.mark,
    trafficClass: draft.trafficClass,
    dontFragment: draft.dontFragment,
    flowLabel: draft.flowLabel,
    dontRoute: draft.dontRoute ?? false,
  };
}

function oneFamily(asked: Family, before: Family | undefined): Family {
  if (before !== undefined && before !== asked) throw new PingExit("only one -4 or -6 option may be specified", 2);
  return asked;
}

function flowLabel(text: string): number {
  const label = decimalOrHex(text, "bad value for flowinfo");
  if (label < 0 || label > 0xfffff) throw new PingExit(`flow value is greater than 20 bits: ${echo(text)}`, 2);
  return label;
}

function trafficClass(text: string): number {
  const value = decimalOrHex(text, "bad TOS value");
  if (value >= 0 && value <= 255) return value;
  throw new PingExit(`the decimal value of TOS bits must be in range 0-255: ${value}`, 2);
}

function preload(text: string, isRoot: boolean): number {
  const value = wholeNumber(text, 1, 65_536);
  if (isRoot || value <= 3) return value;
  throw new PingExit(`cannot set preload to value greater than 3: ${value}`, 2);
}

function policy(text: string): FragmentPolicy {
  const found = POLICIES.find((each) => each === text);
  if (found === undefined) throw new PingExit(`invalid -M argument: ${echo(text)}`, 2);
  return found;
}

/** An address, an interface, or both with a `%` between. */
function origin(text: string): Draft {
  const address = parseAddress(text);
  if (address?.zone !== undefined) return { source: address, device: address.zone };
  if (address !== undefined) return { source: address };
  if (text.includes(":")) throw new PingExit(`invalid source address: ${echo(text)}`, 2);
  return { device: text };
}

function port(name: string, text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= 65_535) return value;
  throw new PingExit(`invalid --${name} argument: '${echo(text)}': a port is a whole number from 1 to 65535`, 2);
}
