import { networkInterfaces } from "node:os";
import type { Family } from "../../core/mod.ts";

/** What a run needs privilege for, told before it is given away. */
export interface RunNeeds {
  /** So many targets are traced at the same time, at most. Default 1. */
  readonly targets?: number;
  /** Default: one for each target. */
  readonly taps?: number;
  /** Of the targets; absent: both. */
  readonly families?: readonly Family[];
  /** So many protocols are tried at the same time, at most. Default: as many as the ladder may. */
  readonly atOnce?: number | undefined;
  /** Packets are marked, or sockets debugged. */
  readonly admin?: boolean;
  /** The local port, where one is asked for. */
  readonly sourcePort?: number | undefined;
  /** IP protocols of raw sockets that plugins ask for, beside ICMP and TCP. */
  readonly protocols?: readonly number[];
  /** The path of a recording to write. */
  readonly record?: string | undefined;
  /** Paths of files to read. */
  readonly reads?: readonly string[];
  /** The path of a file to go on from, and to write. */
  readonly state?: string | undefined;
}

/** The commands that trace, and give privileges away before they read anything that comes from elsewhere. */
const TRACING: ReadonlySet<string> = new Set(["auto", "trace", "report", "live", "locate", "egress", "scan"]);
const KEEP = "--keep-privileges";

/** Whether privileges are to be kept: `--keep-privileges`, or NETTRACE_KEEP_PRIVILEGES=1. */
export function isKeeping(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): boolean {
  return beforeOperands(argv).includes(KEEP) || env["NETTRACE_KEEP_PRIVILEGES"] === "1";
}

/** A command line of a tool that does not know `--keep-privileges`. */
export function withoutKeep(argv: readonly string[]): readonly string[] {
  const options = beforeOperands(argv);
  return [...options.filter((word) => word !== KEEP), ...argv.slice(options.length)];
}

/**
 * What a command line asks for; undefined: it is of no command that traces. Read before the parser reads anything, since
 * options of plugins are known only once those are loaded, which is too late.
 */
export function needsOf(argv: readonly string[]): RunNeeds | undefined {
  const [command = "", ...words] = argv;
  if (!TRACING.has(command)) return undefined;
  const options = beforeOperands(words);
  if (command === "scan") return needsOfScan(options);
  const operands = words.filter((word, index) => !word.startsWith("-") && !FILES.has(words[index - 1] ?? ""));
  const port = lastValue(options, "--sport");
  return {
    // An option's value counts as a host here: some sockets too many do no harm.
    targets: command === "live" ? operands.length : 1,
    // A socket that was bound to an interface cannot be bound to another.
    ...(command === "egress" && { targets: Object.keys(networkInterfaces()).length, taps: 1 }),
    ...familiesOf(familyAsked(options), command === "live" ? [] : operands),
    ...(command === "trace" && { atOnce: 1 }),
    admin: lastValue(options, "--mark") !== undefined,
    sourcePort: port === undefined ? undefined : Number(port),
    record: lastValue(options, "--record"),
  };
}

/** All targets share the sockets of their family. Two taps: each family may need one. */
function needsOfScan(options: readonly string[]): RunNeeds | undefined {
  if (options.some((word) => word === "-h" || word === "--help")) return undefined;
  const port = lastValue(options, "--sport");
  const list = lastValue(options, "--file", "-f");
  return {
    taps: 2,
    atOnce: 1,
    sourcePort: port === undefined ? undefined : Number(port),
    reads: [list, lastValue(options, "--blocklist")].flatMap((path) =>
      path === undefined || path === "-" ? [] : [path],
    ),
    state: lastValue(options, "--resume"),
  };
}

/** The families that hosts may have: of literals, where nothing else is known of them. */
export function familiesOf(asked: Family | undefined, words: readonly string[]): Pick<RunNeeds, "families"> {
  if (asked !== undefined) return { families: [asked] };
  const literals = words.map(literalFamily).filter((family) => family !== undefined);
  return literals.length === 0 ? {} : { families: [...new Set(literals)] };
}

/** Without a parser of addresses, which takes as long to load as a short trace: what looks like a literal is tried as one. */
function literalFamily(word: string): Family | undefined {
  if (/^\d+(\.\d+){3}$/.test(word)) return 4;
  return /^\[?[\da-f]*:[\da-f]*:[\da-f:.]*(%[^\]]*)?\]?$/i.test(word) ? 6 : undefined;
}

/** Options whose values may look like anything. */
const FILES: ReadonlySet<string> = new Set(["--record", "--asn-db", "--plugin"]);

function familyAsked(options: readonly string[]): Family | undefined {
  if (options.some((word) => word === "-4" || word === "--ipv4")) return 4;
  return options.some((word) => word === "-6" || word === "--ipv6") ? 6 : undefined;
}

function beforeOperands(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return end < 0 ? argv : argv.slice(0, end);
}

/** The last one given, as the parser sees it. */
function lastValue(words: readonly string[], option: string, letter?: string): string | undefined {
  let value: string | undefined;
  for (const [index, word] of words.entries()) {
    if (word === option || word === letter) value = words[index + 1] ?? value;
    else if (word.startsWith(`${option}=`)) value = word.slice(option.length + 1);
    else if (letter !== undefined && word.startsWith(letter)) value = word.slice(letter.length);
  }
  return value;
}
