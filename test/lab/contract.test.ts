import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Situation } from "../../core/conformance/bench.ts";
import { CONFORMANCE_CASES } from "../../core/conformance/cases.ts";
import { must, type RunResult } from "./command.ts";
import { type Right, SITUATION } from "./kernel/situation.ts";
import { captureSent, createSuiteLab, DEAF, OPEN, obstacleToCapture, situationOf } from "./kernel/stage.ts";
import type { Lab } from "./lab.ts";
import { describeInLab } from "./suite.ts";

const TIME = { timeout: 90_000 };
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SUITES = "./test/lab/kernel/suites.ts";
/** What the suites consist of. */
const SOURCES = ["core", "plugins", "test", "package.json", "node_modules/ipaddr.js"];
/** Descriptors that the suites may open: few, so that a test can use them up. */
const DESCRIPTORS = 512;

/** What `kernel/benches.ts` arranges. */
const MADE: ReadonlySet<string> = new Set([
  "plain",
  "closed",
  "unreachable",
  "silent",
  "dropped",
  "prohibited",
  "noSockets",
] satisfies Situation[]);

interface Run {
  readonly title: string;
  readonly right: Right;
  /** The suites that must have run, in both families. */
  readonly suites: readonly string[];
  /** Titles of the tests that may be, and are, skipped. */
  readonly skipped: readonly string[];
}

/** Of arrangements that are not made here: no Linux router quotes labels, drops by chance or delays. */
const OF_OTHER_PATHS = CONFORMANCE_CASES.filter(({ situation }) => !MADE.has(situation)).map(({ name }) => name);
/** The target refuses UDP. */
const OF_ANSWERS = "takes the target's own answer for reached";
const OF_RAW_SOCKETS = [
  "sends raw ICMP with the hop limit given, and brings errors and replies from the ICMP header on",
  "lets through to a raw TCP socket what comes from the remote port to the local one, and nothing else",
];
const OF_WHAT_LEFT = CONFORMANCE_CASES.filter(({ needs }) => needs === "sent").map(({ name }) => name);

const RUNS: readonly Run[] = [
  {
    title: "are passed by the Linux network and all plugins as root",
    right: "privileged",
    suites: ["the Linux network, a network", ...pluginSuites("icmp", "udp", "tcp-syn", "tcp-connect")],
    skipped: [...OF_OTHER_PATHS, OF_ANSWERS],
  },
  {
    title: "are passed by the Linux network and the plugins that need no privilege as nobody, with ping sockets",
    right: "unprivileged",
    suites: ["the Linux network, a network", ...pluginSuites("icmp", "udp", "tcp-connect")],
    skipped: [...OF_OTHER_PATHS, OF_ANSWERS, ...OF_RAW_SOCKETS],
  },
  {
    title: "are passed by the plugins with raw sockets behind INPUT rules that drop ICMP errors",
    right: "deaf",
    suites: pluginSuites("icmp", "udp", "tcp-syn"),
    skipped: [...OF_OTHER_PATHS, OF_ANSWERS],
  },
];
/** Each suite has more tests than this. */
const MANY = 10;

function pluginSuites(...names: readonly string[]): readonly string[] {
  return names.map((name) => `${name}, a plugin`);
}

describeInLab("the contract suites on a real kernel", fileURLToPath(import.meta.url), () => {
  let lab: Lab;
  let source: string;
  let capture: string | undefined;

  before(async () => {
    lab = await createSuiteLab();
    source = await copySources(lab);
    const obstacle = obstacleToCapture();
    if (obstacle === undefined) capture = await captureSent(lab);
    else process.stderr.write(`\nSKIPPED: what leaves the host is not looked at: ${obstacle}\n\n`);
  });
  after(() => lab?.[Symbol.dispose]());

  const runSuites = (right: Right): Promise<RunResult> => {
    const bun = [lab.stage(process.execPath), "test", "--timeout", "20000", SUITES];
    // Before it tests anything, the runtime raises its limit as far as it may.
    return lab.run("host", ["sh", "-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "sh", ...bun], {
      user: right === "unprivileged" ? "nobody" : "root",
      cwd: source,
      env: { [SITUATION]: JSON.stringify(situationOf(lab, right, capture)) },
      timeoutMs: TIME.timeout - 5_000,
    });
  };

  for (const { title, right, suites, skipped } of RUNS) {
    it(title, TIME, async () => {
      await lab.setFirewall(right === "deaf" ? DEAF : OPEN);
      const { code, stdout, stderr } = await runSuites(right);
      const said = `${stdout}\n${stderr}`;
      assert.equal(code, 0, said);
      assert.match(said, /^ *0 fail$/m);
      for (const suite of suites.flatMap((each) => [`${each}, over IPv4`, `${each}, over IPv6`])) {
        const passed = said.split("\n").filter((line) => line.startsWith(`(pass) ${suite} > `)).length;
        assert.ok(passed > MANY, `${passed} tests passed of "${suite}":\n${said}`);
      }
      const titles = [...said.matchAll(/^\(skip\) .* > (.*)$/gm)].map((match) => match[1] ?? "");
      const expected = capture === undefined ? [...skipped, ...OF_WHAT_LEFT] : skipped;
      assert.deepEqual([...new Set(titles)].sort(), [...expected].sort(), said);
    });
  }
});

/** Puts all that the suites consist of where nobody can read it. */
async function copySources(lab: Lab): Promise<string> {
  const directory = join(lab.directory, "source");
  for (const path of SOURCES) cpSync(join(ROOT, path), join(directory, path), { recursive: true });
  await must(["chmod", "-R", "a+rX", directory]);
  return directory;
}
