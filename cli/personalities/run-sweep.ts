import {
  type Endpoint,
  type FailedEvent,
  type IpAddress,
  type Network,
  type PluginError,
  type ProbeOptions,
  type ProtocolPlugin,
  SocketError,
  type Sweep,
  trace,
} from "../../core/mod.ts";

export interface SweepRun {
  readonly plugin: ProtocolPlugin;
  readonly target: Endpoint;
  readonly probe: ProbeOptions;
  readonly sweep: Sweep;
  /** Sequence number of the first probe; default: by chance. */
  readonly firstSequence?: number;
  /** The sockets are open, nothing was sent. */
  readonly onOpen?: () => void;
  readonly onAnswer: (from: IpAddress) => void;
}

/** Why a sweep ended before its end. */
export type SweepFailure = SocketError | PluginError;

/**
 * Runs a sweep to its end, in as many traces as it takes: where packets are made smaller, the sockets are opened anew.
 * What the host refuses is the result, even of sockets; UsageError is thrown.
 */
export async function runSweep(network: Network, run: SweepRun): Promise<SweepFailure | undefined> {
  const { sweep } = run;
  while (!sweep.isFinished) {
    const sizeBefore = sweep.packetSize;
    const failure = await runOnce(network, run);
    if (failure === undefined) {
      if (sweep.packetSize === sizeBefore) return undefined;
    } else if (!(failure instanceof SocketError) || !isTooBig(failure, sweep)) return failure;
  }
  return undefined;
}

function isTooBig({ errno, mtu }: SocketError, sweep: Sweep): boolean {
  return errno === "EMSGSIZE" && mtu !== undefined && sweep.tooBigHere(mtu);
}

/** The sweep has taken that for an answer: this host says !H in its own name. */
function isNeighbourMissing({ error, reply }: FailedEvent): boolean {
  return error.stage === "route" && reply !== undefined;
}

async function runOnce(network: Network, run: SweepRun): Promise<SweepFailure | undefined> {
  const { sweep, plugin, target, probe, firstSequence, onOpen, onAnswer } = run;
  let failure: SweepFailure | undefined;
  const isFirst = sweep.sent === 0;
  const request = {
    plugin,
    target,
    probe: sweep.packetSize === undefined ? probe : { ...probe, packetSize: sweep.packetSize },
    schedule: sweep.schedule,
    onRefusal: "continue",
    ...(firstSequence !== undefined && { firstSequence: (firstSequence + sweep.sent) & 0xffff }),
    ...(onOpen !== undefined && isFirst && { onOpen }),
  } as const;
  try {
    for await (const event of trace(network, request)) {
      if (event.type === "reply") onAnswer(event.reply.from);
      else if (event.type === "stopped") failure = event.error;
      // The real tools end at the first refusal; the engine has tried several times by now.
      else if (event.type === "failed" && !isNeighbourMissing(event)) return event.error;
    }
  } catch (error) {
    if (error instanceof SocketError) return error;
    throw error;
  }
  return failure;
}
