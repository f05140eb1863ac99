import assert from "node:assert/strict";
import { existsSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assertForm, hintOf, printed, reduced } from "./compare.ts";
import { COMPARED_LINES, type ComparedLine, WHY_STARS } from "./differences/traceroute.ts";
import { nettrace, TIME, withLab } from "./executable.ts";
import { createLab, type Lab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

/** The real tool has so little patience that it takes answers for lost on a busy machine: then both run again. */
const TRIES = 4;

function wordsOf(line: string, lab: Lab): string[] {
  const named: Readonly<Record<string, string>> = { $4: lab.target.v4, $6: lab.target.v6, $name: lab.target.name };
  return line.split(" ").map((word) => named[word] ?? word);
}

async function compare(lab: Lab, compared: ComparedLine): Promise<void> {
  const { line, user = "root", difference, hint } = compared;
  const words = wordsOf(line, lab);
  for (let tries = 1; ; tries += 1) {
    const [real, ours] = [
      await lab.run("host", words, { user, timeoutMs: 40_000 }),
      await nettrace(lab, user, ...words),
    ];
    const [theirText, ourText] = [real, ours].map((run) => reduced(printed(run), compared.compare, lab));
    if (difference !== undefined) {
      if (difference.isSameText) assert.deepEqual(ourText, theirText);
      else assert.notDeepEqual(ourText, theirText, "no difference any more");
      assert.equal(ours.code, difference.code, ours.stderr);
      if (difference.stdout !== undefined) assert.match(ours.stdout, difference.stdout);
      if (difference.stderr !== undefined) assert.match(ours.stderr, difference.stderr);
      return;
    }
    if (compared.compare === "stars") assertForm(printed(ours));
    try {
      assert.deepEqual(ourText, theirText);
    } catch (error) {
      if (tries < TRIES) continue;
      throw error;
    }
    if (hint === undefined) assert.equal(hintOf(ours), "");
    else assert.match(hintOf(ours), hint);
    return;
  }
}

describeInLab("traceroute and tcptraceroute beside the real ones", fileURLToPath(import.meta.url), () => {
  const scenarios = [...new Set(COMPARED_LINES.map(({ scenario }) => scenario))];
  for (const scenario of scenarios) {
    describe(scenario, () => {
      let lab: Lab;
      before(async () => {
        lab = await createLab(SCENARIOS[scenario]());
      }, TIME);
      after(() => lab[Symbol.dispose]());

      for (const compared of COMPARED_LINES.filter((each) => each.scenario === scenario)) {
        const { line, user, difference, compare: how } = compared;
        const why = difference?.why ?? (how === "stars" ? WHY_STARS : undefined);
        const title = `${line}${user === "nobody" ? ", as nobody" : ""}`;
        it(why === undefined ? title : `${title} (${why})`, { timeout: 120_000 }, () => compare(lab, compared));
      }
    });
  }
});

describeInLab("the personalities of the built executable", fileURLToPath(import.meta.url), () => {
  it("nettrace link makes links that are those tools, and leaves alone what is there", TIME, () =>
    withLab(SCENARIOS.plain(), async (lab) => {
      const directory = join(lab.directory, "links");
      mkdirSync(directory);
      writeFileSync(join(directory, "mtr"), "mine");
      const made = await nettrace(lab, "root", "link", directory);
      assert.match(made.stderr, /^nettrace: Cannot link \S+\/mtr: something of that name is there\n$/);
      assert.equal(made.code, 1);
      assert.equal(made.stdout.trimEnd().split("\n").length, 6);
      const executable = readlinkSync(join(directory, "traceroute"));
      assert.ok(existsSync(executable), executable);
      const again = await nettrace(lab, "root", "link", directory);
      assert.match(again.stdout, /^\S+\/traceroute is there already\n/);
      const run = await lab.run("host", [join(directory, "traceroute6"), "-n", "-q", "1", lab.target.name]);
      assert.match(run.stdout, /^traceroute to \S+ \(2001:db8:ffff::10\), 30 hops max, 80 byte packets\n 1 {2}2001:/);
      const toren = await lab.run("host", [join(directory, "tcptraceroute"), "-n", lab.target.v4, "443"]);
      assert.match(toren.stdout, /\n 4 {2}203\.0\.113\.10 \[open\] /);
    }),
  );

  it("tracert traces as Windows does", TIME, () =>
    withLab(SCENARIOS.silentMiddle(), async (lab) => {
      const { stdout, code } = await nettrace(lab, "root", "tracert", "-4", "-w", "300", lab.target.name);
      assert.match(
        stdout,
        /^\nTracing route to target\.lab\.example \[203\.0\.113\.10\]\nover a maximum of 30 hops:\n\n {2}1 {2}(?: {2}<1 ms {2}| {2,3}\d+ ms {2}){3}r1\.lab\.example \[198\.18\.1\.1\]\n/,
      );
      assert.match(stdout, /\n {2}3 {5}\* {8}\* {8}\* {5}Request timed out\.\n/);
      assert.match(stdout, /target\.lab\.example \[203\.0\.113\.10\]\n\nTrace complete\.\n$/);
      assert.equal(code, 0);
    }),
  );

  for (const user of ["root", "nobody"] as const) {
    it(`--fallback traces a restricted host by what it lets out, and says so, as ${user}`, TIME, () =>
      withLab(SCENARIOS.restricted(), async (lab) => {
        const run = await nettrace(lab, user, "traceroute", "--fallback", "-n", "-w", "1", lab.target.v4);
        const by = user === "root" ? "tcp-syn:443" : "tcp-connect:443";
        assert.equal(run.stderr, `nettrace: UDP is refused here, this goes by ${by}\n`);
        assert.match(
          run.stdout,
          /^traceroute to .*\n 1 {2}\* \* \*\n 2 {2}198\.18\.2\.1 [\s\S]*\n12 {2}203\.0\.113\.10 .*\n$/,
        );
        assert.equal(run.code, 0);
      }),
    );
  }
});
