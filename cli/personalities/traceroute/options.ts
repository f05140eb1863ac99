import type { Family, SweepWait } from "../../../core/mod.ts";
import { GetoptError, type GivenOption, getopt } from "../getopt.ts";
import { leadingFloat, leadingUnsigned, wholeFloat, wholeUnsigned } from "../numbers.ts";
import { servicePort } from "../services.ts";
import { TracerouteExit, unavailable } from "./exit.ts";
import { HELP, versionText } from "./help.ts";
import { isMethodName, METHOD_OPTION_HELP, type MethodName } from "./methods.ts";
import { type ModuleOptions, readModuleOptions } from "./module-options.ts";
import { TRACEROUTE_SPECS, type TracerouteOption, type TracerouteSpec } from "./specs.ts";

/** A command line of traceroute, read and in range, but for what only a name server can tell. */
export interface TracerouteOptions {
  readonly host: string;
  /** Which operand the host is, and which word of the command line. */
  readonly hostAt: number;
  readonly family: Family | undefined;
  readonly method: MethodName;
  readonly port: number | undefined;
  readonly sourcePort: number | undefined;
  readonly source: { readonly text: string; readonly at: number; readonly shown: string } | undefined;
  readonly device: string | undefined;
  readonly firstHop: number;
  readonly maxHop: number;
  readonly queries: number;
  readonly simultaneous: number;
  readonly sendWaitMs: number;
  readonly wait: SweepWait;
  /** Octets, as typed and as read; undefined: the method's own. */
  readonly length: { readonly text: string; readonly at: number } | undefined;
  readonly packetLength: number | undefined;
  readonly tos: number;
  readonly flowLabel: number;
  readonly mark: number | undefined;
  readonly numeric: boolean;
  readonly asPath: boolean;
  readonly extensions: boolean;
  readonly back: boolean;
  readonly mtu: boolean;
  readonly dontFragment: boolean;
  readonly noRoute: boolean;
  readonly module: ModuleOptions;
  /** SO_DEBUG. */
  readonly debug: boolean;
  readonly fallback: boolean;
  /** A database of networks; implies `asPath`. */
  readonly asnDatabase: string | undefined;
}

const MAX_HOPS = 255;
const MAX_QUERIES = 10;
const MAX_PACKET = 65_000;
const DEFAULT_WAIT: SweepWait = { maxMs: 5000, here: 3, near: 10 };

type Given = GivenOption<TracerouteSpec>;
type Values = ReadonlyMap<TracerouteOption, Given>;

/** `family`: from the name under which the tool was called. Throws TracerouteExit. */
export function readOptions(argv: readonly string[], family: Family | undefined): TracerouteOptions {
  const words = readWords(argv);
  const given: Values = new Map(words.options.map((each) => [each.spec.id, each]));
  if (given.has("help")) throw new TracerouteExit(HELP.trimEnd(), 0);
  if (given.has("version")) throw new TracerouteExit(versionText(), 0);
  const { method, moduleOptions } = readMethod(words.options);
  const numbers = readNumbers(given);
  const source = given.get("source");
  refuseUnavailable(given);
  const [host, length, extra] = words.operands;
  if (host === undefined) throw new TracerouteExit('Specify "host" missing argument.');
  if (extra !== undefined) throw new TracerouteExit(`Extra arg \`${extra}' (position 3, argc ${words.operandsAt[2]})`);
  const chosen = words.options.findLast(({ spec }) => spec.id === "ipv4" || spec.id === "ipv6")?.spec.id;
  return {
    host,
    hostAt: words.operandsAt[0] ?? 0,
    family: chosen === undefined ? family : chosen === "ipv4" ? 4 : 6,
    ...numbers,
    length: length === undefined ? undefined : { text: length, at: words.operandsAt[1] ?? 0 },
    packetLength: undefined,
    method,
    module: readModuleOptions(method, moduleOptions),
    debug: given.has("debug"),
    source: source && { text: source.value ?? "", at: source.at, shown: source.shown },
    device: given.get("interface")?.value,
    numeric: given.has("numeric"),
    asPath: given.has("as-path") || given.has("asn-db"),
    asnDatabase: given.get("asn-db")?.value,
    extensions: given.has("extensions"),
    back: given.has("back"),
    mtu: given.has("mtu"),
    dontFragment: given.has("dont-fragment") || given.has("mtu"),
    noRoute: given.has("no-route"),
    fallback: given.has("fallback"),
  };
}

/** What the real tool reads and finds wrong only once it knows the host's address. Throws TracerouteExit. */
export function checkRanges(options: TracerouteOptions): number | undefined {
  const { firstHop, maxHop, queries, wait, sendWaitMs, method } = options;
  const packetLength = readLength(options.length);
  const refuse = (text: string): never => {
    throw new TracerouteExit(text);
  };
  if (!isMethodName(method)) refuse(`Unknown traceroute module ${method}`);
  if (firstHop === 0 || firstHop > maxHop) refuse("first hop out of range");
  if (maxHop > MAX_HOPS) refuse(`max hops cannot be more than ${MAX_HOPS}`);
  if (queries === 0 || queries > MAX_QUERIES) refuse(`no more than ${MAX_QUERIES} probes per hop`);
  if (wait.maxMs < 0 || wait.here < 0 || wait.near < 0) {
    refuse(`bad wait specifications \`${wait.maxMs / 1000},${wait.here},${wait.near}' used`);
  }
  if (packetLength !== undefined && packetLength > MAX_PACKET) refuse(`too big packetlen ${packetLength} specified`);
  if (sendWaitMs < 0) refuse(`bad sendtime \`${sendWaitMs / 1000}' specified`);
  return packetLength;
}

