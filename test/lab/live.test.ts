import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assertSnapshot } from "../live/snapshots.ts";
import { createLab, type Lab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { LabSpec } from "./spec.ts";
import { describeInLab } from "./suite.ts";
import { type LabTerminal, openTerminal, type TerminalOptions } from "./terminal.ts";

const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));
const PATIENCE = { timeout: 120_000 };
const SMALL = { columns: 80, rows: 24 } as const;
const LARGE = { columns: 200, rows: 60 } as const;

/** Hop 2 keeps every second answer back, hop 3 says nothing, hop 4 is one of two; the target is hop 6. */
const MIXED: LabSpec = {
  hops: [
    {},
    { rules: { v4: ["-A OUTPUT -p icmp -m statistic --mode nth --every 2 --packet 0 -j DROP"] } },
    { silent: true },
    { routers: [{}, {}] },
    {},
  ],
};

/** All is known of the path: hop 2 limits beyond chance, hop 3 has been silent for its full time, all have their names. */
const SETTLED =
  /^ {2}2\. r2\.lab\.example +0\.0 +\d\d\.\d .*\n {2}3\. \?\?\? +- +100\.0 .*\n {2}4\. r4[ab]\.lab.*\n {2}5\. r5\.lab.*\n {2}6\. target\.lab/m;

