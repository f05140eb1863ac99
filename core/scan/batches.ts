import type { Family, IpAddress } from "../address.ts";
import { PluginError, SocketError } from "../errors.ts";
import type { BatchPacket, BatchSocket, Network } from "../network.ts";
import type { ManySession, ProbeOptions, ProtocolPlugin } from "../plugin.ts";
import type { Prober, ProbeWatcher } from "./prober.ts";
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
    if (!batches.has(family)) batches.set(family, openBatch(network, plugin, family, probe));
    return batches.get(family);
  };

  const drain = (batch: Batch, watcher: ProbeWatcher): number => {
    const onPacket = (packet: BatchPacket): void => {
      const match = guarded("match", () => batch.session.match(packet));
      const slot = match === undefined ? -1 : table.find(match.target);
      if (match === undefined || slot < 0) return;
      watcher.answered(slot, match.reply, packet.atMs, match.reply.local === true);
    };
    return batch.socket.drain(onPacket);
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
    send(slot, sent) {
      const target = targets[slot];
      const batch = target && batches.get(target.family);
      if (target === undefined || batch === undefined) return sessions?.send(slot, sent) ?? "sent";
      const bytes = guarded("encode", () => batch.session.encode(target, sent.sequence));
      batch.socket.push(bytes, target, sent.hopLimit);
      batch.slots[batch.count] = slot;
      batch.count += 1;
      return "held";
    },
    flush(watcher) {
      for (const batch of batches.values()) {
        if (batch === undefined || batch.count === 0) continue;
        batch.count = 0;
        const slotAt = (index: number): number => batch.slots[index] ?? 0;
        batch.socket.flush(
          (index, atMs) => watcher.left(slotAt(index), atMs),
          (index, error) => watcher.refused(slotAt(index), error),
        );
      }
    },
    take: (arrival, watcher) => sessions?.take(arrival, watcher),
    poll(watcher) {
      let count = 0;
      for (const batch of batches.values()) if (batch !== undefined) count += drain(batch, watcher);
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
  const session = guarded("many", () => plugin.many?.(network, family, options));
  if (session === undefined || network.openBatch === undefined) return undefined;
  try {
    const socket = network.openBatch(session.socket, family);
    return socket && { session, socket, slots: new Int32Array(socket.capacity), count: 0 };
  } catch (error) {
    // A session may have another way, without privilege.
    if (error instanceof SocketError) return undefined;
    throw error;
  }
}

function guarded<Result>(where: string, call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && (error.name === "SocketError" || error.name === "UsageError")) throw error;
    throw new PluginError(
      `Cannot go on: the plugin failed in ${where}: ${error instanceof Error ? error.message : error}`,
    );
  }
}
