import { addressFromBytes, type IpAddress } from "../address.ts";
import { UsageError } from "../errors.ts";
import type { Arrival, Network, PacketArrival } from "../network.ts";
import type { ProbeOptions, ProbeSession, ProtocolPlugin } from "../plugin.ts";
import { openGuarded } from "../tracer/guard.ts";
import { isIcmpError } from "../wire/icmp.ts";
import { IP_PROTOCOL } from "../wire/ip.ts";
import { readU16 } from "../wire/octets.ts";
import { type AddressKey, keyOf } from "./address-key.ts";
import type { Prober } from "./prober.ts";
import { createSharedSockets, onHandle, type SessionNetwork } from "./shared-sockets.ts";

export interface SessionsStart {
  readonly plugin: ProtocolPlugin;
  /** 0: the plugin's default port. */
  readonly port: number;
  readonly probe: ProbeOptions;
  /** Slots are numbers below it, at most 32,768. */
  readonly slots: number;
}

interface Open {
  readonly session: ProbeSession;
  readonly network: SessionNetwork;
  readonly key: AddressKey;
  readonly serial: number;
}

/** A departure's tag holds serial, slot and sequence: 22, 15 and 16 bits. */
const SERIALS = 2 ** 22;
const SLOTS = 2 ** 15;
const SEQUENCES = 2 ** 16;
const ECHO_REPLIES: ReadonlySet<number> = new Set([0, 129]);

/**
 * Any plugin's probes to many targets: a session for each that is under way, all on the same sockets. Whose an arrival is
 * tells the destination that an ICMP error quotes (or the error queue names), else the address it comes from; only an echo
 * reply is known by its identifier too, so that a target may answer from another address.
 */
export function createSessions(network: Network, { plugin, port, probe, slots }: SessionsStart): Prober {
  const shared = createSharedSockets(network, plugin.name);
  const open: (Open | undefined)[] = new Array<Open | undefined>(slots).fill(undefined);
  const slotOf = new Map<AddressKey, number>();
  const slotOfIdentifier = new Map<number, number>();
  let mode: string | undefined;
  let begun = 0;

  const ownerOf = (arrival: Exclude<Arrival, { kind: "departure" }>): number | undefined => {
    if (arrival.kind === "error") return arrival.to && slotOf.get(keyOf(arrival.to.bytes));
    if (arrival.kind === "packet" && isIcmp(arrival)) {
      const { bytes, from } = arrival;
      if (isIcmpError(from.family, bytes[0] ?? 0)) {
        const destination = quotedDestination(bytes, from.family);
        return destination && slotOf.get(keyOf(destination));
      }
      const direct = slotOf.get(keyOf(from.bytes));
      if (direct !== undefined || !ECHO_REPLIES.has(bytes[0] ?? 0xff)) return direct;
      return slotOfIdentifier.get(readU16(bytes, 4));
    }
    return slotOf.get(keyOf(arrival.from.bytes));
  };

  return {
    get mode() {
      return mode;
    },
    begin(slot, target) {
      const serial = begun % SERIALS;
      begun += 1;
      const scoped = shared.networkFor((socket, bytes, sequence) => {
        if (socket.type === "raw" && bytes.length >= 8) slotOfIdentifier.set(readU16(bytes, 4), slot);
        return (serial * SLOTS + slot) * SEQUENCES + sequence;
      });
      const endpoint = { address: addressFromBytes(target.bytes), port: port || (plugin.defaultPort ?? 0) };
      const session = openGuarded(plugin, scoped, endpoint, probe);
      if (session.reachOnly) {
        session[Symbol.dispose]();
        throw new UsageError(`Cannot scan with ${plugin.name}: it shows no hops`);
      }
      mode ??= session.mode;
      const key = keyOf(target.bytes);
      open[slot] = { session, network: scoped, key, serial };
      slotOf.set(key, slot);
    },
    send(slot, sequence, hopLimit) {
      open[slot]?.session.send({ sequence, hopLimit, flow: 0, round: roundOf(sequence) });
      return "sent";
    },
    flush: () => undefined,
    poll: () => 0,
    isPolled: false,
    take(arrival, watcher) {
      if (arrival.kind === "departure") {
        const slot = Math.floor(arrival.tag / SEQUENCES) % SLOTS;
        const serial = Math.floor(arrival.tag / SEQUENCES / SLOTS);
        if (open[slot]?.serial === serial) watcher.departed(slot, arrival.tag % SEQUENCES, arrival.atMs);
        return;
      }
      const slot = ownerOf(arrival);
      const owner = slot === undefined ? undefined : open[slot];
      const handle = owner?.network.handleOf(arrival.socket);
      if (slot === undefined || owner === undefined || handle === undefined) return;
      const reply = owner.session.match(onHandle(arrival, handle));
      const isLocal = reply?.local === true || ("local" in arrival && arrival.local);
      if (reply !== undefined) watcher.answered(slot, reply, arrival.atMs, isLocal);
    },
    forget(slot, sequence) {
      open[slot]?.session.forget?.(sequence);
    },
    end(slot) {
      const ended = open[slot];
      if (ended === undefined) return;
      open[slot] = undefined;
      slotOf.delete(ended.key);
      ended.session[Symbol.dispose]();
    },
    [Symbol.dispose]() {
      for (const [slot] of open.entries()) this.end(slot);
      shared[Symbol.dispose]();
    },
  };
}

/** How many tries of its hop went before; the lower half is the hop. */
function roundOf(sequence: number): number {
  return sequence >>> 8;
}

function isIcmp({ protocol }: PacketArrival): boolean {
  return protocol === IP_PROTOCOL.icmp || protocol === IP_PROTOCOL.icmpv6;
}

/** Where the packet was going that an ICMP error quotes, behind the error's eight octets. */
function quotedDestination(error: Uint8Array, family: IpAddress["family"]): Uint8Array | undefined {
  const [from, to] = family === 4 ? [24, 28] : [32, 48];
  return error.length < to ? undefined : error.subarray(from, to);
}
