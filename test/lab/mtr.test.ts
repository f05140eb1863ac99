import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { late, mpls, plain, scenario } from "../../core/sim/topologies.ts";
import { MTR_LINES, type MtrLine, SIMULATED_MTR_LINES } from "./differences/mtr.ts";
import { nettrace, nettraceJson, TIME, withLab } from "./executable.ts";
import { createLab, type Lab, type RunResult } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";
import { createTunLab } from "./tun/lab.ts";

const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));
/** The real one gives up 0.3 s after its last probe, which a busy machine may need longer for: then both run again. */
const TRIES = 4;
const PATIENCE = { timeout: 120_000 };

function wordsOf(args: string, lab: Lab): string[] {
  const list = join(lab.directory, "hosts-of-mtr");
  writeFileSync(list, `${lab.target.v4}\n  ${lab.hops[0]?.[0]?.v4}  \n`);
  const named: Readonly<Record<string, string>> = {
    $4: lab.target.v4,
    $6: lab.target.v6,
    $name: lab.target.name,
    $eth1: lab.host.eth1.v4,
    $list: list,
  };
  return args
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => named[word] ?? word.replaceAll("~", " "));
}

/** Times are no two runs' same; their places are. */
function masked(text: string): string {
  return text
    .replace(/^Start: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$/gm, "Start: #")
    .replace(/(?<="(?!Loss)\w+": )\d+\.\d+/g, "#")
    .replace(/(?<=<(?!Loss)\w+>)[ \d.]+(?=<)/g, (time) => (time.includes(".") ? "#" : time))
    .replace(/(?<=\S) +(?!100\.0)\d+\.\d?(?![%\d.])/g, (time) => "#".padStart(time.length));
}

/** Of several routers at a hop the first stands for all, and no alternates are listed. */
function anyBranch(text: string): string {
  return text
    .replace(/^(?: {8}\S| {5}AS).*\n/gm, "")
    .replace(/\b(r\d+)[abc]\b/g, "$1*")
    .replace(/((?:198\.18|10\.0)\.\d+\.)[123]\b/g, "$1*")
    .replace(/(2001:db8:0:[\da-f]+::)[123]\b/g, "$1*");
}

/** Without the numbers of the probes, and without those beyond the target. */
function rawLines(text: string, hops: number): string[] {
  const lines = text.trimEnd().split("\n");
  return lines
    .filter((line) => Number(line.split(" ")[1]) < hops)
    .map((line) => line.replace(/^x (\d+) \d+$/, "x $1").replace(/^p (\d+) \d+ \d+$/, "p $1"));
}

const isHint = (line: string): boolean => line.startsWith("nettrace: ");

function linesOf(stderr: string, hints: boolean): string {
  return stderr
    .split("\n")
    .filter((line) => line !== "" && isHint(line) === hints)
    .map((line) => `${line}\n`)
    .join("");
}

function reduced({ stdout, stderr, code }: RunResult, how: MtrLine["compare"], hops: number): object {
  const text = masked(stdout);
  return {
    stdout: how === "raw" ? rawLines(stdout, hops) : how === "balanced" ? anyBranch(text) : text,
    stderr: linesOf(stderr, false),
    code,
  };
}

type Compared = Pick<MtrLine, "compare" | "hint" | "difference">;
interface Place {
  readonly run: (argv: readonly string[]) => Promise<RunResult>;
  readonly executable: string;
  /** Up to the target. */
  readonly hops: number;
}

async function compare(words: readonly string[], { run, executable, hops }: Place, line: Compared): Promise<void> {
  const { hint, difference } = line;
  for (let tries = 1; ; tries += 1) {
    const [real, ours] = await Promise.all([run(["mtr", ...words]), run([executable, "mtr", ...words])]);
    const [theirs, our] = [reduced(real, line.compare, hops), reduced(ours, line.compare, hops)];
    if (difference !== undefined) {
      assert.notDeepEqual(our, theirs, "no difference any more");
      if (difference.stdout !== undefined) assert.match(ours.stdout, difference.stdout);
      if (difference.stderr !== undefined) assert.match(ours.stderr, difference.stderr);
      assert.equal(ours.code, difference.code, ours.stderr);
      return;
    }
    try {
      assert.deepEqual(our, theirs);
    } catch (error) {
      if (tries < TRIES) continue;
      throw error;
    }
    const hints = linesOf(ours.stderr, true);
    if (hint === undefined) assert.equal(hints, "");
    else assert.match(hints, hint);
    return;
  }
}

