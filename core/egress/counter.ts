import type { Network } from "../network.ts";
import type { EgressSession, Shot } from "./session.ts";

/**
 * Groups whose SYNs are due again at different times, so that the one counter of the whole host speaks of each alone; the
 * last time for those that a busy host was late for.
 */
const GROUP_SIZES: readonly number[] = [10, 1, 1];
/** Timers of a second come up to 64 ms late (the kernel's timer wheel), never early. */
const SPACING_MS = 160;
/** A step that comes later than this speaks of other groups too, and of none for certain. */
const PUNCTUAL_MS = 20;
/** Just before the first SYNs of a group are due again (RFC 6298 §2.1). */
const BEFORE_DUE_MS = 980;

export interface CounterRequest {
  readonly network: Network;
  readonly session: EgressSession;
  /** Those that nothing came back for, none of them under way. */
  readonly shots: readonly Shot[];
  /** Takes in what arrives until then. */
  readonly until: (atMs: number) => Promise<void>;
  readonly isAnswered: (shot: Shot) => boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Which SYNs this host itself drops, without privilege: `TcpExt TCPRetransFail` rises by one for each that it fails to send
 * again, and does not for one that the network lost. Shots of which the counter does not speak clearly are left out.
 */
export async function judgeByCounter(request: CounterRequest): Promise<ReadonlyMap<number, "refused" | "out">> {
  const judged = new Map<number, "refused" | "out">();
  let open = request.shots;
  for (const size of GROUP_SIZES) {
    if (open.length === 0 || request.signal?.aborted) break;
    const groups: Shot[][] = [];
    for (let at = 0; at < open.length; at += size) groups.push(open.slice(at, at + size));
    const rises = await rounds(request, groups);
    const mixed: Shot[] = [];
    groups.forEach((group, at) => {
      const silent = group.filter((shot) => !request.isAnswered(shot));
      const risen = rises[at];
      if (risen !== undefined && (risen === silent.length || risen === 0)) {
        for (const { tag } of silent) judged.set(tag, risen === 0 ? "out" : "refused");
      } else mixed.push(...silent);
    });
    open = mixed;
  }
  return judged;
}

/** Sends each group at its time, and tells by how much the counter rose while it was due again. */
async function rounds(
  { network, session, until, signal }: CounterRequest,
  groups: readonly Shot[][],
): Promise<readonly (number | undefined)[]> {
  const startMs = network.nowMs();
  const readings: (number | undefined)[] = [];
  const late = new Set<number>();
  const steps = groups.flatMap((group, at) => [
    { atMs: startMs + at * SPACING_MS, of: [at], act: () => sendAll(session, group) },
    {
      atMs: startMs + at * SPACING_MS + BEFORE_DUE_MS,
      of: [at - 1, at],
      act: () => readings.push(network.retransmitFailures()),
    },
    // Before they are due a second time.
    { atMs: startMs + (at + 1) * SPACING_MS + BEFORE_DUE_MS, of: [], act: () => forgetAll(session, group) },
  ]);
  const end = {
    atMs: startMs + groups.length * SPACING_MS + BEFORE_DUE_MS,
    of: [groups.length - 1],
    act: () => readings.push(network.retransmitFailures()),
  };
  for (const { atMs, of, act } of [...steps, end].sort((a, b) => a.atMs - b.atMs)) {
    await until(atMs);
    if (signal?.aborted) break;
    act();
    if (network.nowMs() > atMs + PUNCTUAL_MS) for (const at of of) late.add(at);
  }
  for (const group of groups) forgetAll(session, group);
  return groups.map((_, at) => {
    const [before, after] = [readings[at], readings[at + 1]];
    return before === undefined || after === undefined || late.has(at) ? undefined : after - before;
  });
}

function sendAll(session: EgressSession, group: readonly Shot[]): void {
  for (const shot of group) session.send(shot);
}

function forgetAll(session: EgressSession, group: readonly Shot[]): void {
  for (const shot of group) session.forget(shot);
}