function readWords(argv: readonly string[]): ReturnType<typeof getopt<TracerouteSpec>> {
  // The one long option with a single dash.
  const words = argv.map((word) => (word === "-UL" ? "--UL" : word));
  try {
    return getopt(words, TRACEROUTE_SPECS);
  } catch (error) {
    if (!(error instanceof GetoptError)) throw error;
    throw new TracerouteExit(describe(error, argv));
  }
}

function describe({ problem, option, at }: GetoptError, argv: readonly string[]): string {
  const word = argv[at - 1] ?? option;
  if (problem === "missing-value") {
    const isLong = option.startsWith("--");
    const spec = TRACEROUTE_SPECS.find(({ short, long }) => (isLong ? long === word.slice(2) : short === option[1]));
    return `Option \`${option}' (argc ${at}) requires an argument: \`${option}${isLong ? "=" : " "}${spec?.valueName}'`;
  }
  if (!word.startsWith("--")) return `Bad option \`${option}' (argc ${at})`;
  const equals = word.indexOf("=");
  return `Bad option \`${word}'${equals < 0 ? "" : ` (with arg \`${word.slice(equals + 1)}')`} (argc ${at})`;
}

function readMethod(options: readonly Given[]): { readonly method: MethodName; readonly moduleOptions: Given[] } {
  let method = "default";
  const moduleOptions: Given[] = [];
  for (const each of options) {
    const { id } = each.spec;
    if (id === "icmp" || id === "tcp" || id === "udp" || id === "udplite" || id === "dccp") method = id;
    else if (id === "module") method = each.value ?? "";
    else if (id === "protocol") method = "raw";
    if (id === "options" && each.value === "help") throw new TracerouteExit(moduleHelp(method), 0);
    if (id === "options" || id === "protocol") moduleOptions.push(each);
  }
  // An unknown one is told of once the host is known.
  return { method: method as MethodName, moduleOptions };
}

function moduleHelp(method: string): string {
  const help = isMethodName(method) ? METHOD_OPTION_HELP[method] : undefined;
  return help ?? `No options for module \`${method}'`;
}

type Numbers = Pick<
  TracerouteOptions,
  | "firstHop"
  | "maxHop"
  | "queries"
  | "simultaneous"
  | "sendWaitMs"
  | "wait"
  | "port"
  | "sourcePort"
  | "tos"
  | "flowLabel"
  | "mark"
>;

function readNumbers(given: Values): Numbers {
  const unsigned = (id: TracerouteOption): number | undefined => read(given.get(id), wholeUnsigned);
  const port = (id: TracerouteOption): number | undefined => {
    const number = read(given.get(id), readPort);
    return number === undefined || (number & 0xffff) === 0 ? undefined : number & 0xffff;
  };
  const sendWait = read(given.get("sendwait"), wholeFloat) ?? 0;
  return {
    firstHop: unsigned("first") ?? 1,
    maxHop: unsigned("max-hops") ?? 30,
    queries: unsigned("queries") ?? 3,
    simultaneous: unsigned("sim-queries") ?? 16,
    // From ten on it is a number of milliseconds (traceroute(8)).
    sendWaitMs: sendWait >= 10 ? sendWait : sendWait * 1000,
    wait: read(given.get("wait"), readWait) ?? DEFAULT_WAIT,
    port: port("port"),
    sourcePort: port("sport"),
    tos: (unsigned("tos") ?? 0) & 0xff,
    flowLabel: (unsigned("flowlabel") ?? 0) & 0xfffff,
    mark: unsigned("fwmark") || undefined,
  };
}

function read<T>(option: Given | undefined, parse: (text: string) => T | undefined): T | undefined {
  if (option === undefined) return undefined;
  const value = parse(option.value ?? "");
  if (value === undefined) throw cannotHandle(option);
  return value;
}

function cannotHandle({ shown, value, at }: Given): TracerouteExit {
  return new TracerouteExit(`Cannot handle \`${shown}' option with arg \`${value}' (argc ${at})`);
}

function readPort(text: string): number | undefined {
  return leadingUnsigned(text)?.value ?? servicePort(text);
}

/** `MAX[,HERE[,NEAR]]`, with any character between them; what is not named is zero. */
function readWait(text: string): SweepWait | undefined {
  const values: number[] = [];
  for (let rest: string | undefined = text; rest !== undefined; ) {
    const number = leadingFloat(rest);
    if (number === undefined || values.length === 3) return undefined;
    values.push(number.value);
    rest = number.rest === "" ? undefined : number.rest.slice(1);
  }
  const [seconds = 0, here = 0, near = 0] = values;
  return { maxMs: seconds * 1000, here, near };
}

function readLength(length: TracerouteOptions["length"]): number | undefined {
  if (length === undefined) return undefined;
  const { text, at } = length;
  const value = /^\s*[+-]?(0[xX][\da-fA-F]+|\d+)$/.test(text) ? wholeUnsigned(text) : undefined;
  if (value !== undefined) return value < 2 ** 31 ? value : 0;
  throw new TracerouteExit(`Cannot handle "packetlen" cmdline arg \`${text}' on position 2 (argc ${at})`);
}

function refuseUnavailable(given: Values): void {
  if (given.has("gateway")) throw unavailable("-g", "probes are sent without source routing");
}
