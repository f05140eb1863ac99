import type { IpAddress } from "../address.ts";
import type { Arrival, Network, ProbeSocket } from "../network.ts";
import type { ProbeOptions, ProbeSession, ProtocolPlugin } from "../plugin.ts";
import type { Probe, Reply } from "../probe.ts";
import { openGuarded } from "../tracer/guard.ts";
import type { Bench } from "./bench.ts";
import { expectThat, fail } from "./expect.ts";

/** A probe with the fields that a case does not care about filled in. */
export function probe(fields: Partial<Probe> & Pick<Probe, "sequence">): Probe {
  return { hopLimit: 1, flow: 0, round: 0, ...fields };
}

/** No answer takes longer on any bench, in the network's own time. */
export const ANSWER_WITHIN_MS = 3000;

/** A session under examination. */
export interface Examined extends ProbeSession {
  /** As `match`, for arrivals that others may have forged: whatever sequence it names. */
  matchForged(arrival: Arrival): Reply | undefined;
}

/**
 * Opens a session as the engine does: its options have their defaults, a breach of the contract throws PluginError, and
 * it is shown the arrivals on its own sockets only. `match` fails where it names a probe that was never sent.
 */
export function openSession(plugin: ProtocolPlugin, { network, target }: Bench, options: ProbeOptions = {}): Examined {
  const sockets = new Set<ProbeSocket>();
  const own = (socket: ProbeSocket): ProbeSocket => {
    sockets.add(socket);
    return socket;
  };
  const scoped: Network = {
    nowMs: () => network.nowMs(),
    route: (to) => network.route(to),
    open: (spec, family) => own(network.open(spec, family)),
    dial: (to, hopLimit, localPort, tag) => own(network.dial(to, hopLimit, localPort, tag)),
    receive: () => Promise.reject(new Error("Cannot receive: a session's arrivals come through match()")),
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket[Symbol.dispose]();
    },
  };
  let session: ProbeSession;
  try {
    session = openGuarded(plugin, scoped, target, options);
  } catch (error) {
    // The engine closes what a failed open leaves open.
    scoped[Symbol.dispose]();
    throw error;
  }
  const sent = new Set<number>();
  const matchForged = (arrival: Arrival): Reply | undefined => {
    if (!sockets.has(arrival.socket)) return undefined;
    const reply = session.match(arrival);
    if (reply !== undefined) return reply;
    // As the engine does; it is no reply yet, but must not fail.
    session.provisional?.(arrival);
    return undefined;
  };
  const { probesPerFlow, hiddenRefusalAtMs } = session;
  return {
    get mode() {
      return session.mode;
    },
    ...(probesPerFlow !== undefined && { probesPerFlow }),
    ...(hiddenRefusalAtMs !== undefined && { hiddenRefusalAtMs }),
    send(each) {
      session.send(each);
      sent.add(each.sequence);
    },
    match(arrival) {
      const reply = matchForged(arrival);
      if (reply !== undefined && !sent.has(reply.sequence)) {
        fail(`match named the probe ${reply.sequence}, which was never sent`);
      }
      return reply;
    },
    matchForged,
    hiddenRefusal: () => session.hiddenRefusal?.(),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

/**
 * The first reply to each probe in the order of their coming, until `count` probes have one or none comes any more. (A
 * packet tap shows some answers twice.)
 */
export async function collect(bench: Bench, session: ProbeSession, count: number): Promise<readonly Reply[]> {
  const replies = new Map<number, Reply>();
  const untilMs = bench.network.nowMs() + ANSWER_WITHIN_MS;
  while (replies.size < count) {
    const arrival = await bench.network.receive(untilMs);
    if (arrival === undefined) break;
    const reply = session.match(arrival);
    if (reply !== undefined && !replies.has(reply.sequence)) replies.set(reply.sequence, reply);
  }
  return [...replies.values()];
}

/** The one reply to a probe sent now. */
export async function exchange(bench: Bench, session: ProbeSession, sent: Probe): Promise<Reply> {
  session.send(sent);
  const untilMs = bench.network.nowMs() + ANSWER_WITHIN_MS;
  for (let arrival = await bench.network.receive(untilMs); arrival; arrival = await bench.network.receive(untilMs)) {
    const reply = session.match(arrival);
    if (reply?.sequence === sent.sequence) return reply;
  }
  if (bench.sent?.().length === 0) fail("send handed no packet to any socket");
  return fail(
    `match found no answer to the probe with hop limit ${sent.hopLimit} (${whoAnswers(bench, sent.hopLimit)})`,
  );
}

function whoAnswers({ responders }: Bench, hopLimit: number): string {
  const who = (responders[hopLimit - 1] ?? responders.at(-1) ?? []).join(" or ");
  return hopLimit >= responders.length ? `the target, ${who}` : `router ${who}`;
}

/** Asserts that one of the addresses expected at this hop limit replied; what could go farther meets the target. */
export function expectResponder(
  bench: Pick<Bench, "responders">,
  { hopLimit }: Pick<Probe, "hopLimit">,
  from: IpAddress,
) {
  const { responders } = bench;
  const expected = responders[hopLimit - 1] ?? responders.at(-1) ?? [];
  const whose = `the probe with hop limit ${hopLimit}`;
  expectThat(
    expected.includes(from.text),
    `match took an answer of ${from.text} for that to ${whose}, which only ${expected.join(" or ")} can answer`,
  );
}

/** What came of many probes that were under way at the same time. */
export interface Flood {
  readonly sent: ReadonlyMap<number, Probe>;
  /** All replies to each probe that had any. */
  readonly replies: ReadonlyMap<number, readonly Reply[]>;
}

/** Flows that a plugin of few probes per flow has to bear beside each other. */
const MANY_FLOWS = 32;

/** How many probes a session can have under way at once, up to `wanted`; the flow of each is at its index. */
export function flowsFor(session: ProbeSession, wanted: number): readonly number[] {
  const perFlow = session.probesPerFlow ?? wanted;
  return Array.from({ length: Math.min(wanted, perFlow * MANY_FLOWS) }, (_, index) => Math.floor(index / perFlow));
}

/** Sends probes to every hop at once and judges each reply that match finds in all that comes back. */
export async function flood(bench: Bench, session: ProbeSession, wanted: number): Promise<Flood> {
  const sent = new Map<number, Probe>();
  flowsFor(session, wanted).forEach((flow, index) => {
    const hopLimit = 1 + (index % bench.responders.length);
    const each = probe({ sequence: (65_500 + index) & 0xffff, hopLimit, flow, round: index % 5 });
    sent.set(each.sequence, each);
    session.send(each);
  });
  const replies = new Map<number, Reply[]>();
  const untilMs = bench.network.nowMs() + ANSWER_WITHIN_MS;
  for (let arrival = await bench.network.receive(untilMs); arrival; arrival = await bench.network.receive(untilMs)) {
    const reply = session.match(arrival);
    const asked = reply && sent.get(reply.sequence);
    if (reply === undefined || asked === undefined) continue;
    expectRightReply(bench, asked, reply);
    replies.set(reply.sequence, [...(replies.get(reply.sequence) ?? []), reply]);
  }
  return { sent, replies };
}

/** Asserts that the right node replied, and that the reply says what it means there. */
function expectRightReply(bench: Bench, asked: Probe, { from, effect }: Reply): void {
  expectResponder(bench, asked, from);
  const isTarget = asked.hopLimit >= bench.responders.length;
  const right = isTarget ? "reached" : "transit";
  expectThat(
    effect === right,
    `match said "${effect}" of the answer of ${whoAnswers(bench, asked.hopLimit)}: it is "${right}"`,
  );
}

/** A copy that stays valid after the next `receive`. */
export function copyOf(arrival: Arrival): Arrival {
  if (arrival.kind === "packet" || arrival.kind === "data") {
    return { ...arrival, bytes: Uint8Array.from(arrival.bytes) };
  }
  if (arrival.kind !== "error") return { ...arrival };
  return { ...arrival, quoted: Uint8Array.from(arrival.quoted), extensions: Uint8Array.from(arrival.extensions) };
}
