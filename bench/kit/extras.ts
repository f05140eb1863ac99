import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findTool } from "../../test/lab/access.ts";
import { createTunLab } from "../../test/lab/tun/lab.ts";
import { EXACT, FAR } from "./paths.ts";
import { argvOf, type Command, inTurns, isThere, type Measured } from "./turns.ts";

/** A program that does nothing, compiled by the same runtime: what a start costs at the least. */
export async function measureStarts(runs: number): Promise<readonly Measured[]> {
  const directory = mkdtempSync(join(tmpdir(), "nettrace-bench-"));
  try {
    const [source, bare] = [join(directory, "bare.ts"), join(directory, "bare")];
    writeFileSync(source, 'console.log("0.1.0");\n');
    const { status, stderr } = spawnSync(process.execPath, ["build", "--compile", "--outfile", bare, source], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`Cannot compile the bare program: ${stderr.trim()}`);
    chmodSync(bare, 0o755);
    using lab = await createTunLab(EXACT);
    const commands = {
      "nettrace --version": ["nettrace", "--version"],
      "nettrace --help": ["nettrace", "--help"],
      "a program of one line, compiled alike": ["env", bare],
    };
    return await inTurns(commands, runs, lab);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export interface Memory {
  readonly name: string;
  /** The greatest resident set of each run, MB (10^6 octets). */
  readonly megabytes: readonly number[];
}

/** Undefined without time(1), which forks: a child of a large process would be charged with its parent's memory. */
export async function measureMemory(runs: number): Promise<readonly Memory[] | undefined> {
  const time = findTool("time");
  if (time === undefined) return undefined;
  using lab = await createTunLab(FAR.linear);
  const commands: Readonly<Record<string, Command>> = {
    "nettrace auto": ["nettrace", "auto", "TARGET", "-n"],
    "nettrace trace -P icmp": ["nettrace", "trace", "TARGET", "-n", "-P", "icmp"],
    "traceroute -I": ["traceroute", "-n", "-I", "TARGET"],
    "mtr -c 1": ["mtr", "-rn", "-c", "1", "TARGET"],
  };
  const all: Memory[] = [];
  for (const [name, command] of Object.entries(commands)) {
    if (!isThere(command)) continue;
    const megabytes: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const { stderr } = await lab.run([time, "-f", "max rss %M", ...argvOf(command, lab.target.v4)]);
      const kilobytes = Number(/max rss (\d+)/.exec(stderr)?.[1]);
      if (Number.isFinite(kilobytes)) megabytes.push((kilobytes * 1024) / 1e6);
    }
    all.push({ name, megabytes });
  }
  return all;
}

export interface Completeness {
  readonly name: string;
  readonly runs: number;
  /** Runs in which every hop that answers was found, and the target. */
  readonly complete: number;
  /** Packets with a hop limit beyond the target's, of each run. */
  readonly beyond: readonly number[];
  readonly sent: readonly number[];
}

/** Whether every answering hop of the far path is found, and what that costs in packets. */
export async function measureCompleteness(runs: number): Promise<readonly Completeness[]> {
  using lab = await createTunLab(FAR.linear);
  const last = FAR.linear.hops.length + 1;
  const wanted = FAR.linear.hops.flatMap(({ routers: [router] }) => (router.silent === true ? [] : [router.v4 ?? ""]));
  const commands: Readonly<Record<string, Command>> = {
    "nettrace auto": ["nettrace", "auto", "TARGET", "-n"],
    "nettrace trace -P tcp-syn:443": ["nettrace", "trace", "TARGET", "-n", "-P", "tcp-syn:443"],
    "traceroute -I": ["traceroute", "-n", "-I", "TARGET"],
    "traceroute -T -p 443": ["traceroute", "-n", "-T", "-p", "443", "TARGET"],
  };
  const all: Completeness[] = [];
  for (const [name, command] of Object.entries(commands)) {
    if (!isThere(command)) continue;
    const seen = { complete: 0, beyond: [] as number[], sent: [] as number[] };
    for (let run = 0; run < runs; run += 1) {
      await lab.sent();
      const { stdout } = await lab.run(argvOf(command, lab.target.v4));
      const rows = stdout.split("\n").filter((row) => /^\s*\d+\s/.test(row));
      const isThereAll = [...wanted, lab.target.v4].every((address) =>
        rows.some((row) => row.includes(` ${address} `) || row.includes(`(${address})`)),
      );
      if (isThereAll) seen.complete += 1;
      const packets = (await lab.sent()).filter(({ to }) => to === lab.target.v4);
      seen.beyond.push(packets.filter(({ hop_limit }) => hop_limit > last && hop_limit < 64).length);
      seen.sent.push(packets.length);
    }
    all.push({ name, runs, ...seen });
  }
  return all;
}
