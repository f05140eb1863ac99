import type { Endpoint } from "../core/address.ts";
import { SocketError } from "../core/errors.ts";
import { readErrorArrival } from "../core/icmp-reply.ts";
import type { Arrival, Network, ProbeSocket } from "../core/network.ts";
import { refusePadding } from "../core/padding.ts";
import type { ProbeOptions, ProbeSession, ProtocolPlugin } from "../core/plugin.ts";
import type { Probe, Reply } from "../core/probe.ts";

/**
 * The kernel's own TCP handshake with a small hop limit; needs no privilege. Each probe is a socket of its own, and one
 * 4-tuple belongs to one socket: the path's flow carries one probe at a time, and scouts on ports of their own run ahead.
 */
export const tcpConnect: ProtocolPlugin = {
  name: "tcp-connect",
  summary: "the kernel's own TCP handshake",
  modes: [{ name: "connect", needs: "none" }],
  defaultPort: 443,
  open(network, target, options) {
    refusePadding(options, "tcp-connect", "the kernel makes its SYN");
    network.route(target.address);
    return createConnectSession(network, target, options);
  },
};

/** Sockets under way at once; the oldest is closed for a new one. */
const MAX_SOCKETS = 64;
/**
 * Linux retransmits a SYN after one second (RFC 6298 §2.1); a failure to do so is then on a counter of the whole host. It
 * is read before and after the first SYNs are due again, so that little else falls between.
 */
const READ_BEFORE_MS = 900;
const READ_AFTER_MS = 1150;
/** Timers of the kernel fire late, never early: SYNs dialled up to here were due before the second reading. */
const FIRST_DIALS_MS = 100;
const PORT_TRIES = 3;
/** A handshake that was given up is ended before its second retransmission, 3 s after it began; a late answer may come till then. */
const GIVEN_UP_MS = 2500;

interface Dial {
  readonly socket: ProbeSocket;
  readonly sequence: number;
  readonly flow: number;
  readonly atMs: number;
}

function createConnectSession(network: Network, target: Endpoint, options: ProbeOptions): ProbeSession {
  const { family } = target.address;
  /** In order of dialling. */
  const dials = new Map<ProbeSocket, Dial>();
  let port = network.open({ type: "tcp-port", localPort: options.sourcePort ?? 0 }, family);
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
    if (probe.flow !== 0) return network.dial(target, probe.hopLimit, 0, probe.sequence);
    for (const dial of dials.values()) if (dial.flow === 0) close(dial);
    for (let tries = 1; ; tries += 1) {
      try {
        return network.dial(target, probe.hopLimit, port.localPort, probe.sequence);
      } catch (error) {
        const isTaken = error instanceof SocketError && /^EADDR(INUSE|NOTAVAIL)$/.test(error.errno ?? "");
        if (!isTaken || options.sourcePort !== undefined || tries >= PORT_TRIES) throw error;
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

  const read = (arrival: Arrival, { sequence }: Dial): Reply | undefined => {
    if (arrival.kind === "handshake") {
      return { sequence, from: arrival.from, effect: "reached", mark: arrival.state };
    }
    const reply = arrival.kind === "error" ? readErrorArrival(arrival, target.address) : undefined;
    return reply && { sequence, ...reply };
  };

  return {
    mode: "connect",
    probesPerFlow: 1,
    hiddenRefusalAtMs: [READ_BEFORE_MS, READ_AFTER_MS],
    send(probe) {
      if (isClosed) throw new SocketError("send", "EBADF", "send on a closed session");
      const atMs = network.nowMs();
      const socket = dial(probe);
      firstDialMs ??= atMs;
      dials.set(socket, { socket, sequence: probe.sequence, flow: probe.flow, atMs });
    },
    match(arrival) {
      const dialled = dials.get(arrival.socket);
      const reply = dialled && read(arrival, dialled);
      // Closed at once, the kernel sends no further SYN for this probe.
      if (dialled !== undefined && reply !== undefined) close(dialled);
      return reply;
    },
    forget(sequence) {
      for (const each of dials.values()) {
        if (each.sequence === sequence && network.nowMs() - each.atMs >= GIVEN_UP_MS) close(each);
      }
    },
    hiddenRefusal() {
      const failures = network.retransmitFailures();
      if (failures === undefined || failuresBefore === undefined || firstDialMs === undefined) {
        failuresBefore = failures;
        return undefined;
      }
      const untilMs = firstDialMs + FIRST_DIALS_MS;
      const due = [...dials.values()].filter(({ atMs }) => atMs <= untilMs).length;
      const risen = failures - failuresBefore;
      if (due === 0 || risen < due) return undefined;
      const evidence = `the kernel failed to retransmit all of the first ${due} SYNs (TCPRetransFail)`;
      return new SocketError("connect", null, "get a SYN out of this host", evidence);
    },
    [Symbol.dispose]() {
      isClosed = true;
      for (const each of [...dials.values()]) close(each);
      port[Symbol.dispose]();
    },
  };
}
