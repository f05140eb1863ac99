import type { Endpoint, IpAddress } from "./address.ts";
import { SocketError, UsageError } from "./errors.ts";
import { readErrorArrival } from "./icmp-reply.ts";
import type { Arrival, DataArrival, Network } from "./network.ts";
import { refusePadding } from "./padding.ts";
import type { PluginMode, ProbeOptions, ProbeSession } from "./plugin.ts";
import type { Probe, Reply } from "./probe.ts";
import { createDials, type Dial, REFUSALS_SHOW_AT_MS } from "./tcp-dials.ts";

/** What a service behind a TCP port hears and says: all that a plugin for it has to know. */
export interface TcpService {
  /** One word, for the mark of an open port where something else is: `HTTP` makes it `open, no HTTP`. */
  readonly name: string;
  /** What is said once the handshake is done, at most 1,200 octets; none where the service speaks first. */
  readonly request: Uint8Array;
  /** What the octets heard so far, at most 4,096 and cut anywhere, show; never throws. */
  read(heard: Uint8Array): TcpAnswer;
}

/** The service's own word for a mark; `more`: too little to tell; `foreign`: it is another service. */
export type TcpAnswer = { readonly mark: string } | "more" | "foreign";

/** The modes of every session of `openTcpService`, for `ProtocolPlugin.modes`. */
export const TCP_SERVICE_MODES: readonly PluginMode[] = [{ name: "connect", needs: "none" }];

/**
 * A session that traces by the kernel's own TCP handshake with a small hop limit; needs no privilege. Each probe is a
 * socket of its own, and one 4-tuple belongs to one socket: the path's flow carries one probe at a time.
 *
 * Without a service the handshake itself shows that the target was reached (`open`). With one, only the service's answer
 * does: anybody on the way may complete a handshake in the target's name. The RTT is the handshake's all the same. An open
 * port where something else is (`open, no HTTP`), or that says nothing in its time (`open, silent`), ends the path as
 * `unreachable`. A reset (`closed`) counts as the target's own answer either way. Throws SocketError where there is no
 * route, or no port to dial from, UsageError where a size or filling is asked for.
 */
export function openTcpService(
  network: Network,
  target: Endpoint,
  options: ProbeOptions,
  service?: TcpService,
): ProbeSession {
  refusePadding(options, "the kernel's handshake", "it makes its SYN itself");
  assertRoute(network, target);
  const dials = createDials(network, target, options);

  const read = (arrival: Arrival, dial: Dial): Reply | undefined => {
    const { sequence } = dial.probe;
    switch (arrival.kind) {
      case "handshake": {
        const { from, state } = arrival;
        if (state === "unreachable") return { sequence, from, effect: "unreachable", mark: state };
        if (state === "closed" || service === undefined) return { sequence, from, effect: "reached", mark: state };
        begin(dial, target, service);
        return undefined;
      }
      case "data":
        return service && hear(arrival, dial, service);
      case "error": {
        const reply = readErrorArrival(arrival, target.address);
        return reply && { sequence, ...reply };
      }
      default:
        return undefined;
    }
  };

  return {
    mode: "connect",
    probesPerFlow: 1,
    hiddenRefusalAtMs: REFUSALS_SHOW_AT_MS,
    send: (probe) => dials.open(probe),
    match(arrival) {
      const dial = dials.of(arrival.socket);
      const reply = dial && read(arrival, dial);
      // Closed at once, the kernel sends no further SYN for this probe.
      if (dial !== undefined && reply !== undefined) dials.close(dial);
      return reply;
    },
    ...(service !== undefined && {
      provisional: (arrival: Arrival): Reply | undefined => {
        const dial = dials.of(arrival.socket);
        const isWord = arrival.kind === "handshake" || arrival.kind === "data";
        if (dial?.heard === undefined || !isWord) return undefined;
        return notThere(dial, arrival.from, dial.heard.length === 0 ? "open, silent" : `open, no ${service.name}`);
      },
    }),
    forget: (sequence) => dials.forget(sequence),
    hiddenRefusal: () => dials.hiddenRefusal(),
    [Symbol.dispose]: () => dials[Symbol.dispose](),
  };
}

