import { createTunLab, type TunLab } from "../../test/lab/tun/lab.ts";
import { PROBINGS, type TruthCase } from "../../test/truth/case.ts";
import { printedBy } from "../../test/truth/document.ts";
import { type Fault, type Finding, judge } from "../../test/truth/judge.ts";
import { truthOf } from "../../test/truth/oracle.ts";
import { PROFILES, portOf, subjectsOf } from "../../test/truth/profiles.ts";
import { traceVirtually } from "../../test/truth/virtual.ts";
import type { WireFault } from "../../test/truth/wire.ts";
import { PEERS } from "./peers/mod.ts";
import { EXECUTABLE } from "./tools.ts";
import { isThere } from "./turns.ts";

/** One tool on one path: what it said that is not so. */
export interface Sheet {
  readonly tool: string;
  readonly path: string;
  readonly findings: readonly Finding[];
  /** It said nothing that could be read, or was cut. */
  readonly mute: boolean;
}

export interface VirtualSheet {
  readonly path: string;
  readonly probes: number;
  readonly findings: readonly { readonly fault: Fault | WireFault; readonly detail: string }[];
}

/** Traces a path in the virtual clock by every plugin, user and family, with other chances each time, until so many probes left. */
export async function virtualSheet(subject: TruthCase, wanted: number): Promise<VirtualSheet> {
  const findings: VirtualSheet["findings"][number][] = [];
  let probes = 0;
  for (let seed = 1; probes < wanted; seed += 1) {
    for (const family of subject.families ?? ([4, 6] as const)) {
      for (const { name: user, host, ...profile } of PROFILES) {
        for (const { name, ladder } of subjectsOf({ name: user, host, ...profile })) {
          const trace = { queries: 12, packetsPerSecond: 1000 };
          const result = await traceVirtually({ subject, family, ladder, host, seed, trace });
          probes += result.probes;
          const about = `${user}, ${name}, IPv${family}, seed ${seed}`;
          findings.push(...result.findings.map(({ fault, detail }) => ({ fault, detail: `${about}: ${detail}` })));
        }
      }
    }
  }
  return { path: subject.name, probes, findings };
}

interface Contestant {
  readonly tool: string;
  readonly family: 4 | 6;
  readonly look: (subject: TruthCase) => Promise<Sheet>;
}

/** No tool gets more time for one path. */
const TIMEOUT_MS = 90_000;

function own(words: readonly string[], user: "root" | "nobody", family: 4 | 6, probes: number): Contestant {
  const tool = `nettrace ${words.join(" ")}${user === "nobody" ? ", as nobody" : ""}${family === 6 ? ", IPv6" : ""}`;
  return {
    tool,
    family,
    async look(subject) {
      using lab = await createTunLab(subject.topology);
      const queries = String(Math.max(3, Math.ceil(probes / (subject.topology.hops.length + 1))));
      const target = family === 4 ? lab.target.v4 : lab.target.v6;
      const argv = [lab.stage(EXECUTABLE), ...words, target, "-n", "-q", queries, "--format", "json"];
      const { stdout, timedOut } = await lab.run(argv, { user, timeoutMs: TIMEOUT_MS });
      const printed = timedOut || stdout === "" ? undefined : printedBy(stdout);
      if (printed === undefined) return { tool, path: subject.name, findings: [], mute: true };
      const { claim, admitsGaps, ...kind } = printed;
      const truth = truthOf(subject.topology, { ...kind, family });
      return {
        tool,
        path: subject.name,
        findings: judge(claim, truth, { chancy: subject.chancy === true, admitsGaps }),
        mute: false,
      };
    },
  };
}

function peers(): readonly Contestant[] {
  return PEERS.filter(({ program }) => isThere([program])).map(({ name: tool, probing, argv, read, errorQueue }) => ({
    tool,
    family: 4,
    async look(subject) {
      using lab: TunLab = await createTunLab(subject.topology);
      const { stdout, timedOut } = await lab.run(argv(lab.target.v4), { timeoutMs: TIMEOUT_MS });
      const claims = timedOut ? undefined : read(stdout, lab.target.v4);
      const truth = truthOf(subject.topology, {
        probing,
        family: 4,
        port: portOf(probing),
        quotesMustFit: errorQueue === true,
      });
      const strictness = { chancy: subject.chancy === true };
      const findings = claims?.flatMap((claim) => judge(claim, truth, strictness)) ?? [];
      return { tool, path: subject.name, findings, mute: claims === undefined };
    },
  }));
}

export function contestants(probes: number): readonly Contestant[] {
  return [
    own(["auto"], "root", 4, probes),
    own(["auto"], "root", 6, probes),
    own(["auto"], "nobody", 4, probes),
    own(["trace", "-P", "icmp"], "root", 4, probes),
    own(["trace", "-P", "udp"], "root", 4, probes),
    own(["trace", "-P", "udp"], "nobody", 4, probes),
    own(["trace", "-P", "tcp-syn:443"], "root", 4, probes),
    own(["trace", "-P", "tcp-connect:443"], "nobody", 4, probes),
    ...peers(),
  ];
}

/** Runs what is given, so many at a time, and hands over each result as it comes. */
export async function inParallel<Job, Result>(
  jobs: readonly Job[],
  width: number,
  run: (job: Job) => Promise<Result>,
  onResult: (result: Result) => void,
): Promise<void> {
  const queue = [...jobs];
  const work = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) onResult(await run(job));
  };
  await Promise.all(Array.from({ length: width }, work));
}

/** How many ends the suite's paths have, of all protocols: for the page. */
export function endsOf({ ends }: TruthCase): string {
  if (typeof ends === "string") return ends;
  return PROBINGS.map((probing) => `${probing} ${ends[probing]}`).join(", ");
}
