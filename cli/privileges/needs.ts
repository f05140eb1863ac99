/** What a run needs privilege for, told before it is given away. */
export interface RunNeeds {
  /** So many targets are traced at the same time, at most. Default 1. */
  readonly targets?: number;
  /** Packets are marked. */
  readonly marks?: boolean;
  /** The local port, where one is asked for. */
  readonly sourcePort?: number | undefined;
  /** IP protocols of raw sockets that plugins ask for, beside ICMP and TCP. */
  readonly protocols?: readonly number[];
  /** The path of a recording to write. */
  readonly record?: string | undefined;
}

/** The commands that trace, and give privileges away before they read anything that comes from elsewhere. */
const TRACING: ReadonlySet<string> = new Set(["auto", "trace", "report", "live", "locate", "egress"]);
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
  const operands = words.filter((word) => !word.startsWith("-")).length;
  const port = lastValue(options, "--sport");
  return {
    // An option's value counts as a host here: some sockets too many do no harm.
    targets: command === "live" ? operands : 1,
    marks: lastValue(options, "--mark") !== undefined,
    sourcePort: port === undefined ? undefined : Number(port),
    record: lastValue(options, "--record"),
  };
}

function beforeOperands(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return end < 0 ? argv : argv.slice(0, end);
}

/** The last one given, as the parser sees it. */
function lastValue(words: readonly string[], option: string): string | undefined {
  let value: string | undefined;
  for (const [index, word] of words.entries()) {
    if (word === option) value = words[index + 1] ?? value;
    else if (word.startsWith(`${option}=`)) value = word.slice(option.length + 1);
  }
  return value;
}
