import { GetoptError, type GivenOption, getopt, type OptionSpec } from "../getopt.ts";
import { servicePort } from "../services.ts";

/** A command line of tcptraceroute 1.5, read. */
export interface TcptracerouteOptions {
  readonly host: string;
  readonly port: number;
  readonly numeric: boolean;
  /** `-N`: names of private addresses too. */
  readonly namesOfAll: boolean;
  readonly device: string | undefined;
  readonly source: string | undefined;
  readonly sourcePort: number | undefined;
  /** `--track-port`: each probe from a port of its own. */
  readonly trackPort: boolean;
  readonly firstHop: number;
  readonly maxHop: number;
  readonly queries: number;
  /** Seconds. */
  readonly timeout: number;
  /** Octets; 0: as it comes. */
  readonly packetLength: number;
  readonly tos: number;
  readonly dontFragment: boolean;
  readonly fallback: boolean;
}

/** The tool has said what there is to say, and ends. */
export class TcptracerouteExit extends Error {
  override readonly name = "TcptracerouteExit";
  readonly exitCode: number;
  /** Besides the message, which goes to stderr. */
  readonly stdout: string;

  constructor(message: string, { exitCode = 1, stdout = "" } = {}) {
    super(message);
    this.exitCode = exitCode;
    this.stdout = stdout;
  }
}

const valued = (short: string): OptionSpec => ({ short, value: "required" });
const SPECS: readonly OptionSpec[] = [
  ...[..."hvdnNFSAE"].map((short) => ({ short })),
  ...[..."ilfmPpqwst"].map(valued),
  ...["help", "version", "track-port", "track-id", "track-ipid", "dnat", "no-dnat", "no-dnat-strict", "fallback"].map(
    (long) => ({ long }),
  ),
];

const DEFAULT_PORT = 80;
const MAX_QUERIES = 255;

/** Throws TcptracerouteExit. `about`: what the tool says of itself. */
export function readTcpOptions(argv: readonly string[], usage: string, about: string): TcptracerouteOptions {
  const words = readWords(argv, usage, about);
  const given = new Map(words.options.map((each) => [each.spec.short ?? each.spec.long ?? "", each]));
  if (given.has("h") || given.has("help")) throw new TcptracerouteExit(usage, { stdout: about });
  if (given.has("v") || given.has("version")) throw new TcptracerouteExit("", { exitCode: 0, stdout: about });
  refuseUnavailable(given);
  const number = (short: string, preset: number): number => readNumber(given.get(short), preset);
  const sourcePort = readNumber(given.get("p") ?? given.get("P"), 0);
  const length = number("l", 0);
  const [host, port, packetLength, extra] = words.operands;
  if (host === undefined || extra !== undefined) throw new TcptracerouteExit(usage, { stdout: about });
  const options = {
    host,
    port: port === undefined ? DEFAULT_PORT : readPort(port),
    numeric: given.has("n") && !given.has("N"),
    namesOfAll: given.has("N"),
    device: given.get("i")?.value,
    source: given.get("s")?.value,
    sourcePort: sourcePort === 0 ? undefined : sourcePort & 0xffff,
    trackPort: given.has("track-port") && sourcePort === 0,
    firstHop: number("f", 1),
    maxHop: number("m", 30),
    queries: number("q", 3),
    timeout: number("w", 3),
    packetLength: packetLength === undefined ? length : Number.parseInt(packetLength, 10) || 0,
    tos: number("t", 0) & 0xff,
    dontFragment: given.has("F"),
    fallback: given.has("fallback"),
  };
  return options;
}

/** What the real tool checks once it knows the addresses. Throws TcptracerouteExit. */
export function checkTcpRanges({ firstHop, maxHop, queries, timeout }: TcptracerouteOptions): void {
  const refuse = (text: string): never => {
    throw new TcptracerouteExit(`${text}\n`);
  };
  if (firstHop <= 0 || maxHop <= 0) refuse("TTL must be greater than 0");
  if (firstHop >= 256 || maxHop >= 256) refuse("TTL must be less than 256");
  if (firstHop > maxHop) refuse(`Minimum TTL (${firstHop}) must be less than maximum TTL (${maxHop})`);
  if (queries <= 0) refuse("Number of queries must be at least 1");
  if (queries > MAX_QUERIES) refuse(`tcptraceroute: Cannot use -q ${queries}: at most ${MAX_QUERIES}`);
  if (timeout <= 0) refuse("Timeout must be at least 1");
}

function readWords(argv: readonly string[], usage: string, about: string): ReturnType<typeof getopt<OptionSpec>> {
  try {
    return getopt(argv, SPECS);
  } catch (error) {
    if (!(error instanceof GetoptError)) throw error;
    if (error.problem === "missing-value") throw new TcptracerouteExit(`Argument required for ${error.option}\n`);
    throw new TcptracerouteExit(`Unknown command line argument: ${error.option}\n${usage}`, { stdout: about });
  }
}

function readNumber(given: GivenOption<OptionSpec> | undefined, preset: number): number {
  if (given === undefined) return preset;
  const { value = "", shown } = given;
  if (/^\d+$/.test(value)) return Number(value);
  throw new TcptracerouteExit(`Numeric argument required for ${shown}\n`);
}

function readPort(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) & 0xffff;
  const port = servicePort(text, "tcp");
  if (port === undefined) throw new TcptracerouteExit(`Unknown port: ${text}\n`);
  return port;
}

function refuseUnavailable(given: ReadonlyMap<string, unknown>): void {
  const refused: Readonly<Record<string, readonly [shown: string, why: string]>> = {
    A: ["-A", "probes are SYNs"],
    E: ["-E", "probes bear no ECN flags"],
    d: ["-d", "there is no such view of what goes on"],
    dnat: ["--dnat", "a rewritten destination is not looked for"],
  };
  for (const [name, [shown, why]] of Object.entries(refused)) {
    if (given.has(name)) throw new TcptracerouteExit(`tcptraceroute: Cannot use ${shown}: ${why}\n`);
  }
}