describeInLab("mtr beside the real one", fileURLToPath(import.meta.url), () => {
  for (const scenario of new Set(MTR_LINES.map((line) => line.scenario))) {
    describe(scenario, () => {
      let lab: Lab;
      before(async () => {
        lab = await createLab(SCENARIOS[scenario]());
      }, TIME);
      after(() => lab[Symbol.dispose]());

      for (const line of MTR_LINES.filter((each) => each.scenario === scenario)) {
        const { args, user = "root", env = {}, difference } = line;
        const more = [
          ...(user === "nobody" ? ["as nobody"] : []),
          ...Object.entries(env).map(([name, value]) => `${name}="${value}"`),
          ...(difference === undefined ? [] : [`differs: ${difference.why}`]),
        ];
        it([`mtr ${args}`, ...more].join(", "), PATIENCE, () => {
          const run = (argv: readonly string[]): Promise<RunResult> =>
            lab.run("host", argv, { user, env, timeoutMs: 40_000 });
          const place = { run, executable: lab.stage(EXECUTABLE), hops: lab.hops.length + 1 };
          return compare(wordsOf(args, lab), place, line);
        });
      }
    });
  }
});

const TOPOLOGIES = { mpls, late, scenario, lossless: () => plain(5) };

describeInLab("mtr beside the real one over simulated paths", fileURLToPath(import.meta.url), () => {
  for (const line of SIMULATED_MTR_LINES) {
    const { topology, args, difference } = line;
    const differs = difference === undefined ? "" : `, differs: ${difference.why}`;
    it(`${topology}: mtr ${args}${differs}`, PATIENCE, async () => {
      const path = TOPOLOGIES[topology]();
      using lab = await createTunLab(path);
      const place = { run: lab.run, executable: EXECUTABLE, hops: path.hops.length + 1 };
      await compare([...args.split(" "), lab.target.v4], place, line);
    });
  }
});

describeInLab("mtr and report by the built executable", fileURLToPath(import.meta.url), () => {
  describe("on a host that lets only TCP 80 and 443 out", () => {
    let lab: Lab;
    before(async () => {
      lab = await createLab(SCENARIOS.restricted());
    }, TIME);
    after(() => lab[Symbol.dispose]());

    for (const user of ["root", "nobody"] as const) {
      it(`prints the full path by mtr -rwb HOST -c 2 -T -P 443, as ${user}`, TIME, async () => {
        const argv = ["mtr", "-rwb", lab.target.name, "-c", "2", "-T", "-P", "443"];
        const { stdout, stderr, code } = await nettrace(lab, user, ...argv);
        assert.equal(code, 0, stderr);
        assert.equal(stderr, "");
        assert.deepEqual(
          stdout.match(/^ *\d+(?=\.\|--)/gm)?.map(Number),
          Array.from({ length: 12 }, (_, at) => at + 1),
        );
        assert.match(stdout, /^ {2}1\.\|-- \?\?\? +100\.0 {5}2 /m);
        assert.match(stdout, /^ 12\.\|-- target\.lab\.example \([\da-f.:]+\) +0\.0% {5}2 /m);
      });

      it(`falls back to TCP where that is wanted, as ${user}`, TIME, async () => {
        const { stdout, stderr, code } = await nettrace(
          lab,
          user,
          "mtr",
          "-rwn",
          lab.target.v4,
          "-c",
          "1",
          "--fallback",
        );
        const protocol = user === "root" ? "tcp-syn" : "tcp-connect";
        assert.equal(stderr, `nettrace: ICMP is refused here, this goes by ${protocol}:443\n`);
        assert.match(stdout, /^ 12\.\|-- 203\.0\.113\.10 +0\.0% {5}1 /m);
        assert.equal(code, 0);
      });

      it(`reports by the protocol that arrives, as ${user}`, TIME, async () => {
        const argv = ["report", lab.target.v4, "-n", "-c", "2", "--interval", "0.3"];
        const { stdout, code } = await nettrace(lab, user, ...argv);
        assert.equal(code, 0);
        assert.match(stdout, user === "root" ? /^2 rounds by tcp-syn:443, /m : /^2 rounds by tcp-connect:443, /m);
        assert.match(stdout, /udp (is|are) refused by this host \(EPERM: an OUTPUT rule drops it\)$/m);
        assert.match(stdout, /^203\.0\.113\.10 is reached in 12 hops, 0\.0 % lost, /m);
        const document = JSON.parse((await nettraceJson(lab, user, ...argv)).stdout);
        assert.equal(document.report.hops.length, 12);
        assert.deepEqual([...new Set(document.report.hops.map((hop: { sent: number }) => hop.sent))], [2]);
      });
    }
  });

  it("is mtr by the name it is started under", TIME, () =>
    withLab(SCENARIOS.plain(), async (lab) => {
      const link = join(lab.directory, "mtr");
      await lab.run("host", ["ln", "-s", lab.stage(EXECUTABLE), link]);
      const { stdout, code } = await lab.run("host", [link, "-rn", "-c", "1", lab.target.v4]);
      assert.equal(code, 0);
      assert.match(stdout, /^ {2}4\.\|-- 203\.0\.113\.10 {15}0\.0% {5}1 /m);
    }),
  );
});