describeInLab("the live screen in a real terminal", import.meta.filename, () => {
  let mixed: Lab;
  let restricted: Lab;
  const terminals: LabTerminal[] = [];

  before(async () => {
    [mixed, restricted] = await Promise.all([createLab(MIXED), createLab(SCENARIOS.restricted())]);
  });
  after(async () => {
    for (const terminal of terminals) await terminal.close();
    mixed?.[Symbol.dispose]();
    restricted?.[Symbol.dispose]();
  });

  const open = async (lab: Lab, options: TerminalOptions): Promise<LabTerminal> => {
    const terminal = await openTerminal(lab, options);
    terminals.push(terminal);
    await terminal.until(/^\$/m);
    return terminal;
  };
  /** `nettrace`, put in the terminal's way by its whole path. */
  const command = (lab: Lab, line: string): string => line.replace(/\bnettrace\b/, lab.stage(EXECUTABLE));
  /** How a command line left the terminal: its exit status, and whether its settings are those from before. */
  const audited = (lab: Lab, line: string): string =>
    `before=$(stty -a); ${command(lab, line)}; echo "exit $?"; [ "$before" = "$(stty -a)" ] && echo sane`;
  const assertGivenBack = async (terminal: LabTerminal): Promise<void> => {
    await terminal.until(/^sane$/m);
    assert.deepEqual(await terminal.modes(), { alternate: false, cursor: true });
  };
  const LINE = `nettrace live ${"203.0.113.10"} -P icmp --interval 0.1 -w 1`;

  it("shows a path, its panes, and the report of it at the end: 80x24", PATIENCE, async () => {
    const terminal = await open(mixed, SMALL);
    await terminal.type(audited(mixed, LINE));
    await terminal.until(SETTLED);
    assert.deepEqual(await terminal.modes(), { alternate: true, cursor: false });
    await terminal.keys("p");
    assertSnapshot("table-80x24", await terminal.until(/PAUSED/));
    await terminal.keys("Down", "Down", "Down", "Right");
    assertSnapshot("detail-80x24", await terminal.until(/details/));
    await terminal.keys("Right");
    assertSnapshot("chart-80x24", await terminal.until(/over time/));
    await terminal.keys("Right");
    assertSnapshot("histogram-80x24", await terminal.until(/how many took how long/));
    await terminal.keys("Right", "?");
    assertSnapshot("help-80x24", await terminal.until(/any key: back/));
    await terminal.keys("?");
    await terminal.until((screen) => !screen.includes("any key"));
    await terminal.keys("d");
    assertSnapshot("history-80x24", await terminal.until(/Loss% Here% {2}Last ▁/));
    await terminal.keys("q");
    await assertGivenBack(terminal);
    const end = await terminal.screen();
    assert.match(end, /^203\.0\.113\.10 is reached in 6 hops, 0\.0 % lost, [\d.]+ ms on average$/m);
    assert.match(end, /^exit 0$/m);
  });

  it("has room for more: 200x60", PATIENCE, async () => {
    const terminal = await open(mixed, LARGE);
    await terminal.type(command(mixed, LINE));
    await terminal.until(SETTLED);
    await terminal.keys("B", "p");
    assertSnapshot("table-200x60", await terminal.until(/PAUSED[\s\S]*r5\.lab\.example \(/));
    await terminal.keys("Down", "Right");
    assertSnapshot("detail-200x60", await terminal.until(/details/));
    await terminal.keys("q");
  });

  it("says by which protocol on a restricted host, and why not by others", PATIENCE, async () => {
    const terminal = await open(restricted, SMALL);
    await terminal.type(command(restricted, "nettrace live target.lab.example -4 -w 1"));
    await terminal.until(/^ {2}1\. \?\?\? +- +100\.0 [\s\S]*^ 12\. target\.lab\S* open /m);
    await terminal.keys("p");
    const screen = await terminal.until(/PAUSED/);
    assert.match(
      screen,
      /^tcp-syn:443 \(raw\), \d+ rounds of 1 s; icmp and udp are refused by this host\n\(EPERM: an OUTPUT rule drops it\)$/m,
    );
    await terminal.keys("Space", "t");
    await terminal.until(/^icmp \(raw\), \d+ rounds? of 1 s; refused here: EPERM: an OUTPUT rule drops it; udp is/m);
    await terminal.keys("t");
    await terminal.until(/^tcp-syn:443 \(raw\), \d+ rounds of 1 s; [\s\S]*kept: icmp \d+$/m);
    await terminal.keys("P");
    await terminal.until(/^Protocol, with a port/m);
    await terminal.type("tcp-connect:80");
    await terminal.until(/^tcp-connect:80 \(connect\), [\s\S]*kept: tcp-syn:443 \d+, icmp \d+$/m);
    await terminal.keys("q");
    await terminal.until(/by tcp-connect:80, 1 s each/);
  });

  it("needs no privilege", PATIENCE, async () => {
    const terminal = await open(restricted, { ...SMALL, user: "nobody" });
    await terminal.type(audited(restricted, "nettrace live target.lab.example -c 3 --interval 0.5 -w 1"));
    await terminal.until(/^tcp-connect:443 \(connect\), \d+ rounds? of 0\.5 s/m);
    await assertGivenBack(terminal);
    assert.match(await terminal.screen(), /^exit 0$/m);
  });

  it("follows its keys", PATIENCE, async () => {
    const terminal = await open(mixed, SMALL);
    await terminal.type(command(mixed, LINE));
    await terminal.until(SETTLED);
    await terminal.keys("n");
    await terminal.until(/^ {2}5\. 198\.18\.5\.1 /m);
    await terminal.keys("j");
    await terminal.until(/Drop {2}Rcv {3}Avg Gmean/);
    await terminal.keys("j", "o");
    await terminal.until(/^Columns, letters of LHDRSNABWVGJMXI: _$/m);
    await terminal.type("SRL");
    await terminal.until(/ {2}Snt {2}Rcv Loss% History/);
    await terminal.keys("f");
    await terminal.type("4");
    await terminal.until(/^ {2}4\. 198\.18\.4\.\d +\d+ /m);
    await terminal.keys("r");
    await terminal.until((screen) => !/^ {2}1\. /m.test(screen) && /^ {2}4\. /m.test(screen));
    await terminal.keys("Down", "Down");
    await terminal.until(/^> 6\. 203\.0\.113\.10 /m);
    await terminal.keys("i");
    await terminal.type("0");
    await terminal.until(/^It must be a number of seconds/m);
    await terminal.keys("i");
    await terminal.type("0.2");
    await terminal.until(/rounds of 0\.2 s/);
    await terminal.keys("u");
    await terminal.until(/^udp \(udp\+raw-icmp\), \d+ rounds of 0\.2 s; kept: icmp \d+$/m);
    await terminal.keys("C-c");
    await terminal.until(/udp, 0\.2 s each[\s\S]*^\$$/m);
  });

  it("fits any size that the terminal is given", PATIENCE, async () => {
    const terminal = await open(mixed, SMALL);
    await terminal.type(command(mixed, LINE));
    await terminal.until(SETTLED);
    await terminal.resize(200, 60);
    await terminal.until(/^.{180,}$/m);
    await terminal.until(/Jmax History/);
    await terminal.resize(60, 10);
    await terminal.until(
      (screen) => /^ {2}1\. /m.test(screen) && screen.split("\n").every((line) => line.length <= 60),
    );
    await terminal.resize(20, 6);
    await terminal.until(/^ {2}1\. /m);
    await terminal.resize(80, 24);
    await terminal.until(SETTLED);
    await terminal.keys("q");
    await terminal.until(/is reached in 6 hops/);
  });

  it("stops and goes on as the shell says", PATIENCE, async () => {
    const terminal = await open(mixed, SMALL);
    await terminal.type(`before=$(stty -a); ${command(mixed, LINE)}`);
    await terminal.until(SETTLED);
    for (const stop of ["key", "signal"]) {
      if (stop === "key") await terminal.keys("C-z");
      else for (const pid of await terminal.pids("nettrace")) process.kill(pid, "SIGTSTP");
      await terminal.until(/Stopped/);
      assert.deepEqual(await terminal.modes(), { alternate: false, cursor: true });
      await terminal.type('clear; [ "$before" = "$(stty -a)" ] && echo sane');
      await terminal.until(/^sane$/m);
      await terminal.type("fg");
      await terminal.until(SETTLED);
      assert.deepEqual(await terminal.modes(), { alternate: true, cursor: false });
      await terminal.keys("p");
      await terminal.until(/PAUSED/);
      await terminal.keys("p");
      await terminal.until((screen) => !screen.includes("PAUSED"));
    }
    await terminal.keys("q");
    await terminal.until(/is reached in 6 hops/);
  });

  for (const [signal, code, report] of [
    ["SIGTERM", 143, true],
    ["SIGINT", 130, true],
    ["SIGHUP", 129, false],
  ] as const) {
    it(`gives the terminal back at ${signal}, with exit ${code}`, PATIENCE, async () => {
      const terminal = await open(mixed, SMALL);
      await terminal.type(audited(mixed, LINE));
      await terminal.until(SETTLED);
      for (const pid of await terminal.pids("nettrace")) process.kill(pid, signal);
      await assertGivenBack(terminal);
      const screen = await terminal.screen();
      assert.match(screen, new RegExp(`^exit ${code}$`, "m"));
      assert.equal(/is reached in 6 hops/.test(screen), report);
    });
  }

  it("gives the terminal back before it says that it crashed", PATIENCE, async () => {
    const terminal = await open(mixed, SMALL);
    const source = fileURLToPath(new URL("../..", import.meta.url));
    const crash = `${process.execPath} --preload ${source}test/live/crash.ts ${source}cli/main.ts live 203.0.113.10 -n`;
    await terminal.type(`before=$(stty -a); ${crash}; echo "exit $?"; [ "$before" = "$(stty -a)" ] && echo sane`);
    await assertGivenBack(terminal);
    const screen = await terminal.screen();
    assert.match(screen, /^nettrace: Cannot go on: a crash for a test \(a fault of nettrace/m);
    assert.match(screen, /^exit 70$/m);
  });

  it("ends where its terminal is closed", PATIENCE, async () => {
    const terminal = await open(mixed, SMALL);
    await terminal.type(command(mixed, LINE));
    await terminal.until(SETTLED);
    const [pid = 0] = await terminal.pids("nettrace");
    assert.ok(pid > 0);
    await terminal.close();
    for (let looks = 0; isRunning(pid); looks += 1) {
      assert.ok(looks < 100, "it goes on without a terminal");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  it("has a tab for each of several targets", PATIENCE, async () => {
    const terminal = await open(mixed, SMALL);
    const near = mixed.hops[4]?.[0]?.v4;
    await terminal.type(audited(mixed, `nettrace live 203.0.113.10 ${near} -P icmp --interval 0.1 -w 1 -n`));
    await terminal.until(/^ 1\*203\.0\.113\.10 0% {3}2 198\.18\.5\.1 0%$/m);
    await terminal.keys("Tab");
    await terminal.until(/^198\.18\.5\.1 from [\s\S]*^ 1 203\.0\.113\.10 0% {3}2\*198\.18\.5\.1 0%$/m);
    await terminal.keys("1");
    await terminal.until(/^203\.0\.113\.10 from /m);
    await terminal.keys("q");
    await assertGivenBack(terminal);
    await terminal.until(/is reached in 5 hops/);
  });

  it("is recorded, and shown again from that", PATIENCE, async () => {
    const file = `${mixed.directory}/run.jsonl`;
    const terminal = await open(mixed, SMALL);
    await terminal.type(audited(mixed, `${LINE} -c 20 --record ${file}`));
    await assertGivenBack(terminal);
    const report = (screen: string): string => /^HOST: [\s\S]*on average$/m.exec(screen)?.[0] ?? screen;
    const printed = report(await terminal.screen());
    assert.match(printed, /^203\.0\.113\.10 is reached in 6 hops/m);

    await terminal.type(`clear; ${audited(mixed, `nettrace replay ${file} --speed max`)}`);
    await terminal.until(/^The recording ends here$/m);
    const screen = await terminal.until(/^ {2}6\. target\.lab/m);
    assert.match(screen, /^203\.0\.113\.10 from \S+ \(\S+\) +replay {2}0:\d\d {2}\d\d:\d\d:\d\d$/m);
    assert.match(screen, /^icmp \(raw\), 20 rounds of 0\.1 s, finished$/m);
    await terminal.keys("Down", "Right");
    await terminal.until(/details/);
    await terminal.keys("r");
    await terminal.until(/^This is a recording/m);
    await terminal.keys("q");
    await assertGivenBack(terminal);
    const again = await terminal.screen();
    assert.equal(report(again), printed);
    assert.match(again, /^exit 0$/m);

    await terminal.type(`clear; ${audited(mixed, `nettrace replay ${file} --speed 0.5`)}`);
    await terminal.until(/ replay x0\.5 [\s\S]*^icmp \(raw\), \d+ rounds/m);
    await terminal.keys("p");
    const paused = await terminal.until(/PAUSED/);
    await terminal.keys("Right");
    const later = await terminal.until(/PAUSED[\s\S]*details/);
    const roundsOf = (text: string): string => /^icmp \(raw\), .*$/m.exec(text)?.[0] ?? text;
    assert.equal(roundsOf(later), roundsOf(paused));
    await terminal.keys("Space");
    await terminal.until(/^The recording ends here$/m);
    await terminal.keys("C-c");
    await assertGivenBack(terminal);
    assert.match(await terminal.screen(), /^exit 130$/m);
    const { stdout } = await mixed.run("host", [mixed.stage(EXECUTABLE), "replay", file]);
    assert.match(stdout, /^203\.0\.113\.10 is reached in 6 hops/m);
  });

  it("ends with its report and one line where its recording cannot be written any more", PATIENCE, async () => {
    const terminal = await open(mixed, SMALL);
    await terminal.type(audited(mixed, `${LINE} --record /dev/full`));
    await assertGivenBack(terminal);
    const screen = await terminal.screen();
    assert.match(screen, /^HOST: /m);
    assert.match(screen, /^nettrace: Cannot record to \/dev\/full: ENOSPC\nexit 2$/m);
  });

  it("is readable without colour, and without UTF-8", PATIENCE, async () => {
    const terminal = await open(mixed, { ...SMALL, env: { NO_COLOR: "1", LC_ALL: "C" } });
    await terminal.type(command(mixed, LINE));
    const screen = await terminal.until(SETTLED);
    assert.doesNotMatch(screen, /[^\x20-\x7e\n]/);
    assert.doesNotMatch(await terminal.painted(), /\x1b\[[0-9;]*m/);
    await terminal.keys("q");
    const colored = await open(mixed, LARGE);
    await colored.type(command(mixed, LINE));
    await colored.until(SETTLED);
    assert.match(await colored.painted(), /\x1b\[32m[▁-█]+[\s\S]*\x1b\[35m×/);
    await colored.keys("q");
  });

  it("is what mtr is on a terminal", PATIENCE, async () => {
    const terminal = await open(mixed, { columns: 120, rows: 24 });
    await terminal.type(audited(mixed, "nettrace mtr 203.0.113.10 -i 0.1 -b -Z 1"));
    await terminal.until(/^ {2}5\. r5\.lab\.example \(198\.18/m);
    await terminal.keys("q");
    await assertGivenBack(terminal);
    assert.match(await terminal.screen(), /^exit 0$/m);
  });

  it("says what to use where there is no terminal, or one that cannot do it", PATIENCE, async () => {
    const terminal = await open(mixed, { columns: 160, rows: 24 });
    const refused = "Cannot show a live screen";
    await terminal.type(`${command(mixed, "nettrace live 203.0.113.10")} | cat; echo "exit \${PIPESTATUS[0]}"`);
    await terminal.until(
      new RegExp(
        `^nettrace: ${refused}: standard output is no terminal; nettrace report prints the same table\nexit 2$`,
        "m",
      ),
    );
    await terminal.type(`TERM=dumb ${command(mixed, "nettrace live 203.0.113.10")}; echo "exit $?"`);
    await terminal.until(
      new RegExp(`^nettrace: ${refused}: the terminal cannot place its cursor \\(TERM=dumb\\); .*\nexit 2$`, "m"),
    );
    await terminal.type(`${command(mixed, "nettrace live nowhere.invalid")}; echo "exit $?"`);
    await terminal.until(/^nettrace: Cannot resolve nowhere\.invalid: .*\nexit 2$/m);
  });

  it("goes without keys where standard input is no terminal", PATIENCE, async () => {
    const terminal = await open(mixed, SMALL);
    await terminal.type(audited(mixed, `${LINE} </dev/null`));
    await terminal.until(SETTLED);
    await terminal.until(/^standard input is no terminal: no keys; Ctrl-C ends it$/m);
    await terminal.keys("C-c");
    await assertGivenBack(terminal);
    assert.match(await terminal.screen(), /^exit 130$/m);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: it has gone.
    return false;
  }
}