/** Where even the socket that asks for the route is refused (a seccomp filter may know TCP only), dialling will tell. */
function assertRoute(network: Network, { address }: Endpoint): void {
  try {
    network.route(address);
  } catch (error) {
    if (!(error instanceof SocketError) || error.stage !== "socket") throw error;
  }
}

/** The mode of every session of `openTcpReach`, for `ProtocolPlugin.modes`. */
export const TCP_REACH_MODES: readonly PluginMode[] = [{ name: "handshake", needs: "nothing" }];

/**
 * A session of TCP handshakes without a hop limit: is the target's port open, closed, or silent, and how long does it take?
 * It shows no hop, and works even where the C library cannot be called. Throws UsageError where a source port is asked for.
 */
export function openTcpReach(network: Network, target: Endpoint, options: ProbeOptions): ProbeSession {
  refusePadding(options, "the kernel's handshake", "it makes its SYN itself");
  if (options.sourcePort !== undefined) {
    throw new UsageError(
      "Cannot choose a source port: each handshake without a hop limit has one of the kernel's choice",
    );
  }
  const dials = createDials(network, target, options, true);
  return {
    mode: "handshake",
    reachOnly: true,
    hiddenRefusalAtMs: REFUSALS_SHOW_AT_MS,
    send: (probe) => dials.open(probe),
    match(arrival) {
      const dial = dials.of(arrival.socket);
      const reply = dial && readHandshake(arrival, dial.probe, target);
      if (dial !== undefined && reply !== undefined) dials.close(dial);
      return reply;
    },
    hiddenRefusal: () => dials.hiddenRefusal(),
    [Symbol.dispose]: () => dials[Symbol.dispose](),
  };
}

function readHandshake(arrival: Arrival, { sequence }: Probe, target: Endpoint): Reply | undefined {
  if (arrival.kind === "handshake") {
    const { from, state } = arrival;
    return { sequence, from, effect: state === "unreachable" ? "unreachable" : "reached", mark: state };
  }
  const reply = arrival.kind === "error" ? readErrorArrival(arrival, target.address) : undefined;
  // A hop limit that is used up with nobody having made it small is no step on a way.
  return reply && { sequence, ...reply, effect: reply.effect === "transit" ? "unreachable" : reply.effect };
}

/** No service needs as much to be known by. */
const LONGEST_ANSWER = 4096;

function begin(dial: Dial, target: Endpoint, { request }: TcpService): void {
  if (dial.heard !== undefined) return;
  dial.heard = new Uint8Array(0);
  try {
    dial.socket.send(request, target, dial.probe.hopLimit, dial.probe.sequence);
  } catch (error) {
    // The connection is at its end already, which arrives as such.
    if (!(error instanceof SocketError)) throw error;
  }
}

function hear({ bytes, end, from }: DataArrival, dial: Dial, service: TcpService): Reply | undefined {
  if (dial.heard === undefined) return undefined;
  dial.heard = Uint8Array.of(...dial.heard, ...bytes.subarray(0, LONGEST_ANSWER - dial.heard.length));
  const answer = service.read(dial.heard);
  if (typeof answer === "object") {
    return { sequence: dial.probe.sequence, from, effect: "reached", mark: answer.mark };
  }
  const isOver = answer === "foreign" || end !== undefined || dial.heard.length === LONGEST_ANSWER;
  return isOver ? notThere(dial, from, `open, no ${service.name}`) : undefined;
}

function notThere({ probe: { sequence } }: Dial, from: IpAddress, mark: string): Reply {
  return { sequence, from, effect: "unreachable", mark };
}
