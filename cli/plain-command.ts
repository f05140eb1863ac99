import type { Command } from "@commander-js/extra-typings";
import { type Call, defineCommands } from "./grammar.ts";
import { attributeOf } from "./option-attribute.ts";

/** What a command line calls. */
export interface PlainCall {
  readonly action: (...given: unknown[]) => unknown;
  /** The arguments, and an object of the options. */
  readonly given: readonly unknown[];
}

/**
 * Reads a command line that is plain: a command, its arguments, and options that stand alone, each by its whole name, with
 * the value as the next word. Undefined for any other, and for all that are wrong: those are left to commander, which takes
 * a tenth of a short trace to load and set up.
 */
export function readPlain(argv: readonly string[], call: Call): PlainCall | undefined {
  const [name, ...words] = argv;
  const program = new PlainCommand();
  // As much of the parser's interface as the definitions use.
  defineCommands(program as unknown as Command, call, name);
  return program.read(name, words);
}

interface Meaning {
  readonly attribute: string;
  readonly takesValue: boolean;
  /** Where it takes none. */
  readonly value: boolean;
}

const NEGATION = "--no-";

function meaningOf(flags: string): Meaning {
  const words = flags.split(" ");
  const long = words.find((word) => word.startsWith("--")) ?? "";
  const isNegated = long.startsWith(NEGATION);
  const attribute = attributeOf(isNegated ? long.replace(NEGATION, "--") : long);
  return { attribute, takesValue: words.at(-1)?.startsWith("<") === true, value: !isNegated };
}

/** Takes the definitions of a command as commander's Command does. */
class PlainCommand {
  readonly #commands = new Map<string, PlainCommand>();
  /** As they are defined: `-m, --max-hops <n>`. What they mean is looked at where one is given. */
  readonly #options: string[] = [];
  readonly #required: string[] = [];
  readonly #arguments: string[] = [];
  #action: PlainCall["action"] | undefined;

  command(name: string): PlainCommand {
    const command = new PlainCommand();
    this.#commands.set(name, command);
    return command;
  }

  argument(name: string): this {
    this.#arguments.push(name);
    return this;
  }

  option(flags: string): this {
    this.#options.push(flags);
    return this;
  }

  requiredOption(flags: string): this {
    this.#required.push(flags);
    return this.option(flags);
  }

  helpCommand(): this {
    return this;
  }

  action(action: PlainCall["action"]): this {
    this.#action = action;
    return this;
  }

  read(name: string | undefined, words: readonly string[]): PlainCall | undefined {
    const command = name === undefined ? undefined : this.#commands.get(name);
    return command === undefined ? undefined : command.#read(words);
  }

  #read(words: readonly string[]): PlainCall | undefined {
    if (this.#action === undefined || this.#commands.size > 0) return undefined;
    const options: Record<string, unknown> = {};
    for (const flags of this.#options) if (flags.includes(NEGATION)) options[meaningOf(flags).attribute] = true;
    const others: string[] = [];
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? "";
      if (!word.startsWith("-")) {
        others.push(word);
        continue;
      }
      const flags = this.#options.find((each) => each.replace(",", "").split(" ").includes(word));
      if (flags === undefined) return undefined;
      const { attribute, takesValue, value: alone } = meaningOf(flags);
      if (takesValue) at += 1;
      const value = takesValue ? words[at] : alone;
      if (value === undefined || (typeof value === "string" && value.startsWith("-"))) return undefined;
      options[attribute] = value;
    }
    const given = this.#given(others);
    const isComplete = this.#required.every((flags) => options[meaningOf(flags).attribute] !== undefined);
    if (given === undefined || !isComplete) return undefined;
    return { action: this.#action, given: [...given, options] };
  }

  /** The arguments as the action takes them; undefined where there are too few or too many of them. */
  #given(words: readonly string[]): readonly unknown[] | undefined {
    const [argument, ...more] = this.#arguments;
    if (more.length > 0) return undefined;
    if (argument === undefined) return words.length === 0 ? [] : undefined;
    const isOptional = argument.startsWith("[");
    if (words.length === 0 && !isOptional) return undefined;
    if (argument.includes("...")) return [words];
    return words.length > 1 ? undefined : [words[0]];
  }
}
