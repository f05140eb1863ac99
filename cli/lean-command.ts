import { Command, type Option } from "commander";

/**
 * A command that leaves out the options which its command line cannot have: to set up all of them takes longer than to read
 * it. Of a command line that is wrong it cannot say what is nearest.
 */
export class LeanCommand extends Command {
  readonly #argv: readonly string[];

  constructor(name: string | undefined, argv: readonly string[]) {
    super(name);
    this.#argv = argv;
  }

  override createCommand(name?: string): Command {
    return new LeanCommand(name, this.#argv);
  }

  override addOption(option: Option): this {
    // What must be given is missed by its absence; `--x` and `--no-x` mean something else without each other.
    const isKept =
      option.mandatory || option.negate || option.isBoolean() || this.#argv.some((word) => mayName(word, option));
    return isKept ? super.addOption(option) : this;
  }
}

/** Short options may stand together in one word, and a value may follow in the same word; a value that looks like it does no harm. */
function mayName(word: string, { short, long }: Option): boolean {
  if (!word.startsWith("-")) return false;
  if (word.startsWith("--")) return typeof long === "string" && word.startsWith(long);
  return typeof short === "string" && word.includes(short.slice(1));
}
