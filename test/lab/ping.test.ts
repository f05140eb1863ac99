import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { findTool, hasNobody } from "./access.ts";
import { PING_LINES, PING_LINES_OF_USERS, type PingLine } from "./differences/ping.ts";
import { nettrace, TIME, USERS, type User, withLab } from "./executable.ts";
import { createLab, type Lab, type RunResult } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));
const REAL = findTool("ping");
const VERSION = "iputils 20221126";

/** Nobody could not start an executable with file capabilities, as Debian's ping is: a copy has none. */
function realPing(lab: Lab, user: User): string {
  assert.ok(REAL !== undefined);
  if (user === "root") return "ping";
  const copy = join(lab.directory, "ping");
  copyFileSync(REAL, copy);
  chmodSync(copy, 0o755);
  return copy;
}

function inLab(lab: Lab, text: string): string {
  const words = {
    T4: lab.target.v4,
    T6: lab.target.v6,
    TN: lab.target.name,
    N4: "198.18.1.77",
    N6: "2001:db8:0:1::77",
  };
  return text.replace(/\b(T4|T6|TN|N4|N6)\b/g, (word) => words[word as keyof typeof words]);
}

/** Times are no two runs' same, nor how a flood's dots and backspaces mix. */
function masked({ stdout, stderr, code }: RunResult, lab: Lab) {
  const isPaced = /ipg\/ewma/.test(stdout);
  return {
    stdout: stdout
      .replace(/time=[\d.]+ ms/g, "time=#")
      .replace(/time \d+ms/g, "time #")
      .replace(/= [\d./]+ ms/g, "= #")
      .replace(/ewma [\d./]+ ms/g, "ewma #")
      .replace(isPaced ? /, pipe \d+/ : /$^/, "")
      .replace(/^\[\d+\.\d{6}\]/gm, "[#]")
      .replace(/\.|\x08 \x08/g, (found, at: number, text: string) => (isDots(text, at) ? "" : found)),
    stderr: stderr.replaceAll(`${lab.directory}/ping:`, "ping:"),
    code,
  };
}

/** Whether the character is in a line of dots, backspaces and errors alone. */
function isDots(text: string, at: number): boolean {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at);
  return /^[.\x08 E]+$/.test(text.slice(start, end < 0 ? undefined : end));
}

async function compare(lab: Lab, { args, user = "root", differs }: PingLine): Promise<void> {
  const argv = inLab(lab, args).split(" ");
  // What one of them learns of the path's MTU the other one must not know.
  const forget = async (): Promise<void> => {
    for (const family of ["-4", "-6"]) await lab.run("host", ["ip", family, "route", "flush", "cache"]);
  };
  await forget();
  const ours = masked(await nettrace(lab, user, "ping", ...argv), lab);
  await forget();
  const real = masked(await lab.run("host", [realPing(lab, user), ...argv], { user }), lab);
  const wanted = { ...real };
  for (const stream of ["stdout", "stderr"] as const) {
    const pattern = differs?.[stream];
    if (pattern === undefined) continue;
    assert.notEqual(ours[stream], real[stream], `no difference is left in ${stream}: ${differs?.because}`);
    assert.match(ours[stream], new RegExp(inLab(lab, pattern.source)));
    wanted[stream] = ours[stream];
  }
  assert.deepEqual(ours, wanted);
}

function versionOf(file: string | undefined): string {
  return file === undefined ? "not installed" : spawnSync(file, ["-V"], { encoding: "utf8" }).stdout;
}

function sideBySide(): void {
  const isThere = versionOf(REAL).includes(VERSION);
  if (!isThere && process.env["CI"] !== "true") {
    it.skip(`needs ping from ${VERSION}`, () => undefined);
    return;
  }
  const lines = [...PING_LINES, ...(hasNobody() ? PING_LINES_OF_USERS : [])];
  const places = Map.groupBy(
    lines,
    ({ scenario, pingGroups = "none" }) => `${scenario}, ping sockets for ${pingGroups}`,
  );
  for (const [place, [first, ...rest]] of places) {
    if (first === undefined) continue;
    describe(place, () => {
      let lab: Lab;
      before(async () => {
        const spec = SCENARIOS[first.scenario]();
        const { pingGroups } = first;
        lab = await createLab(pingGroups === undefined ? spec : { ...spec, host: { ...spec.host, pingGroups } });
      });
      after(() => lab[Symbol.dispose]());
      for (const line of [first, ...rest]) {
        const { args, user = "root", differs } = line;
        const end = differs === undefined ? "" : `, but: ${differs.because}`;
        it(`ping ${args}, as ${user}${end}`, TIME, () => compare(lab, line));
      }
    });
  }
}

