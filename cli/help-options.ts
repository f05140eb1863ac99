/** An option as a help screen tells it. */
export interface OptionHelp {
  /** `-p`, with its dash. */
  readonly short: string | undefined;
  readonly long: string;
  /** What it takes: `N`, `FILE`, `text|json`. */
  readonly value: string | undefined;
  readonly text: string;
}

/**
 * The options that a help screen tells, in its order. On a line, two spaces or more part options from each other and from
 * what is said about them; a line that is indented farther goes on with the last one.
 */
export function optionsOf(help: string): readonly OptionHelp[] {
  const options: OptionHelp[] = [];
  let goesOn = 0;
  for (const line of help.split("\n")) {
    const parts = line.trim().split(/\s{2,}/);
    if (!/^ {2,}-/.test(line)) {
      if (goesOn > 0 && /^ {12,}\S/.test(line)) extend(options, goesOn, line.trim());
      else goesOn = 0;
      continue;
    }
    const flags = parts.filter((part) => part.startsWith("-"));
    const text = parts.filter((part) => !part.startsWith("-")).join(" ");
    // One that stands behind the text of others is explained by its name alone.
    const isLast = (part: string): boolean => parts.indexOf(part) > parts.indexOf(text) && text !== "";
    const inside = /^(.+); otherwise \((-\w, --[\w-]+)\) (.+)$/.exec(text);
    const [, said = text, another, saidOfAnother = ""] = inside ?? [];
    for (const part of flags) options.push(read(part, isLast(part) ? "" : said));
    if (another !== undefined) options.push(read(another, saidOfAnother));
    goesOn = another === undefined ? flags.length : 0;
  }
  return options;
}

function read(part: string, text: string): OptionHelp {
  const [, short, long = "", value] = /^(?:(-\w)(?:, )?)?(--[\w.-]+)?(?: (\S+))?$/.exec(part) ?? [];
  return { short, long: long === "" ? (short ?? part) : long, value, text };
}

function extend(options: OptionHelp[], count: number, text: string): void {
  for (let index = options.length - count; index < options.length; index += 1) {
    const option = options[index];
    if (option !== undefined) options[index] = { ...option, text: `${option.text} ${text}` };
  }
}
