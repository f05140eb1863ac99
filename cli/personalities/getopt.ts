/** A command line read as getopt_long(3) reads it, for the tools whose users type from memory. */

/** An option as a tool's manual lists it: `{ short: "c", long: "count", value: "required" }`. */
export interface OptionSpec {
  /** One character, without the dash. */
  readonly short?: string;
  /** Without the dashes. */
  readonly long?: string;
  /** Absent: a flag. `optional`: only attached to it (`-wN`, `--wait=N`). */
  readonly value?: "required" | "optional";
}

export interface GivenOption<Spec extends OptionSpec> {
  readonly spec: Spec;
  /** As typed, with its dashes, for messages. */
  readonly shown: string;
  readonly value: string | undefined;
  /** Which word of the command line ends it, from 1. */
  readonly at: number;
}

export interface CommandWords<Spec extends OptionSpec> {
  /** In the order in which they were typed. */
  readonly options: readonly GivenOption<Spec>[];
  readonly operands: readonly string[];
  /** Which words of the command line those are, from 1. */
  readonly operandsAt: readonly number[];
}

/** What is wrong with a command line; each tool has its own words for it. */
export class GetoptError extends Error {
  override readonly name = "GetoptError";
  readonly problem: "unknown" | "ambiguous" | "missing-value" | "unexpected-value";
  /** As typed, with its dashes. */
  readonly option: string;
  /** Which word of the command line it is in, from 1. */
  readonly at: number;

  constructor(problem: GetoptError["problem"], option: string, at: number) {
    super(`Cannot read the option ${option}: ${problem}`);
    this.problem = problem;
    this.option = option;
    this.at = at;
  }
}

/**
 * Options may follow operands (GNU's permutation), short flags may be clustered, a value may be attached or the next word,
 * long names may be cut as long as they are unambiguous, and `--` ends the options. A lone `-` is an operand.
 * Throws GetoptError.
 */
export function getopt<Spec extends OptionSpec>(argv: readonly string[], specs: readonly Spec[]): CommandWords<Spec> {
  const options: GivenOption<Spec>[] = [];
  const operands: string[] = [];
  const operandsAt: number[] = [];
  const operand = (word: string, at: number): void => {
    operands.push(word);
    operandsAt.push(at);
  };
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (word === "--") {
      for (index += 1; index < argv.length; index += 1) operand(argv[index] ?? "", index + 1);
      break;
    }
    const at = index + 1;
    const next = (shown: string): Value => {
      const value = argv[at];
      if (value === undefined) throw new GetoptError("missing-value", shown, at);
      index = at;
      return { value, at: at + 1 };
    };
    if (word.startsWith("--")) options.push(longOption(word, at, specs, next));
    else if (word.startsWith("-") && word.length > 1) options.push(...shortOptions(word.slice(1), at, specs, next));
    else operand(word, at);
  }
  return { options, operands, operandsAt };
}

interface Value {
  readonly value: string | undefined;
  readonly at: number;
}

function longOption<Spec extends OptionSpec>(
  word: string,
  at: number,
  specs: readonly Spec[],
  next: (shown: string) => Value,
): GivenOption<Spec> {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const attached = equals < 0 ? undefined : word.slice(equals + 1);
  const shown = `--${name}`;
  const exact = specs.find(({ long }) => long === name);
  const begun = specs.filter(({ long }) => long?.startsWith(name));
  const spec = exact ?? begun[0];
  if (spec === undefined || name === "") throw new GetoptError("unknown", shown, at);
  if (exact === undefined && begun.length > 1) throw new GetoptError("ambiguous", shown, at);
  if (spec.value === undefined && attached !== undefined) throw new GetoptError("unexpected-value", shown, at);
  const given = { value: attached, at };
  return { spec, shown, ...(spec.value === "required" && attached === undefined ? next(shown) : given) };
}

function shortOptions<Spec extends OptionSpec>(
  cluster: string,
  at: number,
  specs: readonly Spec[],
  next: (shown: string) => Value,
): GivenOption<Spec>[] {
  const given: GivenOption<Spec>[] = [];
  let rest = cluster;
  while (rest !== "") {
    const letter = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    rest = rest.slice(letter.length);
    const shown = `-${letter}`;
    const spec = specs.find(({ short }) => short === letter);
    if (spec === undefined) throw new GetoptError("unknown", shown, at);
    if (spec.value === undefined) {
      given.push({ spec, shown, value: undefined, at });
      continue;
    }
    const attached = { value: rest === "" ? undefined : rest, at };
    given.push({ spec, shown, ...(spec.value === "required" && rest === "" ? next(shown) : attached) });
    rest = "";
  }
  return given;
}
