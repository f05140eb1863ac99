import type { Family, IpAddress } from "../address.ts";
import { PluginError, SocketError, UsageError } from "../errors.ts";
import type { BatchPacket, BatchSocket, Network } from "../network.ts";
import type { ManyMatch, ManySession, ProbeOptions, ProtocolPlugin } from "../plugin.ts";
import type { FlushWatcher, Prober, ProbeWatcher } from "./prober.ts";
import { createSessions, type SessionsStart } from "./sessions.ts";
import { createSlotTable } from "./slot-table.ts";

/** One family's socket, and what is laid out in it. */
interface Batch {
  readonly session: ManySession;
  readonly socket: BatchSocket;
  /** Of the packets that are laid out. */
  readonly slots: Int32Array;
  count: number;
}

/**
 * A plugin's probes to many targets by the batch, where plugin and host can do so; else by sessions (`createSessions`).
 * Nothing is allocated for a probe on its way out.
 */
export function createProber(network: Network, start: SessionsStart): Prober {
  const { plugin, probe } = start;
  const batches = new Map<Family, Batch | undefined>();
  const targets: (IpAddress | undefined)[] = new Array<IpAddress | undefined>(start.slots).fill(undefined);
  const table = createSlotTable(start.slots, (slot) => targets[slot]?.bytes);
  let sessions: Prober | undefined;

  const batchOf = (family: Family): Batch | undefined => {
    const known = batches.get(family);
    if (known !== undefined || batches.has(family)) return known;
    const opened = openBatch(network, plugin, family, probe);
    batches.set(family, opened);
    return opened;
  };

  // What is told to whom, made once: a probe on its way out makes nothing new.
  let told: ProbeWatcher | undefined;
  let flushed: FlushWatcher | undefined;
  let flushing: Batch | undefined;
  let draining: Batch | undefined;
  const onLeft = (index: number, atMs: number): void => flushed?.left(flushing?.slots[index] ?? 0, atMs);
  const onRefused = (index: number, error: SocketError): void => flushed?.refused(flushing?.slots[index] ?? 0, error);
  const onPacket = (packet: BatchPacket): void => {
    let match: ManyMatch | undefined;
    try {
      match = draining?.session.match(packet);
    } catch (error) {
      throw faultOf("match", error);
    }
    const slot = match === undefined ? -1 : table.find(match.target);
    if (match === undefined || slot < 0) return;
    told?.answered(slot, match.reply, packet.atMs, match.reply.local === true);
  };

  return {
    get mode() {
      for (const batch of batches.values()) if (batch !== undefined) return batch.session.mode;
      return sessions?.mode;
    },
    get isPolled() {
      for (const batch of batches.values()) if (batch !== undefined) return true;
      return false;
    },
    begin(slot, target) {
      if (batchOf(target.family) === undefined) {
        sessions ??= createSessions(network, start);
        sessions.begin(slot, target);
        return;
      }
      targets[slot] = target;
      table.add(slot, target.bytes);
    },
    send(slot, sequence, hopLimit) {
      const target = targets[slot];
      const batch = target && batches.get(target.family);
      if (target === undefined || batch === undefined) return sessions?.send(slot, sequence, hopLimit) ?? "sent";
      let bytes: Uint8Array;
      try {
        bytes = batch.session.encode(target, sequence);
      } catch (error) {
        throw faultOf("encode", error);
      }
      batch.socket.push(bytes, target, hopLimit);
      batch.slots[batch.count] = slot;
      batch.count += 1;
      return "held";
    },
    flush(watcher) {
      flushed = watcher;
      for (const batch of batches.values()) {
        if (batch === undefined || batch.count === 0) continue;
        batch.count = 0;
        flushing = batch;
        batch.socket.flush(onLeft, onRefused);
      }
    },
    take: (arrival, watcher) => sessions?.take(arrival, watcher),
    poll(watcher) {
      let count = 0;
      told = watcher;
      for (const batch of batches.values()) {
        if (batch === undefined) continue;
        draining = batch;
        count += batch.socket.drain(onPacket);
      }
      return count;
    },
    forget(slot, sequence) {
      if (targets[slot] === undefined) sessions?.forget(slot, sequence);
    },
    end(slot) {
      const target = targets[slot];
      if (target === undefined) {
        sessions?.end(slot);
        return;
      }
      table.delete(target.bytes);
      targets[slot] = undefined;
    },
    [Symbol.dispose]() {
      for (const batch of batches.values()) batch?.socket[Symbol.dispose]();
      sessions?.[Symbol.dispose]();
    },
  };
}

function openBatch(network: Network, plugin: ProtocolPlugin, family: Family, options: ProbeOptions): Batch | undefined {
  if (network.openBatch === undefined) return undefined;
  let session: ManySession | undefined;
  try {
    session = plugin.many?.(network, family, options);
  } catch (error) {
    throw faultOf("many", error);
  }
  if (session === undefined) return undefined;
  try {
    const socket = network.openBatch(session.socket, family);
    return socket && { session, socket, slots: new Int32Array(socket.capacity), count: 0 };
  } catch (error) {
    // A session may have another way, without privilege.
    if (error instanceof SocketError) return undefined;
    throw error;
  }
}

/** What the host refuses and the user got wrong stays what it is; all else is the plugin's own. */
function faultOf(where: string, error: unknown): Error {
  if (error instanceof SocketError || error instanceof UsageError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new PluginError(`Cannot go on: the plugin failed in ${where}: ${text}`);
}
