import { readFileSync } from "node:fs";
import type { Family } from "../../../core/mod.ts";
import { GetoptError, type GivenOption, getopt, type OptionSpec } from "../getopt.ts";
import { DEFAULT_ORDER, type Field, readOrder } from "./fields.ts";
import { INFO_COLUMNS } from "./view.ts";

type MtrMode = "report" | "json" | "csv" | "xml" | "raw" | "split" | "live";

/** A command line of mtr, read. */
export interface MtrSettings {
  readonly mode: MtrMode;
  /** Of the live screen, 0-2. */
  readonly display: number;
  readonly help: boolean;
  readonly version: boolean;
  readonly hosts: readonly string[];
  readonly family: Family | undefined;
  readonly protocol: "icmp" | "udp" | "tcp" | "sctp";
  readonly port: number | undefined;
  readonly localPort: number | undefined;
  readonly interface: string | undefined;
  readonly address: string | undefined;
  readonly mark: number | undefined;
  /** 0-255 */
  readonly tos: number;
  /** Octets of the whole packet. */
  readonly packetSize: number;
  readonly bitPattern: number | "random";
  readonly firstHop: number;
  readonly maxHop: number;
  readonly maxUnknown: number;
  readonly cycles: number;
  /** `-c` was given. */
  readonly hasCycles: boolean;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** `-G` was given. */
  readonly hasGrace: boolean;
  readonly wide: boolean;
  readonly dns: boolean;
  readonly showIps: boolean;
  readonly mpls: boolean;
  /** Which of `INFO_COLUMNS`. */
  readonly info: number | undefined;
  /** A database of networks. */
  readonly asnDb: string | undefined;
  readonly fields: readonly Field[];
  /** Use another protocol where this one is refused. */
  readonly fallback: boolean;
}

/** What is wrong with a command line, in mtr's words. */
export class MtrComplaint extends Error {
  override readonly name = "MtrComplaint";
}

const DEFAULTS: MtrSettings = {
  mode: "live",
  display: 0,
  help: false,
  version: false,
  hosts: [],
  family: undefined,
  protocol: "icmp",
  port: undefined,
  localPort: undefined,
  interface: undefined,
  address: undefined,
  mark: undefined,
  tos: 0,
  packetSize: 64,
  bitPattern: 0,
  firstHop: 1,
  maxHop: 30,
  maxUnknown: 12,
  cycles: 10,
  hasCycles: false,
  intervalMs: 1000,
  timeoutMs: 10_000,
  graceMs: 5000,
  hasGrace: false,
  wide: false,
  dns: true,
  showIps: false,
  mpls: false,
  info: undefined,
  asnDb: undefined,
  fields: readOrderOf(DEFAULT_ORDER),
  fallback: false,
};

interface MtrOption extends OptionSpec {
  /** What it changes of the settings so far. Throws MtrComplaint. */
  readonly read: (value: string, so: MtrSettings) => Partial<MtrSettings>;
}

const INT_MAX = 2_147_483_647;
const UINT32_MAX = 4_294_967_295;
const MOST_HOPS = 255;
const LEAST_LOCAL_PORT = 1024;

const protocol = (protocol: MtrSettings["protocol"]) => (_value: string, so: MtrSettings) => {
  if (so.protocol !== "icmp") throw new MtrComplaint("-u , -T and -S are mutually exclusive");
  return { protocol };
};

/** In the order of mtr(8). A later option wins. */
const OPTIONS: readonly MtrOption[] = [
  { short: "h", long: "help", read: () => ({ help: true }) },
  { short: "v", long: "version", read: () => ({ version: true }) },
  { short: "4", long: "inet", read: () => ({ family: 4 }) },
  { short: "6", long: "inet6", read: () => ({ family: 6 }) },
  {
    short: "F",
    long: "filename",
    value: "required",
    read: (value, so) => ({ hosts: [...so.hosts, ...readHosts(value)] }),
  },
  { short: "r", long: "report", read: () => ({ mode: "report" }) },
  {
    short: "w",
    long: "report-wide",
    read: () => ({ mode: "report", wide: true }),
  },
  { short: "x", long: "xml", read: () => ({ mode: "xml" }) },
  { short: "t", long: "curses", read: () => ({ mode: "live" }) },
  { short: "l", long: "raw", read: () => ({ mode: "raw" }) },
  { short: "C", long: "csv", read: () => ({ mode: "csv" }) },
  { short: "j", long: "json", read: () => ({ mode: "json" }) },
  { long: "displaymode", value: "required", read: displayMode },
  { short: "p", long: "split", read: () => ({ mode: "split" }) },
  { short: "n", long: "no-dns", read: () => ({ dns: false }) },
  { short: "b", long: "show-ips", read: () => ({ showIps: true }) },
  { short: "o", long: "order", value: "required", read: (value) => ({ fields: readOrderOf(value) }) },
  {
    short: "y",
    long: "ipinfo",
    value: "required",
    read(value) {
      const info = whole(value);
      if (info >= INFO_COLUMNS.length) throw new MtrComplaint(`value ${info} out of range (0 - 4)`);
      return { info };
    },
  },
  { short: "z", long: "aslookup", read: () => ({ info: 0 }) },
  {
    short: "i",
    long: "interval",
    value: "required",
    read: (value) => ({ intervalMs: interval(value) }),
  },
  {
    short: "c",
    long: "report-cycles",
    value: "required",
    read: (value) => ({ cycles: whole(value), hasCycles: true }),
  },
  { short: "s", long: "psize", value: "required", read: (value) => ({ packetSize: whole(value) }) },
  {
    short: "B",
    long: "bitpattern",
    value: "required",
    read(value) {
      const pattern = whole(value);
      return { bitPattern: pattern > 255 ? "random" : pattern };
    },
  },
  {
    short: "Q",
    long: "tos",
    value: "required",
    read(value) {
      const tos = whole(value);
      return { tos: tos > 255 ? 0 : tos };
    },
  },
  { short: "e", long: "mpls", read: () => ({ mpls: true }) },
  { short: "I", long: "interface", value: "required", read: (value) => ({ interface: value }) },
  { short: "a", long: "address", value: "required", read: (value) => ({ address: value }) },
  {
    short: "f",
    long: "first-ttl",
    value: "required",
    read: (value, so) => ({ firstHop: clamp(whole(value), 1, so.maxHop) }),
  },
  {
    short: "m",
    long: "max-ttl",
    value: "required",
    read(value, so) {
      const maxHop = clamp(whole(value), 1, MOST_HOPS);
      return { maxHop, firstHop: Math.min(so.firstHop, maxHop) };
    },
  },
  {
    short: "U",
    long: "max-unknown",
    value: "required",
    read: (value) => ({ maxUnknown: Math.max(1, whole(value)) }),
  },
  { short: "u", long: "udp", read: protocol("udp") },
  { short: "T", long: "tcp", read: protocol("tcp") },
  { short: "S", long: "sctp", read: protocol("sctp") },
  { short: "P", long: "port", value: "required", read: (value) => ({ port: port(value, 1) }) },
  {
    short: "L",
    long: "localport",
    value: "required",
    read: (value) => ({ localPort: port(value, LEAST_LOCAL_PORT) }),
  },
  {
    short: "Z",
    long: "timeout",
    value: "required",
    read: (value) => ({ timeoutMs: whole(value) * 1000 }),
  },
  {
    short: "G",
    long: "gracetime",
    value: "required",
    read: (value) => ({ graceMs: positive(value) * 1000, hasGrace: true }),
  },
  {
    short: "M",
    long: "mark",
    value: "required",
    read: (value) => ({ mark: whole(value, UINT32_MAX) }),
  },
  { long: "asn-db", value: "required", read: (value, so) => ({ asnDb: value, info: so.info ?? 0 }) },
  { long: "fallback", read: () => ({ fallback: true }) },
];

