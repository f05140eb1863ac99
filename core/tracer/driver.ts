import type { Endpoint } from "../address.ts";
import type { Arrival, Network, ProbeSocket } from "../network.ts";
import type { ProbeOptions, ProbeSession, ProtocolPlugin } from "../plugin.ts";
import type { TraceEvent } from "../probe.ts";
import { openGuarded } from "./guard.ts";
import type { TraceOptions } from "./options.ts";
import { createReachSchedule } from "./reach-schedule.ts";
import { createRun, type RefusalPolicy, type Run } from "./run.ts";
import { createSchedule, type ScheduleFactory } from "./schedule.ts";

/** Several traces on one Network: each gets the arrivals of its own sockets. */
export interface Driver extends Disposable {
  /**
   * Opens a protocol's sockets and begins its trace. Throws SocketError where the host refuses them, PluginError where the
   * plugin breaks its contract. Disposing of the result throws PluginError where the plugin fails to.
   */
  start(protocol: Protocol, emit: (event: TraceEvent) => void): StartedRun;
  /** Delivers what has arrived and lets every run send what is due; if nothing had, waits for one arrival until `untilMs`. */
  turn(untilMs: number, signal?: AbortSignal): Promise<void>;
}

export interface Protocol {
  readonly plugin: ProtocolPlugin;
  readonly target: Endpoint;
  readonly probe: ProbeOptions;
  readonly trace: TraceOptions;
  /** Default: the discovery of a path. */
  readonly schedule?: ScheduleFactory;
  /** Default `stop`. */
  readonly onRefusal?: RefusalPolicy;
  /** Of the first probe; default: by chance. */
  readonly firstSequence?: number;
}

export interface StartedRun extends Disposable {
  readonly run: Run;
  readonly session: ProbeSession;
}

/** Under a flood sending must go on. */
const MAX_DRAIN = 512;

const discovery = ({ reachOnly }: ProbeSession): ScheduleFactory => (reachOnly ? createReachSchedule : createSchedule);

export function createDriver(network: Network): Driver {
  const owners = new Map<ProbeSocket, Run>();
  const started = new Set<StartedRun>();

  const start = (protocol: Protocol, emit: (event: TraceEvent) => void): StartedRun => {
    const sockets = new Set<ProbeSocket>();
    let run: Run | undefined;
    const own = (socket: ProbeSocket): ProbeSocket => {
      sockets.add(socket);
      if (run !== undefined) owners.set(socket, run);
      return socket;
    };
    const closeAll = (): void => {
      for (const socket of sockets) {
        owners.delete(socket);
        socket[Symbol.dispose]();
      }
      sockets.clear();
    };
    const scoped: Network = {
      ...(network.reachOnly && { reachOnly: network.reachOnly }),
      nowMs: () => network.nowMs(),
      route: (to) => network.route(to),
      open: (spec, family) => own(network.open(spec, family)),
      dial: (to, hopLimit, localPort, tag) => own(network.dial(to, hopLimit, localPort, tag)),
      receive: () => Promise.reject(new Error("Cannot receive: a session's arrivals come through match()")),
      retransmitFailures: () => network.retransmitFailures(),
      [Symbol.dispose]: closeAll,
    };
    let session: ProbeSession;
    try {
      session = openGuarded(protocol.plugin, scoped, protocol.target, protocol.probe);
    } catch (error) {
      closeAll();
      throw error;
    }
    const sequence = protocol.firstSequence ?? Math.floor(Math.random() * 0x10000);
    run = createRun(session, protocol.trace, emit, {
      sequence,
      clock: () => network.nowMs(),
      schedule: (protocol.schedule ?? discovery(session))(protocol.trace, session.probesPerFlow),
      reachOnly: session.reachOnly === true,
      onRefusal: protocol.onRefusal ?? "stop",
    });
    for (const socket of sockets) owners.set(socket, run);
    const result: StartedRun = {
      run,
      session,
      [Symbol.dispose]() {
        started.delete(result);
        try {
          session[Symbol.dispose]();
        } finally {
          closeAll();
        }
      },
    };
    started.add(result);
    return result;
  };

  return {
    start,
    async turn(untilMs, signal) {
      // What has arrived is read before anything is given up: on a busy host answers wait longer than timeouts last. It may
      // stall after that as well; so only what was over before is given up.
      const lookedMs = network.nowMs();
      const count = await drain(signal);
      const drainedMs = count < MAX_DRAIN ? lookedMs : undefined;
      let wakeMs = untilMs;
      const nowMs = network.nowMs();
      for (const { run } of started) if (!run.ended) wakeMs = Math.min(wakeMs, run.poll(nowMs, drainedMs));
      // The caller decides on what was read before it waits for more.
      if (count > 0 || wakeMs <= nowMs || signal?.aborted) return;
      const arrival = await network.receive(wakeMs, signal, patienceMs());
      if (arrival !== undefined) deliver(arrival);
    },
    [Symbol.dispose]() {
      const faults: unknown[] = [];
      for (const each of [...started]) {
        try {
          each[Symbol.dispose]();
        } catch (fault) {
          faults.push(fault);
        }
      }
      if (faults.length > 0) throw faults[0];
    },
  };

  /** Delivers what has arrived; how much that is. With MAX_DRAIN there may be more. */
  async function drain(signal: AbortSignal | undefined): Promise<number> {
    for (let count = 0; count < MAX_DRAIN; count += 1) {
      const arrival = await network.receive(network.nowMs(), signal, patienceMs());
      if (arrival === undefined) return count;
      deliver(arrival);
    }
    return MAX_DRAIN;
  }

  function patienceMs(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { run } of started) if (!run.ended) least = Math.min(least, run.patienceMs);
    return Number.isFinite(least) ? least : 0;
  }

  function deliver(arrival: Arrival): void {
    owners.get(arrival.socket)?.accept(arrival);
  }
}
