/** One thing that was looked at. */
export interface Check {
  readonly group: "program" | "rights" | "sockets" | "protocols" | "kernel" | "network" | "rules";
  readonly name: string;
  /** `ok`; `limited`: something is missing, and the rest works; `missing`: it cannot be done here; `unknown`: it cannot be told. */
  readonly state: "ok" | "limited" | "missing" | "unknown";
  /** What was found, one line; foreign text in it is not yet harmless. */
  readonly finding: string;
  /** What to do about it; absent where there is nothing to do. */
  readonly remedy?: string;
}

/** What the host is asked through, so that tests can play one. */
export interface HostFiles {
  /** A whole small file; undefined where it cannot be read. */
  read(path: string): string | undefined;
  /** The first 64 KB of a program's output, undefined where it is not there or fails. Only absolute paths are run. */
  run(program: string, args: readonly string[]): Promise<string | undefined>;
}
