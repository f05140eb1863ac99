import type { Endpoint } from "./address.ts";
import { SocketError } from "./errors.ts";
import type { Network, ProbeSocket } from "./network.ts";
import type { ProbeOptions } from "./plugin.ts";
import type { Probe } from "./probe.ts";

/** The connections of one session, each dialled for one probe. */
export interface Dials extends Disposable {
  /** Throws SocketError where the host refuses. The flow's earlier connection, if it is flow 0, is closed for it. */
  open(probe: Probe): void;
  of(socket: ProbeSocket): Dial | undefined;
  close(dial: Dial): void;
  /** As in `ProbeSession`. */
  forget(sequence: number): void;
  hiddenRefusal(): SocketError | undefined;
}

export interface Dial {
  readonly socket: ProbeSocket;
  readonly probe: Probe;
  readonly atMs: number;
  /** What was heard since the handshake was done; undefined before. */
  heard?: Uint8Array;
}

/** Sockets under way at once; the oldest is closed for a new one. */
const MAX_SOCKETS = 64;
/**
 * Linux retransmits a SYN after one second (RFC 6298 §2.1); a failure to do so is then on a counter of the whole host. It
 * is read before and after the first SYNs are due again, so that little else falls between.
 */
export const REFUSALS_SHOW_AT_MS: readonly number[] = [900, 1150];
/** Timers of the kernel fire late, never early: SYNs dialled up to here were due before the second reading. */
const FIRST_DIALS_MS = 100;
const PORT_TRIES = 3;
/** A handshake that was given up is ended before its second retransmission, 3 s after it began; a late answer may come till then. */
const GIVEN_UP_MS = 2500;

/**
 * Reserves the local port of flow 0, except where `isDirect`: then every connection has a port of its own, and no hop
 * limit. Throws SocketError as `Network.open` does.
 */
export function createDials(network: Network, target: Endpoint, { sourcePort }: ProbeOptions, isDirect = false): Dials {
  const { family } = target.address;
  /** In order of dialling. */
  const dials = new Map<ProbeSocket, Dial>();
  let port = isDirect ? undefined : network.open({ type: "tcp-port", localPort: sourcePort ?? 0 }, family);
  let failuresBefore: number | undefined;
  let firstDialMs: number | undefined;
  let isClosed = false;

  const close = (dial: Dial): void => {
    dials.delete(dial.socket);
    dial.socket[Symbol.dispose]();
  };

  const closeOldest = (): boolean => {
    const oldest: Dial | undefined = dials.values().next().value;
    if (oldest !== undefined) close(oldest);
    return oldest !== undefined;
  };

  const dialOnce = (probe: Probe): ProbeSocket => {
    if (port === undefined) return network.dial(target, undefined, 0, probe.sequence);
    if (probe.flow !== 0) return network.dial(target, probe.hopLimit, 0, probe.sequence);
    for (const dial of dials.values()) if (dial.probe.flow === 0) close(dial);
    for (let tries = 1; ; tries += 1) {
      try {
        return network.dial(target, probe.hopLimit, port.localPort, probe.sequence);
      } catch (error) {
        const isTaken = error instanceof SocketError && /^EADDR(INUSE|NOTAVAIL)$/.test(error.errno ?? "");
        if (!isTaken || sourcePort !== undefined || tries >= PORT_TRIES) throw error;
        // Another program talks to the target from this very port: the flow moves to another one.
        port[Symbol.dispose]();
        port = network.open({ type: "tcp-port" }, family);
      }
    }
  };

  const dial = (probe: Probe): ProbeSocket => {
    if (dials.size >= MAX_SOCKETS) closeOldest();
    try {
      return dialOnce(probe);
    } catch (error) {
      const isFull = error instanceof SocketError && /^E[MN]FILE$/.test(error.errno ?? "");
      if (!isFull || !closeOldest()) throw error;
      return dialOnce(probe);
    }
  };

  return {
    open(probe) {
      if (isClosed) throw new SocketError("send", "EBADF", "send on a closed session");
      const atMs = network.nowMs();
      const socket = dial(probe);
      firstDialMs ??= atMs;
      dials.set(socket, { socket, probe, atMs });
    },
    of: (socket) => dials.get(socket),
    close,
    forget(sequence) {
      for (const each of dials.values()) {
        if (each.probe.sequence === sequence && network.nowMs() - each.atMs >= GIVEN_UP_MS) close(each);
      }
    },
    hiddenRefusal() {
      const failures = network.retransmitFailures();
      if (failures === undefined || failuresBefore === undefined || firstDialMs === undefined) {
        failuresBefore = failures;
        return undefined;
      }
      const untilMs = firstDialMs + FIRST_DIALS_MS;
      const due = [...dials.values()].filter(({ atMs, heard }) => atMs <= untilMs && heard === undefined).length;
      const risen = failures - failuresBefore;
      if (due === 0 || risen < due) return undefined;
      const evidence = `the kernel failed to retransmit all of the first ${due} SYNs (TCPRetransFail)`;
      return new SocketError("connect", null, "get a SYN out of this host", evidence);
    },
    [Symbol.dispose]() {
      isClosed = true;
      for (const each of [...dials.values()]) close(each);
      port?.[Symbol.dispose]();
    },
  };
}
