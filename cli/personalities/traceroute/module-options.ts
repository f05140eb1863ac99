import { type PluginValues, wire } from "../../../core/mod.ts";
import type { GivenOption } from "../getopt.ts";
import { leadingUnsigned } from "../numbers.ts";
import { TracerouteExit } from "./exit.ts";
import { METHODS, type Method, type MethodName } from "./methods.ts";
import type { TracerouteSpec } from "./specs.ts";

/** What `-O`, and `-P`, ask of a method. */
export interface ModuleOptions {
  /** `-O info`. */
  readonly tcpInfo: boolean;
  /** Of `-M raw`: the IP protocol. */
  readonly ipProtocol: number;
  /** The method itself, but for what the options change of it. */
  readonly variant: Partial<Method>;
  /** Options of its plugin's own. */
  readonly values: PluginValues;
}

type Given = GivenOption<TracerouteSpec>;

const DEFAULT_IP_PROTOCOL = 253;
const { TCP_FLAG } = wire;

/** Throws TracerouteExit for a word that the method does not know. */
export function readModuleOptions(method: MethodName, given: readonly Given[]): ModuleOptions {
  const words = given.flatMap(({ spec, value = "" }) =>
    spec.id === "protocol"
      ? [wordOf(`protocol=${value}`, 0)]
      : value
          .split(/[ \t,]+/)
          .filter(Boolean)
          .map(wordOf),
  );
  const usual = { tcpInfo: false, ipProtocol: DEFAULT_IP_PROTOCOL, variant: {}, values: {} };
  switch (method) {
    case "tcp":
      return { ...usual, ...readTcp(words) };
    case "icmp":
      return { ...usual, values: readIcmp(words) };
    case "udplite":
      return { ...usual, values: readCoverage(words) };
    case "dccp":
      return { ...usual, values: readService(words) };
    case "raw": {
      const ipProtocol = readProtocols(words) ?? DEFAULT_IP_PROTOCOL;
      return { ...usual, ipProtocol, values: { protocol: ipProtocol } };
    }
    default:
      // Methods without options of their own overlook them, as the real ones do.
      return usual;
  }
}

/** Of TCP: bits, what is offered, and whether the system's own habits are asked for. */
interface TcpWishes {
  flags: number | undefined;
  isExact: boolean;
  ecn: boolean;
  sack: boolean;
  timestamps: boolean;
  windowScaling: boolean;
  sysctl: boolean;
  mss: number | undefined;
}

/** The SYN that tcp-syn sends is Linux's own: only where another segment is asked for does tcp-segment send it. */
function readTcp(words: readonly Word[]): Pick<ModuleOptions, "tcpInfo" | "variant" | "values"> {
  const wishes: TcpWishes = {
    ...{ flags: undefined, isExact: false, mss: undefined },
    ...{ ecn: false, sack: false, timestamps: false, windowScaling: false, sysctl: false },
  };
  let tcpInfo = false;
  for (const word of words) {
    if (word.text === "info") tcpInfo = true;
    else readTcpWord(word, wishes);
  }
  const { mss, ecn } = wishes;
  const isUsual = wishes.flags === undefined && !ecn && !wishes.sack && !wishes.timestamps && !wishes.windowScaling;
  const isAll = isUsual || wishes.sysctl;
  const sack = isAll || wishes.sack;
  const timestamps = isAll || wishes.timestamps;
  const windowScaling = isAll || wishes.windowScaling;
  const flags = wishes.flags ?? TCP_FLAG.syn | (ecn ? TCP_FLAG.ece | TCP_FLAG.cwr : 0);
  const isSyn = (flags & TCP_FLAG.syn) !== 0;
  if (flags === TCP_FLAG.syn && sack && timestamps && windowScaling && mss === undefined) {
    return { tcpInfo, variant: {}, values: {} };
  }
  const headers = 20 + (isSyn ? 4 : 0) + (timestamps ? 12 : sack ? 4 : 0) + (windowScaling ? 4 : 0);
  return {
    tcpInfo,
    variant: { plugins: ["tcp-segment"], headers },
    values: { flags, sack, timestamps, "window-scaling": windowScaling, ...(mss !== undefined && isSyn && { mss }) },
  };
}

