import type { Endpoint } from "../address.ts";
import type { Network } from "../network.ts";
import type { ProbeOptions, ProtocolPlugin } from "../plugin.ts";
import type { TraceEvent } from "../probe.ts";
import { createDriver } from "./driver.ts";
import { completeTraceOptions, type TraceOptions } from "./options.ts";
import type { RefusalPolicy } from "./run.ts";
import type { ScheduleFactory } from "./schedule.ts";

/** What `trace` is asked to do. */
export interface TraceRequest {
  readonly plugin: ProtocolPlugin;
  /** Port 0: the plugin's default port. */
  readonly target: Endpoint;
  readonly probe?: ProbeOptions;
  readonly trace?: Partial<TraceOptions>;
  /** Which probe goes next; default: the discovery of a path. */
  readonly schedule?: ScheduleFactory;
  /** `continue`: a refused probe is told as `failed`, and the trace goes on. Default `stop`. */
  readonly onRefusal?: RefusalPolicy;
  /** Of the first probe, 0-65535; those after it count on. Default: by chance. */
  readonly firstSequence?: number;
  readonly signal?: AbortSignal;
  /** Told once the sockets are open, before the first probe. */
  readonly onOpen?: (mode: string) => void;
}

/**
 * Traces the path to a target by one protocol. The last event is `stopped`; an abort ends the trace with outcome
 * `aborted`. Leaving the loop closes the sockets. Throws SocketError where the host refuses every mode of the plugin,
 * UsageError where an option is out of range.
 */
export async function* trace(network: Network, request: TraceRequest): AsyncGenerator<TraceEvent, void, undefined> {
  const { plugin, signal } = request;
  const target = { address: request.target.address, port: request.target.port || (plugin.defaultPort ?? 0) };
  const options = completeTraceOptions(request.trace);
  const events: TraceEvent[] = [];
  using driver = createDriver(network);
  const { schedule, onRefusal, firstSequence } = request;
  const protocol = {
    plugin,
    target,
    probe: request.probe ?? {},
    trace: options,
    ...(schedule && { schedule }),
    ...(onRefusal && { onRefusal }),
    ...(firstSequence !== undefined && { firstSequence }),
  };
  const { run, session } = driver.start(protocol, (event) => events.push(event));
  await network.ready?.();
  request.onOpen?.(session.mode);
  while (true) {
    if (signal?.aborted) run.stop("aborted", network.nowMs());
    if (!run.ended) await driver.turn(Number.POSITIVE_INFINITY, signal);
    for (const event of events.splice(0)) yield event;
    if (run.ended && events.length === 0) return;
  }
}
