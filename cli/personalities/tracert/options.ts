import type { Family } from "../../../core/mod.ts";

/** A command line of Windows' tracert, read. */
export interface TracertOptions {
  readonly host: string;
  readonly family: Family | undefined;
  readonly numeric: boolean;
  readonly maxHop: number;
  readonly timeoutMs: number;
  readonly source: string | undefined;
  readonly fallback: boolean;
}

/** The tool has said what there is to say, on stdout as it says everything, and ends. */
export class TracertExit extends Error {
  override readonly name = "TracertExit";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

const TRACERT_USAGE = `
Usage: tracert [-d] [-h maximum_hops] [-w timeout] [-S srcaddr] [-4] [-6]
               [--fallback] target_name

    -d                 no names
    -h maximum_hops    last hop (30)
    -w timeout         milliseconds to wait for each answer (4000)
    -S srcaddr         address to send from
    -4  -6             one family only
    --fallback         where ICMP is refused here, use what works
`;

const LARGEST_HOP = 255;

/** Options begin with a dash or a slash and come before the target. Throws TracertExit. */
export function readTracertOptions(argv: readonly string[], named: Family | undefined): TracertOptions {
  let family = named;
  let numeric = false;
  let fallback = false;
  let maxHop = 30;
  let timeoutMs = 4000;
  let source: string | undefined;
  let host: string | undefined;
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (!/^[-/]/.test(word)) {
      if (host !== undefined) throw new TracertExit(`${word} is not a valid command option.\n${TRACERT_USAGE}`);
      host = word;
      continue;
    }
    const letter = word.slice(1);
    const value = (): string => {
      const next = words.shift();
      if (next === undefined) throw new TracertExit(`A value must be supplied for option ${word}.\n${TRACERT_USAGE}`);
      return next;
    };
    if (letter === "?") throw new TracertExit(TRACERT_USAGE, 0);
    else if (letter === "d") numeric = true;
    else if (letter === "4" || letter === "6") family = letter === "4" ? 4 : 6;
    else if (letter === "h") maxHop = readWhole(word, value(), LARGEST_HOP);
    else if (letter === "w") timeoutMs = readWhole(word, value(), 2 ** 32 - 1);
    else if (letter === "S") source = value();
    else if (letter === "-fallback") fallback = true;
    else if (letter === "j") throw unavailable(word, "probes are sent without source routing");
    else if (letter === "R") throw unavailable(word, "there is no IPv6 routing header to test the way back by");
    else throw new TracertExit(`${word} is not a valid command option.\n${TRACERT_USAGE}`);
  }
  if (host === undefined) {
    if (argv.length === 0) throw new TracertExit(TRACERT_USAGE);
    throw new TracertExit(`A target name or address must be specified.\n${TRACERT_USAGE}`);
  }
  return { host, family, numeric, maxHop, timeoutMs, source, fallback };
}

function readWhole(option: string, text: string, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new TracertExit(`Bad value for option ${option}.\n${TRACERT_USAGE}`);
}

function unavailable(option: string, why: string): TracertExit {
  return new TracertExit(`tracert: Cannot use ${option}: ${why}\n`);
}