/** Reads MTR_OPTIONS and then the command line. Throws MtrComplaint. */
export function readSettings(argv: readonly string[], inherited: string | undefined, family?: Family): MtrSettings {
  const words = (inherited ?? "").split(/[ \t]+/).filter((word) => word !== "");
  // Operands among those words are passed over, as mtr does.
  const { settings: first } = read(words, { ...DEFAULTS, family });
  const { settings, operands } = read(argv, first);
  return { ...settings, hosts: [...settings.hosts, ...operands] };
}

function read(
  argv: readonly string[],
  start: MtrSettings,
): { readonly settings: MtrSettings; readonly operands: readonly string[] } {
  try {
    const { options, operands } = getopt(argv, OPTIONS);
    return { settings: options.reduce(withOption, start), operands };
  } catch (error) {
    throw error instanceof GetoptError ? new MtrComplaint(getoptWords(error)) : error;
  }
}

function withOption(settings: MtrSettings, { spec, value }: GivenOption<MtrOption>): MtrSettings {
  return { ...settings, ...spec.read(value ?? "", settings) };
}

/** As getopt_long(3) of the GNU C library says it. */
function getoptWords({ problem, option }: GetoptError): string {
  const isLong = option.startsWith("--");
  const letter = option.slice(1);
  switch (problem) {
    case "unknown":
      return isLong ? `unrecognized option '${option}'` : `invalid option -- '${letter}'`;
    case "ambiguous":
      return `option '${option}' is ambiguous`;
    case "missing-value":
      return isLong ? `option '${option}' requires an argument` : `option requires an argument -- '${letter}'`;
    case "unexpected-value":
      return `option '${option}' doesn't allow an argument`;
  }
}

function readOrderOf(order: string): readonly Field[] {
  const fields = readOrder(order);
  if ("error" in fields) throw new MtrComplaint(fields.error);
  return fields;
}

/** strtoul(3) in base 10, of which mtr takes what is below `limit`. */
function whole(text: string, limit = INT_MAX): number {
  const number = /^\s*\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number < limit) return number;
  throw new MtrComplaint(`invalid argument: '${text}'`);
}

function decimal(text: string): number {
  const number = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(number)) return number;
  throw new MtrComplaint(`invalid argument: '${text}'`);
}

function positive(text: string): number {
  const number = decimal(text);
  if (number > 0) return number;
  throw new MtrComplaint("wait time must be positive");
}

/** Milliseconds. Whoever is not root may not ask faster than once a second: the manners of the real one. */
function interval(text: string): number {
  const seconds = positive(text);
  if (seconds < 1 && process.geteuid?.() !== 0) {
    throw new MtrComplaint("non-root users cannot request an interval < 1.0 seconds");
  }
  return seconds * 1000;
}

function port(text: string, least: number): number {
  const number = whole(text);
  if (number >= least && number <= 65_535) return number;
  throw new MtrComplaint(`Illegal port number: ${number}`);
}

function clamp(number: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, number));
}

function displayMode(text: string): Partial<MtrSettings> {
  const display = whole(text);
  if (display > 2) throw new MtrComplaint(`value out of range (0 - 2): ${text}`);
  return { display };
}

/** One host a line; `-`: standard input. */
function readHosts(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    const { code } = Object(error);
    const why =
      code === "ENOENT" ? "No such file or directory" : code === "EACCES" ? "Permission denied" : String(code);
    throw new MtrComplaint(`open ${file}: ${why}`);
  }
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
