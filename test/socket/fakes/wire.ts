import { createEngine } from "../../../core/sim/engine.ts";
import { createEventQueue } from "../../../core/sim/event-queue.ts";
import type { Topology } from "../../../core/sim/topology.ts";

/** A path behind a fake kernel, in real time: what comes back is there once its time has come and somebody looks. */
export interface Wire {
  readonly sent: readonly { readonly packet: Uint8Array }[];
  nowMs(): number;
  /** A whole IP packet leaves the host. */
  send(packet: Uint8Array): void;
  /** Hands over what has come back by now. */
  pump(): void;
}

/** `receive` is given whole IP packets, `onDue` is told when there is something to pump. */
export function createWire(topology: Topology, receive: (packet: Uint8Array) => void, onDue: () => void): Wire {
  const engine = createEngine(topology, 1);
  const queue = createEventQueue<Uint8Array>();
  const sent: { readonly packet: Uint8Array }[] = [];
  const nowMs = (): number => performance.now();
  return {
    sent,
    nowMs,
    send(packet) {
      sent.push({ packet });
      const atMs = nowMs();
      for (const delivery of engine.send(packet, atMs)) {
        queue.push(delivery.atMs, delivery.packet);
        // Timers may be early by a fraction of a millisecond.
        setTimeout(onDue, Math.ceil(delivery.atMs - atMs) + 1).unref?.();
      }
    },
    pump() {
      while (queue.size > 0 && queue.nextAtMs() <= nowMs()) {
        const next = queue.pop();
        if (next !== undefined) receive(next.event);
      }
    },
  };
}
