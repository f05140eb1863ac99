import { createEngine } from "../../../core/sim/engine.ts";
import { echoPacket, tcpPacket, udpPacket } from "../../../core/sim/packets.ts";
import type { Topology } from "../../../core/sim/topology.ts";
import type { Arrivals, Tapped } from "./arrivals.ts";
import type { TunDevice } from "./device.ts";
import { createPassage } from "./passage.ts";
import { createRecorder } from "./record.ts";
import type { Thread } from "./thread.ts";

/** The optimizing compiler comes after some thousand calls; it takes its time beside this thread. */
const STEPS = 16_000;
const HOP_LIMITS = 16;

/**
 * Sends probes of all kinds through a copy of the path, so that compiled code answers in time from the first packet on.
 * The copy has a clock of its own, and what it remembers (rate limits, connections, chance) is its own. To be called when
 * the path itself has been made: a second one makes the runtime compile anew what it knew one of.
 */
export function warmUp(topology: Topology, real: Thread): void {
  const probes = ([4, 6] as const).flatMap((family) => {
    const to = family === 4 ? topology.target.v4 : topology.target.v6;
    if (to === undefined) return [];
    return [udpPacket, tcpPacket, echoPacket].flatMap((make) =>
      Array.from({ length: HOP_LIMITS }, (_, index) => make({ family, to, hopLimit: index + 1 })),
    );
  });
  const tapped: Tapped = { packet: new Uint8Array(0), seconds: 0, nanoseconds: 0 };
  let nowMs = 0;
  let at = 0;
  const arrivals: Arrivals = {
    fd: -1,
    take() {
      const packet = at % 4 === 3 ? undefined : probes[at % probes.length];
      at += 1;
      if (packet === undefined) return undefined;
      tapped.packet = packet;
      return tapped;
    },
    forgetError: () => undefined,
  };
  const thread: Thread = {
    nowMs: () => (nowMs += 0.01),
    // The real clock is asked for its own sake: that code is to be compiled, too.
    monotonicMs: (seconds, nanoseconds) => (real.monotonicMs(seconds, nanoseconds) > 0 ? nowMs : 0),
    wait(forMs) {
      nowMs += forMs;
      return undefined;
    },
  };
  const device: TunDevice = { write: () => true, discard: () => undefined };
  const engine = createEngine(topology, 1);
  const passage = createPassage({ engine, device, arrivals, thread, recorder: createRecorder(() => undefined) });
  for (let step = 0; step < STEPS; step += 1) passage.step();
  // The next collection is a long way off then.
  Bun.gc(true);
}
