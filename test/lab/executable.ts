import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Lab, RunResult } from "./lab.ts";
import { createLab } from "./lab.ts";
import type { LabSpec } from "./spec.ts";

export type User = "root" | "nobody";
export const USERS: readonly User[] = ["root", "nobody"];
export const FAMILIES = [4, 6] as const;
export type Family = (typeof FAMILIES)[number];
export const TIME = { timeout: 60_000 };

export const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));

interface ReportedProbe {
  readonly state: string;
  readonly address: string | null;
  readonly rtt_ms: number | null;
  readonly mark: string | null;
  readonly icmp: { readonly type: number; readonly code: number } | null;
}

interface ReportedTrace {
  readonly protocol: string;
  readonly outcome: string;
  readonly hops: readonly {
    readonly hop: number;
    readonly sent: number;
    readonly received: number;
    readonly probes: readonly ReportedProbe[];
  }[];
}

/** What the tests read of the document `nettrace.auto/1`. */
interface Report {
  readonly source: { readonly address: string | null; readonly interface: string | null };
  readonly duration_ms: number;
  readonly attempts: readonly {
    readonly protocol: string;
    readonly port: number | null;
    readonly mode: string | null;
    readonly verdict: string;
    readonly stage: string | null;
    readonly errno: string | null;
    readonly reason: string;
    readonly farthest_hop: number | null;
    readonly tapped_only: number;
    readonly refused_sends: number;
    readonly sent: number;
  }[];
  readonly winner: number | null;
  readonly trace: ReportedTrace | null;
}

export interface JsonRun extends RunResult {
  readonly report: Report;
}

/** Runs the built executable on the lab's host as its user would. */
export function nettrace(lab: Lab, user: User, ...args: readonly string[]): Promise<RunResult> {
  return lab.run("host", [lab.stage(EXECUTABLE), ...args], { user, timeoutMs: 30_000 });
}

export async function nettraceJson(lab: Lab, user: User, ...args: readonly string[]): Promise<JsonRun> {
  const result = await nettrace(lab, user, ...args, "--format", "json");
  assert.notEqual(result.stdout, "", `no document: ${result.stderr}`);
  return { ...result, report: JSON.parse(result.stdout) as Report };
}

/** `icmp denied`, `tcp-syn:443 reached`… in order. */
export function verdicts({ report }: JsonRun): string[] {
  return report.attempts.map(({ protocol, port, verdict }) =>
    port === null || protocol === "udp" ? `${protocol} ${verdict}` : `${protocol}:${port} ${verdict}`,
  );
}

/** The distinct responders of each hop of the trace shown. */
export function responders({ report }: JsonRun): string[][] {
  return (report.trace?.hops ?? []).map(({ probes }) => [
    ...new Set(probes.flatMap(({ address }) => (address === null ? [] : [address]))),
  ]);
}

/** The routers of each hop as they really stand in the path, and the target behind them; a silent hop has none. */
function truth(lab: Lab, family: Family): string[][] {
  const key = family === 4 ? "v4" : "v6";
  return [...lab.hops.map((routers) => routers.flatMap((each) => (each.silent ? [] : [each[key]]))), [lab.target[key]]];
}

export const targetOf = (lab: Lab, family: Family): string => (family === 4 ? lab.target.v4 : lab.target.v6);

/** Every hop shows exactly the router that stands there; of several, one that does, and the same in all probes. */
export function assertTruePath(run: JsonRun, lab: Lab, family: Family): void {
  const seen = responders(run);
  const real = truth(lab, family);
  assert.equal(seen.length, real.length, JSON.stringify(seen));
  for (const [index, addresses] of seen.entries()) {
    const there = real[index] ?? [];
    assert.equal(addresses.length, Math.min(there.length, 1), `hop ${index + 1}: ${addresses} of ${there}`);
    assert.ok(
      addresses.every((address) => there.includes(address)),
      `hop ${index + 1}: ${addresses} of ${there}`,
    );
  }
}

/** Builds a lab for one test. */
export async function withLab(spec: LabSpec, body: (lab: Lab) => Promise<void>): Promise<void> {
  using lab = await createLab(spec);
  await body(lab);
}
