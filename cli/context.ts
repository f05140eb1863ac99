import type {
  AddressLookup,
  Network,
  OriginLookup,
  ProtocolPlugin,
  ReverseLookup,
  SystemNetworkOptions,
} from "../core/mod.ts";
import type { RunNeeds } from "./privileges/needs.ts";

/** Where text goes. Never throws: what cannot be written is the composition root's to report. */
export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal, in columns. */
  readonly columns: number | undefined;
  /** Resolves once all is written, with the errno of what could not be. Absent: all is written when `write` returns. */
  flush?(): Promise<string | undefined>;
  /** The reader has gone away: nothing that is written is read. */
  readonly isGone?: boolean;
  /** Which file it is, and its length in octets; undefined, or absent: it is none. */
  file?(): { readonly id: string; readonly size: number } | undefined;
  /** Takes off what of that file is behind so many octets. */
  cut?(size: number): void;
}

export type InterruptSignal = "SIGINT" | "SIGTERM";

export interface ProtocolChoice {
  readonly plugins: readonly ProtocolPlugin[];
  /** The ladder of `auto`. */
  readonly order: readonly { readonly name: string; readonly port?: number }[];
  /** What is left on each TCP port of the ladder where no hops can be seen (`Network.reachOnly`). */
  readonly last?: string;
}

/** All that a command touches outside of itself, so that it runs on a simulated network as on the real one. */
export interface CommandContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  protocols(): Promise<ProtocolChoice>;
  openNetwork(options: SystemNetworkOptions): Promise<Network>;
  /**
   * Gives root's rights away, for good, once the sockets are open that need them: called before anything is read that comes
   * from the network, DNS or a plugin. The first call counts. Absent: they are kept.
   */
  readonly resign?: (needs: RunNeeds) => Promise<void>;
  /**
   * A file that was opened while that was allowed; it is the caller's from then on. Undefined: it was not asked for, or is to
   * be written and cannot be. Throws the file system's error where it is to be read and cannot be.
   */
  readonly opened?: (path: string) => number | undefined;
  /** Absent: the system's resolver. */
  readonly lookup?: AddressLookup;
  readonly reverse?: ReverseLookup;
  /** What is known of networks. Absent: a database where one is given, and DNS. */
  readonly origins?: OriginLookup;
  /** This machine's own name. Absent: the system's. */
  readonly hostName?: string;
  /** The command that starts this very program again, for what needs a process of its own. Absent: it cannot be. */
  readonly self?: readonly string[];
  /** What runs often is worth compiling: called before anything else by a run that goes on. Absent: it is anyway. */
  readonly lasts?: () => void;
  /** Wall-clock time. */
  now(): Date;
  /** Calls `handler` at the first interrupt; returns how to stop listening. A second one ends the process. */
  onInterrupt(handler: (signal: InterruptSignal) => void): () => void;
  /** Calls `handler` with what comes in on standard input; returns how to stop reading. Absent: nothing comes. */
  readonly onInput?: (handler: (text: string) => void) => () => void;
  /** Calls `handler` whenever a status is asked for (SIGQUIT, Ctrl-\); returns how to stop listening. Absent: never. */
  readonly onStatus?: (handler: () => void) => () => void;
}