/** Lets a ping run until it has printed so many lines, sends it signals, and returns what it said. */
async function interrupted(lab: Lab, argv: readonly string[]): Promise<ReturnType<typeof masked>> {
  const child = lab.spawn("host", argv);
  let stdout = "";
  let stderr = "";
  const said = (count: number): Promise<void> =>
    new Promise((resolve) => {
      child.stdout?.on("data", (chunk: Buffer) => {
        stdout += chunk.toString();
        if (stdout.split("\n").length > count) resolve();
      });
    });
  const told = new Promise<void>((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
      if (stderr.includes("\n")) resolve();
    });
  });
  const closed = once(child, "close");
  await said(2);
  child.kill("SIGQUIT");
  await told;
  child.kill("SIGINT");
  const [code] = await closed;
  const counts = (text: string): string => text.replace(/\d[\d.]*/g, "#");
  const result = { stdout, stderr, code, signal: undefined, timedOut: false, ms: 0 };
  const { stdout: out, stderr: err, ...rest } = masked(result, lab);
  // How far each of them had got is chance.
  const lines = out.split("\n").filter((line, at) => at < 2 || !line.startsWith("64 bytes"));
  return {
    ...rest,
    stdout: lines.join("\n").replace(/^\d+ packets transmitted, \d+ received/m, "#"),
    stderr: counts(err),
  };
}

describeInLab("ping, beside the real one", fileURLToPath(import.meta.url), () => {
  sideBySide();

  it("tells its status at SIGQUIT, and ends with its summary at SIGINT", TIME, () =>
    withLab(SCENARIOS.plain(), async (lab) => {
      const [real, ours] = [realPing(lab, "root"), lab.stage(EXECUTABLE)];
      const argv = ["-i", "0.2", lab.target.v4];
      const wanted = await interrupted(lab, [real, ...argv]);
      assert.deepEqual(await interrupted(lab, [ours, "ping", ...argv]), wanted);
      assert.equal(wanted.code, 0);
    }),
  );

  describe("where ICMP is refused", () => {
    let lab: Lab;
    before(async () => {
      lab = await createLab(SCENARIOS.restricted());
    });
    after(() => lab[Symbol.dispose]());

    for (const user of USERS) {
      const ttl = user === "root" ? " ttl=53" : "";
      it(`pings a TCP port, as ${user}`, TIME, async () => {
        for (const target of [lab.target.v4, lab.target.v6]) {
          const { stdout, stderr, code } = await nettrace(
            lab,
            user,
            "ping",
            "--tcp",
            "443",
            "-c",
            "2",
            "-i",
            "0.2",
            target,
          );
          const open = `from ${target}: tcp_seq=# port=443 open${ttl} time=# ms`;
          const lines = stdout
            .replace(/_seq=\d/g, "_seq=#")
            .replace(/time=[\d.]+/g, "time=#")
            .split("\n");
          assert.deepEqual(lines.slice(1, 3), [open, open]);
          assert.match(stdout, /^2 packets transmitted, 2 received, 0% packet loss, time \d+ms$/m);
          assert.deepEqual([stderr, code], ["", 0]);
        }
      });

      it(`tells a closed port and a router's error, as ${user}`, TIME, async () => {
        const closed = await nettrace(lab, user, "ping", "--tcp", "80", "-c", "1", lab.target.v4);
        assert.match(closed.stdout, /^from [\d.]+: tcp_seq=1 port=80 closed( ttl=53)? time=[\d.]+ ms$/m);
        const near = await nettrace(lab, user, "ping", "--tcp", "443", "-t", "2", "-c", "1", lab.target.v4);
        assert.match(near.stdout, /^From 198\.18\.2\.1 tcp_seq=1 Time to live exceeded$/m);
        assert.deepEqual([closed.code, near.code], [0, 1]);
      });

      it(`falls back by itself where it is told to, as ${user}`, TIME, async () => {
        const { stdout, stderr, code } = await nettrace(lab, user, "ping", "--fallback", "-c", "1", lab.target.v4);
        const rung = user === "root" ? "tcp-syn" : "tcp-connect";
        assert.equal(stderr, `nettrace: ICMP is refused here, this goes by ${rung}:443\n`);
        assert.match(stdout, /^from [\d.]+: tcp_seq=1 port=443 open/m);
        assert.equal(code, 0);
      });
    }
  });
});
