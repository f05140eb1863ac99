import type { IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { Arrival, Network } from "../network.ts";
import { createPacer } from "../tracer/pacer.ts";
import { judgeByCounter } from "./counter.ts";
import { openDatagrams, openEchoes, openHandshakes, openSyns } from "./datagrams.ts";
import type { EgressFinding, EgressProtocol } from "./finding.ts";
import type { EgressSession, Shot, Sight } from "./session.ts";

/** What is asked, of whom, and how fast. */
export interface EgressRequest {
  /** Where the probes are addressed to; with hop limit 1 they die at the first router. */
  readonly target: IpAddress;
  readonly protocols: readonly EgressProtocol[];
  /** Of UDP and TCP, 1-65535. */
  readonly ports: readonly number[];
  /** Default 1. */
  readonly hopLimit?: number;
  /** Default 1000. */
  readonly packetsPerSecond?: number;
  /** How long the last answers are waited for, milliseconds; default 300. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** A protocol that could not be tried at all. */
export interface EgressRefusal {
  readonly protocol: EgressProtocol;
  readonly error: SocketError;
}

/** What this host lets out. */
export interface EgressReport {
  readonly target: IpAddress;
  /** In the order of the protocols and ports asked for. */
  readonly findings: readonly EgressFinding[];
  readonly refusals: readonly EgressRefusal[];
  /** Packets that the kernel took. */
  readonly sent: number;
}

/** A send that is refused is tried so often: an accident (a full table of connections) is no policy. */
const TRIES = 3;
const BURST = 64;
const WAIT_MS = 300;

/**
 * What this host lets out, one probe for each protocol and port. Never goes around its rules: a refused send is taken for
 * an answer. Throws SocketError where there is no route; `onProgress` is told how many shots are decided, of how many.
 */
export async function measureEgress(
  network: Network,
  request: EgressRequest,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<EgressReport> {
  const { target, protocols, ports, hopLimit = 1, packetsPerSecond = 1000, waitMs = WAIT_MS, signal } = request;
  network.route(target);
  const findings: EgressFinding[] = [];
  const refusals: EgressRefusal[] = [];
  const total = protocols.reduce((sum, protocol) => sum + (protocol === "icmp" ? 1 : ports.length), 0);
  const pacer = createPacer(BURST, packetsPerSecond);
  let sent = 0;

  for (const protocol of protocols) {
    let session: EgressSession;
    try {
      session = openSession(network, protocol, target, hopLimit);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      refusals.push({ protocol, error });
      continue;
    }
    using _session = session;
    const wanted = protocol === "icmp" ? [0] : ports;
    const shots = wanted.map((port, tag): Shot => ({ port, tag: tag + 1 }));
    const volley = createVolley(network, session, waitMs, signal);
    for (let at = 0; at < shots.length; at += session.atOnce) {
      const now = shots.slice(at, at + session.atOnce);
      volley.begin();
      for (const shot of now) {
        await volley.until(pacer.readyAtMs(network.nowMs()));
        if (signal?.aborted) break;
        pacer.take(network.nowMs());
        if (await volley.send(shot)) sent += 1;
      }
      await volley.settle(now);
      onProgress(findings.length + at + now.length, total);
    }
    for (const shot of shots)
      findings.push({ protocol, port: protocol === "icmp" ? null : shot.port, ...volley.of(shot) });
  }
  return { target, findings, refusals, sent };
}

function openSession(network: Network, protocol: EgressProtocol, target: IpAddress, hopLimit: number): EgressSession {
  if (protocol === "icmp") return openEchoes(network, target, hopLimit);
  if (protocol === "udp") return openDatagrams(network, target, hopLimit);
  try {
    return openSyns(network, target, hopLimit);
  } catch (error) {
    if (!(error instanceof SocketError) || error.stage !== "socket") throw error;
    return openHandshakes(network, target, hopLimit);
  }
}

type Outcome = Omit<EgressFinding, "protocol" | "port">;
const SILENCE: Outcome = { state: "unknown", evidence: "silence", errno: null, answeredBy: null };

interface Volley {
  /** The next shots are a batch of their own. */
  begin(): void;
  /** Takes in what arrives until then. */
  until(atMs: number): Promise<void>;
  /** False where the host refused it. */
  send(shot: Shot): Promise<boolean>;
  /** Waits for what is outstanding, and asks the kernel's counter where only that can tell. */
  settle(shots: readonly Shot[]): Promise<void>;
  of(shot: Shot): Outcome;
}

function createVolley(
  network: Network,
  session: EgressSession,
  waitMs: number,
  signal: AbortSignal | undefined,
): Volley {
  const outcomes = new Map<number, Outcome>();
  let failuresBefore: number | undefined;
  let latestRefusal: string | null | undefined;

  const note = (sight: Sight): void => {
    const { tag, state, evidence, answeredBy } = sight;
    const known = outcomes.get(tag);
    // An answer says more than a departure, and a refusal of this host's own is no answer.
    if (known !== undefined && (known.evidence !== "departed" || evidence === "departed")) return;
    outcomes.set(tag, { state, evidence, errno: null, answeredBy });
  };
  const take = (arrival: Arrival): void => {
    const sight = session.owns(arrival.socket) ? session.read(arrival) : undefined;
    if (sight !== undefined) note(sight);
  };
  const until = async (atMs: number): Promise<void> => {
    for (
      let arrival = await network.receive(atMs, signal);
      arrival !== undefined;
      arrival = await network.receive(atMs, signal)
    ) {
      take(arrival);
    }
  };
  const silent = (shots: readonly Shot[]): Shot[] => shots.filter(({ tag }) => !outcomes.has(tag));

  return {
    begin() {
      if (session.counterAtMs !== undefined) failuresBefore = network.retransmitFailures();
    },
    until,
    async send(shot) {
      for (let tries = 1; ; tries += 1) {
        try {
          session.send(shot);
          return true;
        } catch (error) {
          if (!(error instanceof SocketError)) throw error;
          if (tries < TRIES && error.errno !== "EACCES") {
            // What has just refused another port needs no more time to think it over.
            if (error.errno !== latestRefusal) await until(network.nowMs() + tries);
            continue;
          }
          latestRefusal = error.errno;
          outcomes.set(shot.tag, { state: "refused", evidence: "errno", errno: error.errno, answeredBy: null });
          return false;
        }
      }
    },
    async settle(shots) {
      const fromMs = network.nowMs();
      while (silent(shots).length > 0 && network.nowMs() < fromMs + waitMs && !signal?.aborted) {
        await until(Math.min(network.nowMs() + 20, fromMs + waitMs));
      }
      const before = failuresBefore;
      if (session.counterAtMs === undefined || silent(shots).length === 0 || signal?.aborted) {
        for (const shot of shots) session.forget(shot);
        return;
      }
      await until(fromMs + session.counterAtMs);
      const failures = network.retransmitFailures();
      const left = silent(shots);
      for (const shot of shots) session.forget(shot);
      if (failures === undefined || before === undefined) return;
      const risen = failures - before;
      const judge = (shot: Shot, state: "out" | "refused"): void => {
        outcomes.set(shot.tag, { state, evidence: "counter", errno: null, answeredBy: null });
      };
      if (risen === left.length || risen === 0) {
        for (const shot of left) judge(shot, risen === 0 ? "out" : "refused");
        return;
      }
      const isAnswered = ({ tag }: Shot): boolean => outcomes.has(tag);
      const judged = await judgeByCounter({ network, session, shots: left, until, isAnswered, signal });
      for (const shot of silent(left)) {
        const state = judged.get(shot.tag);
        if (state !== undefined) judge(shot, state);
      }
    },
    of: ({ tag }) => outcomes.get(tag) ?? SILENCE,
  };
}
