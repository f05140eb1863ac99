import type { IpAddress, Names, TraceEvent } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";

/** Writes while the measuring goes on. */
export interface Stream {
  event(event: TraceEvent): void;
}

/** mtr counts its probes from here. */
const FIRST_SEQUENCE = 33_000;
const LAST_SEQUENCE = 65_535;

/**
 * mtr's raw format: `x` a probe left, `h` who answered, `m` its labels, `d` its name, `p` an answer's time in microseconds.
 * Hops count from 0. A new address is written twice, as mtr does.
 */
export function createRawStream(write: (text: string) => void, names: Names, mpls: boolean): Stream {
  const seen = new Map<number, { latest: string; readonly all: Set<string>; named: boolean }>();
  /** mtr's number of each probe in flight, by ours. */
  const numbers = new Map<number, number>();
  let next = FIRST_SEQUENCE;

  const host = (hop: number, from: IpAddress, labels: string): void => write(`h ${hop} ${from.text}\n${labels}`);

  const answered = (event: TraceEvent & { type: "reply" | "late" }): void => {
    const hop = event.probe.hopLimit - 1;
    const { from } = event.reply;
    const known = seen.get(hop) ?? { latest: "", all: new Set<string>(), named: false };
    seen.set(hop, known);
    if (known.latest !== from.text) {
      const labels = mpls ? (event.reply.mpls ?? []) : [];
      const lines = labels
        .map((each) => `m ${hop} ${each.label} ${each.trafficClass} ${each.bottomOfStack ? 1 : 0} ${each.ttl}\n`)
        .join("");
      if (!known.all.has(from.text)) host(hop, from, lines);
      host(hop, from, lines);
      known.all.add(from.text);
      known.latest = from.text;
    }
    const name = names.of(from);
    if (!known.named && name !== undefined) {
      known.named = true;
      write(`d ${hop} ${printable(name)}\n`);
    }
    const number = numbers.get(event.probe.sequence);
    // An answer whose time is unknown has no line in this format.
    if (event.rttMs !== undefined && number !== undefined)
      write(`p ${hop} ${Math.round(event.rttMs * 1000)} ${number}\n`);
    numbers.delete(event.probe.sequence);
  };

  return {
    event(event) {
      if (event.type === "reply" || event.type === "late") answered(event);
      if (event.type !== "sent") return;
      numbers.delete(event.probe.sequence);
      numbers.set(event.probe.sequence, next);
      write(`x ${event.probe.hopLimit - 1} ${next}\n`);
      next = next === LAST_SEQUENCE ? FIRST_SEQUENCE : next + 1;
    },
  };
}
