/** What a command line names that may have to be loaded before the rest of it can be read. */
export interface WantedPlugins {
  /** Values of `--plugin`. */
  readonly given: readonly string[];
  /** Protocols in `-P` and `--order`, without ports; most are built in. */
  readonly protocols: readonly string[];
}

/** Options of a plugin are options only once it is loaded, so this is read before the parser reads anything. */
export function namedPlugins(argv: readonly string[]): WantedPlugins {
  const given: string[] = [];
  const protocols: string[] = [];
  for (let at = 0; at < argv.length && argv[at] !== "--"; at += 1) {
    const word = argv[at] ?? "";
    // Flags without values may stand before P in one word: -nP dns, -nPdns.
    const [, option = "", value] = /^(--[^=]+)(?:=(.*))?$/s.exec(word) ?? /^-[46nbz]*(P)(.+)?$/s.exec(word) ?? [];
    const text = (): string => value ?? argv[at + 1] ?? "";
    const isTaken = option === "--plugin" || option === "--order" || option === "--protocol" || option === "P";
    if (option === "--plugin") given.push(text());
    else if (isTaken)
      protocols.push(
        ...text()
          .split(",")
          .map((each) => (each.split(":")[0] ?? "").trim()),
      );
    if (isTaken && value === undefined) at += 1;
  }
  return { given, protocols };
}
