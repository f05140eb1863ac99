import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import type { Output } from "../../cli/context.ts";
import { newResume, openResume, type ResumeFile } from "../../cli/scan/resume.ts";
import { parseTargets, UsageError } from "../../core/mod.ts";

const COUNT = 40;
const targets = parseTargets(Array.from({ length: COUNT }, (_, at) => `20.0.0.${at}`).join("\n"));

/** A file of rows, that takes no more than so many octets. */
function createRows(id = "1:2"): { readonly output: Output; text: string; room: number } {
  const rows = { text: "", room: Number.POSITIVE_INFINITY };
  const output: Output = {
    write(text) {
      rows.text += text.slice(0, Math.max(0, rows.room - rows.text.length));
    },
    isTerminal: false,
    columns: undefined,
    file: () => ({ id, size: rows.text.length }),
    cut(size) {
      rows.text = rows.text.slice(0, size);
    },
  };
  return Object.assign(rows, { output });
}

describe("a scan that goes on from a file", () => {
  let directory = "";
  let path = "";
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "nettrace-resume-"));
    path = join(directory, "state");
  });
  beforeEach(() => rmSync(path, { force: true }));
  after(() => rmSync(directory, { recursive: true, force: true }));

  const open = (stdout: Output): ResumeFile =>
    openResume({ path, targets, identity: "", seed: 1, askedSeed: undefined, stdout, opened: undefined });
  const lineOf = (position: number): string => `row ${position}\n`;
  /** Writes rows as a scan does, up to the step at which it is killed: true, it got to the end. */
  const work = (resume: ResumeFile, output: Output, killed: () => boolean): boolean => {
    for (;;) {
      const positions: number[] = [];
      for (let each = 0; each < 3; each += 1) {
        const position = resume.ledger.take();
        if (position !== undefined) positions.push(position);
      }
      if (positions.length === 0) return true;
      const text = positions.map(lineOf).join("");
      if (killed()) return false;
      resume.intend(positions, text);
      if (killed()) return false;
      output.write(text);
      if (killed()) return false;
      resume.settle();
    }
  };
  const each = Array.from({ length: COUNT }, (_, at) => lineOf(at)).join("");
  const sorted = (text: string): string =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => `${line}\n`)
      .toSorted((a, b) => Number(a.slice(4)) - Number(b.slice(4)))
      .join("");

  it("has each row once, wherever it was killed between two writes, and however often", () => {
    for (const patience of [1, 2, 3, 4, 5, 7, 11, 1000]) {
      rmSync(path, { force: true });
      const rows = createRows();
      for (let runs = 0; ; runs += 1) {
        assert.ok(runs < 200, "it gets nowhere");
        // Later each time, so that one run gets past where the last one was ended.
        let steps = patience + (runs % 4);
        if (work(open(rows.output), rows.output, () => --steps === 0)) break;
      }
      assert.equal(sorted(rows.text), each);
    }
  });

  it("takes off a part of a row that it was killed in, or that the disk had no room for", () => {
    for (let room = 0; room < each.length; room += 1) {
      rmSync(path, { force: true });
      const rows = createRows();
      rows.room = room;
      let isFull = false;
      const full = (): boolean => {
        isFull ||= rows.text.length === room;
        return isFull;
      };
      work(open(rows.output), rows.output, full);
      rows.room = Number.POSITIVE_INFINITY;
      assert.equal(
        work(open(rows.output), rows.output, () => false),
        true,
      );
      assert.equal(sorted(rows.text), each, `${room} octets`);
    }
  });

  it("has rows again, and loses none, of which it cannot know whether they were read", () => {
    const [first, second] = [createRows("1:2"), createRows("1:3")];
    let steps = 5;
    assert.equal(
      work(open(first.output), first.output, () => --steps === 0),
      false,
    );
    const resume = open(second.output);
    assert.equal(resume.ledger.finished, 3);
    assert.equal(
      work(resume, second.output, () => false),
      true,
    );
    assert.deepEqual([...new Set(sorted(first.text + second.text).match(/.*\n/g))].join(""), each);
  });

  it("cuts nothing off a file that others have added to", () => {
    const rows = createRows();
    let steps = 5;
    work(open(rows.output), rows.output, () => --steps === 0);
    rows.text += "what somebody else wrote\n";
    const { text } = rows;
    open(rows.output);
    assert.equal(rows.text, text);
  });

  it("knows the stop set of the rows that were written, and of no others", () => {
    const rows = createRows();
    const first = open(rows.output);
    const [one, two] = [targets.at(1).address, targets.at(2).address];
    first.stopSet.add(one, 3);
    first.intend([0], "row");
    rows.output.write("row");
    first.settle();
    first.stopSet.add(two, 4);
    first.intend([1], "row");
    const second = open(rows.output);
    assert.deepEqual([second.stopSet.has(one, 3), second.stopSet.has(two, 4), second.stopSet.size], [true, false, 1]);
    assert.equal(open(rows.output).stopSet.has(one, 3), true);
  });

  it("keeps in memory what it was not asked to keep, and writes it when it is interrupted", () => {
    const rows = createRows();
    const resume = newResume({ path, targets, identity: "", seed: 1, stdout: rows.output });
    let steps = 20;
    work(resume, rows.output, () => --steps === 0);
    assert.throws(() => readFileSync(path), /ENOENT/);
    resume.keep();
    assert.equal(
      work(open(rows.output), rows.output, () => false),
      true,
    );
    assert.equal(sorted(rows.text), each);
  });

  it("says in one line what is wrong with the file", () => {
    const rows = createRows();
    const wrong: readonly (readonly [() => void, RegExp])[] = [
      [() => writeFileSync(path, "{}"), /^Cannot resume from \S+: it holds no state of a scan$/],
      [() => rmSync(path), /^Cannot write \S+: ENOENT$/],
    ];
    for (const [make, message] of wrong) {
      make();
      if (message.source.includes("ENOENT")) path = join(directory, "none", "state");
      assert.throws(
        () => open(rows.output),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    }
    path = directory;
    assert.throws(() => open(rows.output), /^UsageError: Cannot (read and write|resume from) \S+: /);
    path = join(directory, "state");
  });
});
