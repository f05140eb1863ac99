import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { OUTPUT_FORMATS } from "../../cli/formats.ts";
import type { Key } from "../../cli/live/keys.ts";
import type { Measured } from "../../cli/live/measured.ts";
import { createReplaySession, type ReplaySession, type RoundsRecording } from "../../cli/live/replay-session.ts";
import { endDocuments, exitCodeOfTargets } from "../../cli/live/report.ts";
import type { AddressBook } from "../../cli/live/state.ts";
import { readRecording } from "../../cli/record/read.ts";
import { RESTRICTED } from "../../core/sim/host.ts";
import * as paths from "../../core/sim/topologies.ts";
import { type CliResult, runCli } from "../cli/harness.ts";
import { atRound, type Play, play } from "./play.ts";

const directory = mkdtempSync(join(tmpdir(), "nettrace-live-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string): string => join(directory, `${name.replaceAll(" ", "-")}.jsonl`);
const record = (name: string, how: Play) => play({ ...how, options: { ...how.options, record: file(name) } });
const replay = (name: string, ...more: string[]): Promise<CliResult> =>
  runCli(["replay", file(name), ...more], {
    topology: paths.plain(2),
    openFailure: new Error("a replay opens no socket"),
  });

const twice = (): NonNullable<Play["on"]> => {
  const [first, second] = [atRound(4, "t"), atRound(6, "t")];
  return (observation, session) => (observation.key.protocol === "icmp" ? first : second)(observation, session);
};

const RUNS: Readonly<Record<string, () => Play>> = {
  "a restricted host": () => ({ topology: paths.scenario(), host: RESTRICTED }),
  "three targets": () => ({ hosts: 3, options: { protocol: "icmp" } }),
  "two protocols by turns": () => ({ options: { protocol: "icmp" }, on: twice() }),
  "begun anew": () => ({ options: { protocol: "icmp" }, on: atRound(5, "r") }),
  "changed by keys": () => ({
    options: { protocol: "icmp" },
    on: atRound(2, "f", "3", "enter", "i", "2", "enter"),
  }),
  "labels and loss": () => ({ topology: paths.mpls(), options: { protocol: "udp" } }),
  "a lossy path": () => ({ topology: paths.lossy(0.3), options: { protocol: "icmp", cycles: "30" } }),
  "all refused": () => ({
    host: { output: [{ action: { do: "drop" } }] },
    options: { protocol: "icmp" },
  }),
};

describe("a recording of live", () => {
  for (const [name, run] of Object.entries(RUNS)) {
    it(`makes its report again, as text and JSON, with its exit status: ${name}`, async () => {
      const { report, result, session } = await record(name, run());
      const again = await replay(name);
      assert.equal(again.stdout, report());
      assert.equal(again.stderr, "");
      assert.equal(again.code, exitCodeOfTargets(session.targets));
      assert.equal((await replay(name, "--format", "json")).stdout, endDocuments(result()));
    });

    it(`can be had in every format: ${name}`, async () => {
      const { settings } = await record(name, run());
      for (const format of OUTPUT_FORMATS) {
        const { stdout, stderr } = await replay(name, "--format", format);
        assert.equal(stderr, "");
        if (format === "jsonl") assert.equal(stdout, readFileSync(file(name), "utf8"));
        if (format === "mtr-json") {
          const documents = stdout
            .trimEnd()
            .split("\n")
            .map((line) => JSON.parse(line).report);
          assert.deepEqual(
            documents.map(({ mtr }) => mtr.dst),
            settings.targets.map(({ host }) => host),
          );
        }
      }
    });

    it(`shows at its end what the screen showed: ${name}`, async () => {
      const { session } = await record(name, run());
      const shown = await finished(await open(name, undefined));
      const book: AddressBook = { nameOf: () => undefined, originOf: () => undefined };
      const look = (targets: readonly Measured[]): object[] =>
        targets.map((target) => {
          const { elapsedMs: _, attempts, ...state } = target.state(book);
          return { ...state, attempts: attempts.map(({ protocol, verdict }) => `${protocol} ${verdict}`) };
        });
      assert.deepEqual(look(shown.result().targets), look(session.targets));
    });
  }

  it("is of the form that is promised", async () => {
    const ajv = new Ajv2020({ allErrors: true, strict: false });
    formats(ajv);
    const schema = readFileSync(new URL("../../docs/schema/events-1.json", import.meta.url), "utf8");
    const validate = ajv.compile(JSON.parse(schema));
    const types = new Set<string>();
    for (const [name, run] of Object.entries(RUNS)) {
      await record(name, run());
      for (const line of readFileSync(file(name), "utf8").trimEnd().split("\n")) {
        assert.ok(validate(JSON.parse(line)), `${line}\n${ajv.errorsText(validate.errors)}`);
        types.add(JSON.parse(line).type);
      }
    }
    for (const type of ["run", "phase", "opened", "reset", "tuned", "attempt-ended", "finished", "name"]) {
      assert.ok(types.has(type), type);
    }
  });

  it("holds names, and is readable by its owner alone", async () => {
    await record("names", { options: { protocol: "icmp" } });
    const text = readFileSync(file("names"), "utf8");
    assert.match(text, /^\{"type":"name","address":"10\.0\.1\.1","name":"name-of-10\.0\.1\.1"\}$/m);
    assert.equal(statSync(file("names")).mode & 0o077, 0);
    assert.match((await replay("names")).stdout, /name-of-10\.0\.1\.1/);
  });

  it("that was cut off tells what it holds, and says so", async () => {
    await record("whole", { options: { protocol: "icmp" } });
    const lines = readFileSync(file("whole"), "utf8").split("\n");
    writeFileSync(file("cut"), lines.slice(0, 30).join("\n").slice(0, -5));
    const { stdout, stderr } = await replay("cut");
    assert.match(stdout, /^ {2}1\.\|-- /m);
    assert.match(stderr, /^nettrace: the recording ends before its run did[^\n]*\n$/);
  });

  it("is refused in one line where a line of it is wrong", async () => {
    await record("good", { hosts: 2, options: { protocol: "icmp" } });
    const text = readFileSync(file("good"), "utf8");
    const spoilt: readonly (readonly [RegExp, string])[] = [
      [/"targets":\[.*\]/, '"targets":[]'],
      [/"type":"opened","attempt":0/, '"type":"opened","attempt":99'],
      [/"type":"phase","target":1/, '"type":"phase","target":2'],
      [/"phase":"measuring"/, '"phase":"\\u001b[31m"'],
      [/"rounds":true,"target":1/, '"rounds":true,"target":7'],
    ];
    for (const [from, to] of spoilt) {
      writeFileSync(file("spoilt"), text.replace(from, to));
      const { stdout, stderr, code } = await replay("spoilt");
      assert.equal(stdout, "", to);
      assert.match(stderr, /^nettrace: Cannot replay [\x20-\x7e]+\n$/, to);
      assert.equal(code, 2, to);
    }
  });

  it("is not begun where its file cannot be written", async () => {
    await assert.rejects(record("no/such/folder", {}), /^UsageError: Cannot record to \S+: ENOENT$/);
  });
});

/** A clock that goes on while somebody sleeps, and a session that is played by it. */
interface Playing {
  readonly session: ReplaySession;
  /** Lets time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

async function open(name: string, speed: number | undefined): Promise<Playing> {
  const { head, ...rest } = await readRecording(file(name));
  assert.ok("cycles" in head);
  const recording: RoundsRecording = { ...rest, head };
  let nowMs = 0;
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  const session = createReplaySession(recording, {
    hasUnicode: true,
    hasColor: false,
    hasKeys: true,
    speed,
    clock: {
      nowMs: () => nowMs,
      sleep: (ms) => new Promise((wake) => sleepers.push({ atMs: nowMs + ms, wake })),
    },
    onChange() {},
  });
  const pass = async (ms: number): Promise<void> => {
    const endMs = nowMs + ms;
    for (;;) {
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
      const next = Math.min(...sleepers.map(({ atMs }) => atMs));
      if (next > endMs) break;
      nowMs = next;
      const due = sleepers.filter(({ atMs }) => atMs <= nowMs);
      sleepers = sleepers.filter(({ atMs }) => atMs > nowMs);
      for (const { wake } of due) wake();
    }
    nowMs = endMs;
  };
  return { session, pass };
}

async function finished({ session, pass }: Playing): Promise<ReplaySession> {
  await pass(1e9);
  await session.played;
  return session;
}

describe("a replay on the live screen", () => {
  const rounds = ({ session }: Playing): number | undefined => session.state().targets[0]?.run?.rounds;
  const key = (character: string): Key => ({ character });

  it("takes the time that it took, or a part of it", async () => {
    await record("ten rounds", { options: { protocol: "icmp" } });
    const slow = await open("ten rounds", 1);
    await slow.pass(4500);
    assert.equal(rounds(slow), 5);
    const { elapsedMs = 0 } = slow.session.state().targets[0] ?? {};
    assert.ok(elapsedMs > 4400 && elapsedMs <= 4500, String(elapsedMs));
    const fast = await open("ten rounds", 10);
    await fast.pass(450);
    assert.equal(rounds(fast), 5);
    assert.deepEqual(fast.session.state().replay, { speed: 10 });
    const whole = await finished(await open("ten rounds", 10));
    assert.equal(whole.state().targets[0]?.phase.type, "finished");
    assert.equal(whole.state().ui.message, "The recording ends here");
  });

  it("stands still while it is paused, and goes on from there", async () => {
    await record("ten rounds", { options: { protocol: "icmp" } });
    const playing = await open("ten rounds", 1);
    await playing.pass(2500);
    playing.session.press(key("p"));
    await playing.pass(60_000);
    assert.equal(rounds(playing), 3);
    playing.session.press(key(" "));
    await playing.pass(1000);
    assert.equal(rounds(playing), 4);
    await playing.session.stop();
  });

  it("shows the clock of then, and answers keys that would measure with a word", async () => {
    await record("ten rounds", { options: { protocol: "icmp" } });
    const playing = await open("ten rounds", 1);
    await playing.pass(3500);
    const { now } = playing.session.state();
    assert.equal(now.toISOString().slice(0, 19), "2026-01-02T03:04:08");
    for (const character of ["r", "u", "t", "a"]) {
      playing.session.press(key(character));
      assert.match(playing.session.state().ui.message ?? "", /^This is a recording/);
    }
    assert.deepEqual(playing.session.press(key("q")), { type: "quit", isInterrupt: false });
    await playing.session.stop();
  });

  it("is had of a report as well, and not of what has no rounds", async () => {
    await runCli(`report dst.test -4 -c 4 --record ${file("report")}`, { topology: paths.plain(4) });
    const shown = await finished(await open("report", undefined));
    assert.equal(shown.state().targets[0]?.run?.rounds, 4);
    assert.equal(shown.state().targets[0]?.host, "dst.test");
    await runCli(`auto dst.test -4 --record ${file("auto")}`, { topology: paths.plain(4) });
    for (const [name, ...flags] of [
      ["auto", "--live"],
      ["report", "--live"],
      ["report", "--live", "--format", "json"],
    ] as const) {
      const { stdout, stderr, code } = await replay(name, ...flags);
      assert.equal(stdout, "");
      assert.match(stderr, /^nettrace: Cannot (show|use) [^\n]+\n$/);
      assert.equal(code, 2);
    }
  });
});
