/**
 * Whole-process times of nettrace and of the real tools, A B A B, on the same lab paths: `npm run bench [RUNS]`. Needs root
 * (or user namespaces) and a built executable. Nothing in it passes or fails.
 */
import { cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { findTool, labAccess } from "../test/lab/access.ts";
import { runtime } from "../test/lab/command.ts";
import { enter } from "../test/lab/enter.ts";
import { createLab, type Lab } from "../test/lab/lab.ts";
import { SCENARIOS } from "../test/lab/scenarios.ts";

const EXECUTABLE = fileURLToPath(new URL("../dist/nettrace", import.meta.url));
const RUNS = Math.max(5, Number(process.argv[2] ?? 5) || 5);

type Commands = Readonly<Record<string, readonly string[]>>;

const CASES: readonly {
  readonly title: string;
  readonly scenario: keyof typeof SCENARIOS;
  readonly commands: Commands;
}[] = [
  {
    title: "4 hops, all answer",
    scenario: "plain",
    commands: {
      "nettrace trace -P icmp": ["nettrace", "trace", "TARGET", "-n", "-P", "icmp"],
      "nettrace trace -P tcp-syn:443": ["nettrace", "trace", "TARGET", "-n", "-P", "tcp-syn:443"],
      "traceroute -I": ["traceroute", "-n", "-I", "TARGET"],
      "traceroute -T -p 443": ["traceroute", "-n", "-T", "-p", "443", "TARGET"],
    },
  },
  {
    title: "6 hops, 2 silent in the middle",
    scenario: "silentMiddle",
    commands: {
      "nettrace trace -P icmp": ["nettrace", "trace", "TARGET", "-n", "-P", "icmp"],
      "traceroute -I": ["traceroute", "-n", "-I", "TARGET"],
    },
  },
  {
    title: "4 hops, target silent",
    scenario: "silentTarget",
    commands: {
      "nettrace trace -P udp": ["nettrace", "trace", "TARGET", "-n", "-P", "udp"],
      "traceroute -U": ["traceroute", "-n", "-U", "TARGET"],
    },
  },
  {
    title: "12 hops, the host refuses icmp and udp, hop 1 silent",
    scenario: "restricted",
    commands: {
      "nettrace auto": ["nettrace", "auto", "TARGET", "-n"],
      "nettrace trace -P tcp-syn:443": ["nettrace", "trace", "TARGET", "-n", "-P", "tcp-syn:443"],
      "traceroute -T -p 443": ["traceroute", "-n", "-T", "-p", "443", "TARGET"],
    },
  },
  {
    title: "8 hops, hop 4 drops ICMP and UDP",
    scenario: "midPathFilter",
    commands: {
      "nettrace auto": ["nettrace", "auto", "TARGET", "-n"],
      "nettrace trace -P tcp-syn:443": ["nettrace", "trace", "TARGET", "-n", "-P", "tcp-syn:443"],
    },
  },
];

async function time(lab: Lab, command: readonly string[]): Promise<number | undefined> {
  const argv = command.map((word) => (word === "TARGET" ? lab.target.v4 : word === "nettrace" ? EXECUTABLE : word));
  if (command[0] !== "nettrace" && findTool(command[0] ?? "") === undefined) return undefined;
  const { ms, timedOut } = await lab.run("host", argv, { timeoutMs: 60_000 });
  return timedOut ? undefined : ms;
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

async function main(): Promise<number> {
  const access = labAccess();
  if (access.kind === "refused") {
    process.stderr.write(`Cannot measure: ${access.detail}\n`);
    return 1;
  }
  if (access.kind === "user-namespace") {
    return enter(access, [...runtime(new URL(import.meta.url)), ...process.argv.slice(2)]);
  }
  console.log(`Linux ${release()}, ${cpus().length} CPUs (${cpus()[0]?.model}), ${RUNS} runs of each, whole process`);
  for (const { title, scenario, commands } of CASES) {
    using lab = await createLab(SCENARIOS[scenario]());
    const times = new Map<string, number[]>();
    for (let run = 0; run < RUNS; run += 1) {
      for (const [name, command] of Object.entries(commands)) {
        const ms = await time(lab, command);
        if (ms !== undefined) times.set(name, [...(times.get(name) ?? []), ms]);
      }
    }
    console.log(`\n${title}`);
    const first = median([...(times.values().next().value ?? [])].sort((a, b) => a - b));
    for (const name of Object.keys(commands)) {
      const sorted = [...(times.get(name) ?? [])].sort((a, b) => a - b);
      if (sorted.length === 0) console.log(`  ${name.padEnd(32)} not measured`);
      else {
        const [least = 0] = sorted;
        const range = `${least.toFixed(0)}-${(sorted.at(-1) ?? 0).toFixed(0)}`;
        const ratio = (median(sorted) / first).toFixed(2);
        console.log(`  ${name.padEnd(32)} ${median(sorted).toFixed(0).padStart(6)} ms  (${range})  x ${ratio}`);
      }
    }
  }
  return 0;
}

process.exitCode = await main();
