import {
  type Attempt,
  createRoundsSchedule,
  createRoundsTable,
  type IpAddress,
  type Network,
  PluginError,
  type ProbeOptions,
  type RoundsOptions,
  type RoundsTable,
  type Rung,
  SocketError,
  type TraceEvent,
  type TraceOptions,
  trace,
} from "../core/mod.ts";

export interface Watch {
  readonly target: IpAddress;
  /** The first of which this host lets a socket open is used. */
  readonly rungs: readonly Rung[];
  readonly rounds: RoundsOptions;
  readonly trace?: Partial<TraceOptions>;
  readonly probe?: ProbeOptions;
  readonly signal?: AbortSignal;
  readonly table?: RoundsTable;
  /** After it was applied to the table. */
  readonly onEvent?: (event: TraceEvent, table: RoundsTable) => void;
}

export interface Watched extends Pick<Attempt, "protocol" | "port" | "mode"> {
  readonly table: RoundsTable;
  /** Why it ended before its time: this host's refusal, or a plugin's fault. */
  readonly error: SocketError | PluginError | undefined;
  /** The socket itself was refused: nothing was tried. */
  readonly isUnopened: boolean;
}

/** Nobody who looks once a round notices a tenth of it, or a tenth of a second. */
const MOST_PATIENCE_MS = 100;
const PATIENCE = 0.1;

/** How late answers may be told in rounds of such a length (`RoundsOptions.patienceMs`), milliseconds. */
export function patienceOf(intervalMs: number): number {
  return Math.min(MOST_PATIENCE_MS, PATIENCE * intervalMs);
}

/** Asks a path round after round. Throws UsageError where an option cannot be had. */
export async function watchRounds(network: Network, watch: Watch): Promise<Watched> {
  const { target, rungs, rounds, signal, onEvent, table = createRoundsTable() } = watch;
  let unopened: SocketError | PluginError | undefined;
  let name = { protocol: "", port: null as number | null };
  for (const { plugin, port, options } of rungs) {
    let mode: string | null = null;
    const number = port || (plugin.defaultPort ?? 0);
    name = { protocol: plugin.name, port: number === 0 ? null : number };
    const request = {
      plugin,
      target: { address: target, port: number },
      probe: { ...watch.probe, ...(options && { plugin: options }) },
      schedule: createRoundsSchedule(rounds),
      onOpen: (opened: string) => {
        mode = opened;
      },
      ...(watch.trace && { trace: watch.trace }),
      ...(signal && { signal }),
    };
    try {
      for await (const event of trace(network, request)) {
        table.apply(event);
        onEvent?.(event, table);
      }
      return { ...name, mode, table, error: table.stoppedBy, isUnopened: false };
    } catch (error) {
      if (!(error instanceof SocketError || error instanceof PluginError)) throw error;
      if (mode !== null) return { ...name, mode, table, error, isUnopened: false };
      // The first one's refusal is the one to tell: what it lacks, privilege, would help the others too.
      unopened ??= error;
    }
  }
  return { ...name, mode: null, table, error: unopened, isUnopened: true };
}
