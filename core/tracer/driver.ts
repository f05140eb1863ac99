import type { Endpoint } from "../address.ts";
import type { Arrival, Network, ProbeSocket } from "../network.ts";
import type { ProbeOptions, ProbeSession, ProtocolPlugin } from "../plugin.ts";
import type { TraceEvent } from "../probe.ts";
import type { TraceOptions } from "./options.ts";
import { createRun, type Run } from "./run.ts";

/** Several traces on one Network: each gets the arrivals of its own sockets. */
export interface Driver extends Disposable {
  /** Opens a protocol's sockets and begins its trace. Throws SocketError where the host refuses them. */
  start(protocol: Protocol, emit: (event: TraceEvent) => void): StartedRun;
  /** Lets every run send what is due, then waits for one arrival, at most until `untilMs`. */
  turn(untilMs: number, signal?: AbortSignal): Promise<void>;
}

export interface Protocol {
  readonly plugin: ProtocolPlugin;
  readonly target: Endpoint;
  readonly probe: ProbeOptions;
  readonly trace: TraceOptions;
}

export interface StartedRun extends Disposable {
  readonly run: Run;
  readonly session: ProbeSession;
}

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
      session = protocol.plugin.open(scoped, protocol.target, protocol.probe);
    } catch (error) {
      closeAll();
      throw error;
    }
    const sequence = Math.floor(Math.random() * 0x10000);
    run = createRun(session, protocol.trace, emit, { sequence, clock: () => network.nowMs() });
    for (const socket of sockets) owners.set(socket, run);
    const result: StartedRun = {
      run,
      session,
      [Symbol.dispose]() {
        started.delete(result);
        session[Symbol.dispose]();
        closeAll();
      },
    };
    started.add(result);
    return result;
  };

  return {
    start,
    async turn(untilMs, signal) {
      let wakeMs = untilMs;
      const nowMs = network.nowMs();
      for (const { run } of started) if (!run.ended) wakeMs = Math.min(wakeMs, run.poll(nowMs));
      if (wakeMs <= nowMs || signal?.aborted) return;
      const arrival = await network.receive(wakeMs, signal);
      if (arrival !== undefined) deliver(arrival);
    },
    [Symbol.dispose]() {
      for (const each of [...started]) each[Symbol.dispose]();
    },
  };

  function deliver(arrival: Arrival): void {
    owners.get(arrival.socket)?.accept(arrival);
  }
}
