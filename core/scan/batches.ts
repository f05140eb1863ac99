import type { Family } from "../address.ts";
import { PluginError, SocketError, UsageError } from "../errors.ts";
import type { BatchPacket, BatchSocket, Network } from "../network.ts";
import type { ManyMatch, ManySession } from "../plugin.ts";
import type { Reply } from "../probe.ts";
import type { FlushWatcher, Prober, ProbeWatcher } from "./prober.ts";
import { scratchAddress } from "./ranges.ts";
import { createSessions, type SessionsStart } from "./sessions.ts";
import { createSlotTable } from "./slot-table.ts";

/** One family's sockets, and what is laid out in the first. */
interface Batch {
  readonly session: ManySession;
  readonly socket: BatchSocket;
  readonly listener: BatchSocket | undefined;
  /** Of the packets that are laid out. */
  readonly slots: Int32Array;
  count: number;
}

/**
 * A plugin's probes to many targets by the batch, where plugin and host can do so; else by sessions (`createSessions`).
 * Nothing is allocated for a probe on its way out.
 */
export function createProber(network: Network, start: SessionsStart): Prober {
  const { plugin } = start;
  const batches = new Map<Family, Batch | undefined>();
  /** Those that there are. */
  const opened: Batch[] = [];
  const table = createSlotTable(start.slots);
  /** The one that is looked at, of each family: an object for each target would take more than all else that is kept of it. */
  const scratch = { 4: scratchAddress(4), 6: scratchAddress(6) };
  /** What the session holds for a slot, and the sequence that was sent last. */
  const held = new Uint16Array(start.slots);
  const latest = new Uint16Array(start.slots);
  const port = start.port || (plugin.defaultPort ?? 0);
  let sessions: Prober | undefined;

  const batchOf = (family: Family): Batch | undefined => {
    const known = batches.get(family);
    if (known !== undefined || batches.has(family)) return known;
    const batch = openBatch(network, { ...start, port }, family);
    batches.set(family, batch);
    if (batch !== undefined) opened.push(batch);
    return batch;
  };

  // What is told to whom, made once: a probe on its way out makes nothing new.
  let told: ProbeWatcher | undefined;
  let flushed: FlushWatcher | undefined;
  let flushing: Batch | undefined;
  let draining: Batch | undefined;
  let isListened = false;
  const onLeft = (index: number, atMs: number): void => flushed?.left(flushing?.slots[index] ?? 0, atMs);
  const onRefused = (index: number, error: SocketError): void => flushed?.refused(flushing?.slots[index] ?? 0, error);
  const latestOf = (slot: number, reply: Reply): Reply => {
    const sequence = latest[slot] ?? 0;
    // The upper half counts the tries before it, any of which may have been answered so late.
    return sequence >>> 8 === 0 ? { ...reply, sequence } : { ...reply, sequence, ambiguous: true };
  };
  const onPacket = (packet: BatchPacket): void => {
    let match: ManyMatch | undefined;
    try {
      match = draining?.session.match(packet, isListened);
    } catch (error) {
      throw faultOf("match", error);
    }
    const slot = match === undefined ? -1 : table.find(match.target);
    if (match === undefined || slot < 0) return;
    told?.answered(
      slot,
      match.isLatest ? latestOf(slot, match.reply) : match.reply,
      packet.atMs,
      match.reply.local === true,
    );
  };

  return {
    get mode() {
      return opened[0]?.session.mode ?? sessions?.mode;
    },
    get isPolled() {
      return opened.length > 0;
    },
    begin(slot, target) {
      const batch = batchOf(target.family);
      if (batch === undefined) {
        sessions ??= createSessions(network, start);
        sessions.begin(slot, target);
        return;
      }
      try {
        held[slot] = batch.session.begin?.(target) ?? 0;
      } catch (error) {
        throw faultOf("begin", error);
      }
      latest[slot] = 0;
      table.add(slot, target.bytes);
    },
    send(slot, sequence, hopLimit) {
      const family = table.family(slot);
      const batch = family === 0 ? undefined : batches.get(family);
      if (family === 0 || batch === undefined) return sessions?.send(slot, sequence, hopLimit) ?? "sent";
      const target = scratch[family];
      table.read(slot, target.bytes);
      let bytes: Uint8Array;
      try {
        bytes = batch.session.encode(target, sequence, held[slot] ?? 0);
      } catch (error) {
        throw faultOf("encode", error);
      }
      batch.socket.push(bytes, target, hopLimit, batch.session.port ?? 0);
      latest[slot] = sequence;
      batch.slots[batch.count] = slot;
      batch.count += 1;
      return "held";
    },
    flush(watcher) {
      flushed = watcher;
      for (const batch of opened) {
        if (batch.count === 0) continue;
        batch.count = 0;
        flushing = batch;
        batch.socket.flush(onLeft, onRefused);
      }
    },
    take: (arrival, watcher) => sessions?.take(arrival, watcher),
    poll(watcher) {
      let count = 0;
      told = watcher;
      for (const batch of opened) {
        draining = batch;
        isListened = false;
        count += batch.socket.drain(onPacket);
        isListened = true;
        count += batch.listener?.drain(onPacket) ?? 0;
      }
      return count;
    },
    forget(slot, sequence) {
      if (table.family(slot) === 0) sessions?.forget(slot, sequence);
    },
    end(slot) {
      if (table.family(slot) === 0) sessions?.end(slot);
      else table.delete(slot);
    },
    [Symbol.dispose]() {
      for (const batch of opened) {
        for (const each of [batch.socket, batch.listener]) each?.[Symbol.dispose]();
        batch.session[Symbol.dispose]?.();
      }
      sessions?.[Symbol.dispose]();
    },
  };
}

function openBatch(network: Network, { plugin, probe, port }: SessionsStart, family: Family): Batch | undefined {
  if (network.openBatch === undefined) return undefined;
  let session: ManySession | undefined;
  let socket: BatchSocket | undefined;
  try {
    session = plugin.many?.(network, family, probe, port);
    socket = session && network.openBatch(session.socket, family);
    const { listens } = session ?? {};
    const listener = socket && listens && network.openBatch(listens, family);
    if (session !== undefined && socket !== undefined && (listens === undefined || listener !== undefined)) {
      session.opened?.(socket.localPort);
      return { session, socket, listener, slots: new Int32Array(socket.capacity), count: 0 };
    }
  } catch (error) {
    // A session may have another way, without privilege.
    if (!(error instanceof SocketError)) throw faultOf("many", error);
  }
  socket?.[Symbol.dispose]();
  session?.[Symbol.dispose]?.();
  return undefined;
}

/** What the host refuses and the user got wrong stays what it is; all else is the plugin's own. */
function faultOf(where: string, error: unknown): Error {
  if (error instanceof SocketError || error instanceof UsageError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new PluginError(`Cannot go on: the plugin failed in ${where}: ${text}`);
}