function readTcpWord(word: Word, wishes: TcpWishes): void {
  const { text, key } = word;
  if (Object.hasOwn(TCP_FLAG, text)) wishes.flags = (wishes.flags ?? 0) | TCP_FLAG[text as keyof typeof TCP_FLAG];
  else if (isShortFor(key, "flags")) wishes.flags = numberOf(word, "flags") & 0xff;
  else if (key === "mss") wishes.mss = numberOf(word, "mss") & 0xffff || undefined;
  else if (text === "ecn" || text === "sack" || text === "sysctl") wishes[text] = true;
  else if (isShortFor(text, "timestamps")) wishes.timestamps = true;
  else if (isShortFor(text, "window_scaling")) wishes.windowScaling = true;
  // Of local ports that are in use: all our segments leave by one that this program holds.
  else if (text !== "reuse") unknownWord(word);
}

function readIcmp(words: readonly Word[]): PluginValues {
  for (const word of words) if (word.text !== "raw" && word.text !== "dgram") unknownWord(word);
  const [first] = words;
  if (first === undefined) return {};
  const other = words.find(({ text }) => text !== first.text);
  if (other !== undefined) {
    throw new TracerouteExit(
      `Keyword \`${other.text}' (argc ${other.at}): Only one of:\n    raw | dgram\nmay be specified.`,
    );
  }
  return { socket: first.text === "raw" ? "raw" : "ping" };
}

function readNumber(words: readonly Word[], name: string): number | undefined {
  let number: number | undefined;
  for (const word of words) {
    if (!isShortFor(word.key, name)) unknownWord(word);
    number = numberOf(word, name);
  }
  return number;
}

/** As Linux reads it (udplite(7)): at least the header, and no more than there can be. */
function readCoverage(words: readonly Word[]): PluginValues {
  const coverage = readNumber(words, "coverage");
  if (coverage === undefined) return {};
  return { coverage: coverage === 0 ? 0 : Math.min(Math.max(coverage, 8), 0xffff) };
}

function readService(words: readonly Word[]): PluginValues {
  const service = readNumber(words, "service");
  return service === undefined ? {} : { service: service >>> 0 };
}

function readProtocols(words: readonly Word[]): number | undefined {
  let protocol: number | undefined;
  for (const word of words) {
    if (!isShortFor(word.key, "protocol")) unknownWord(word);
    protocol = readProtocol(word.value ?? "") ?? cannotHandle(word, "protocol");
  }
  return protocol;
}

function numberOf(word: Word, name: string): number {
  if (word.value === undefined) {
    throw new TracerouteExit(`Keyword \`${name}' (argc ${word.at}) requires an argument: \`${name}=NUM'`);
  }
  return leadingUnsigned(word.value)?.value ?? cannotHandle(word, name);
}

/** One of the words behind `-O`, and its place among them, from 1. */
interface Word {
  readonly text: string;
  readonly key: string;
  readonly value: string | undefined;
  readonly at: number;
}

function wordOf(text: string, index: number): Word {
  const equals = text.indexOf("=");
  const cut = equals < 0 ? text.length : equals;
  return { text, key: text.slice(0, cut), value: equals < 0 ? undefined : text.slice(cut + 1), at: index + 1 };
}

function cannotHandle({ value, at }: Word, name: string): never {
  throw new TracerouteExit(`Cannot handle \`${name}' keyword with arg \`${value ?? ""}' (argc ${at})`);
}

/** Some words may be cut short. */
function isShortFor(word: string, whole: string): boolean {
  return word !== "" && whole.startsWith(word);
}

function unknownWord({ text, at }: Word): never {
  throw new TracerouteExit(`\`${text}' (argc ${at}): arguments are not allowed`);
}

const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  "ipv6-icmp": 58,
  ospf: 89,
  sctp: 132,
  udplite: 136,
};

function readProtocol(text: string): number | undefined {
  return leadingUnsigned(text)?.value ?? (Object.hasOwn(PROTOCOL_NUMBERS, text) ? PROTOCOL_NUMBERS[text] : undefined);
}

/** The method as the options have it. */
export function methodWith(name: MethodName, { variant }: ModuleOptions): Method {
  return { ...METHODS[name], ...variant };
}
