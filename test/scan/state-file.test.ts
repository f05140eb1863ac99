import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openStateFile, type StateFile, type Stored } from "../../cli/scan/state-file.ts";

const HEAD = 256;

describe("the file that a scan goes on from", () => {
  let directory = "";
  let path = "";
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "nettrace-state-"));
    path = join(directory, "state");
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  function withFile<T>(bytes: Uint8Array, use: (file: StateFile | undefined) => T): T {
    writeFileSync(path, bytes);
    const fd = openSync(path, "r+");
    try {
      return use(openStateFile(fd));
    } finally {
      closeSync(fd);
    }
  }
  const storedIn = (bytes: Uint8Array): Stored | undefined => withFile(bytes, (file) => file?.stored);
  /** The octets of the file after each step, from the empty one on. */
  const history = (steps: readonly ((file: StateFile) => void)[]): readonly Buffer[] => {
    const all = [Buffer.alloc(0)];
    for (const step of steps) {
      const bytes = withFile(all.at(-1) ?? Buffer.alloc(0), (file) => {
        assert.ok(file !== undefined);
        step(file);
        return readFileSync(path);
      });
      all.push(bytes);
    }
    return all;
  };
  const records = (stored: Stored | undefined): string[] =>
    (stored?.records ?? []).map(({ text, isMarked }) => text + (isMarked ? "+" : ""));

  it("holds what was saved last, and what was added since", () => {
    const steps = [
      (file: StateFile) => file.save("one"),
      (file: StateFile) => file.append("a")(),
      (file: StateFile) => void file.append("b"),
      (file: StateFile) => file.save("a state that is longer than the one before it"),
      (file: StateFile) => file.append("c")(),
      (file: StateFile) => file.save("3"),
      (file: StateFile) => file.save("four"),
    ];
    const shown = history(steps).map((bytes) => {
      const stored = storedIn(bytes);
      return [stored?.state?.trimEnd(), ...records(stored)];
    });
    const long = "a state that is longer than the one before it";
    assert.deepEqual(shown, [
      [undefined],
      ["one"],
      ["one", "a+"],
      ["one", "a+", "b"],
      [long],
      [long, "c+"],
      ["3"],
      ["four"],
    ]);
  });

  it("does not grow with what was saved before", () => {
    const body = "x".repeat(1000);
    const sizes = history(
      Array.from({ length: 20 }, () => (file: StateFile) => {
        file.save(body);
        file.append("y".repeat(100))();
      }),
    ).map(({ length }) => length);
    assert.ok(Math.max(...sizes) < 2 * HEAD + 2 * 1001 + 3 * 200, `${sizes}`);
  });

  it("is as it was before a save, or after it, wherever that is broken off", () => {
    const states = ["first", "the second one", "3", "the fourth, and longest of all of them", "5"];
    const all = history(states.map((text) => (file: StateFile) => file.save(text)));
    for (const [at, bytes] of all.slice(1).entries()) {
      const was = all[at] ?? Buffer.alloc(0);
      const heads = [0, HEAD].map((start) => bytes.toString("latin1", start, start + HEAD));
      const head = heads.findIndex((text) => text.split(" ")[1] === String(at + 1));
      const [, , offset = "", length = ""] = heads[head]?.split(" ") ?? [];
      const [start, count] = [Number(offset), Number(length)];
      const torn = (body: number, of: number): Buffer => {
        const size = Math.max(was.length, body > 0 ? start + body : 0, of > 0 ? head * HEAD + of : 0);
        const file = Buffer.alloc(size);
        was.copy(file);
        bytes.copy(file, start, start, start + body);
        bytes.copy(file, head * HEAD, head * HEAD, head * HEAD + of);
        return file;
      };
      const before_ = storedIn(was)?.state;
      for (let body = 0; body <= count; body += 1) assert.equal(storedIn(torn(body, 0))?.state, before_, `${body}`);
      const [magic] = heads[head]?.split(" ") ?? [""];
      for (let of = magic?.length ?? 0; of <= HEAD; of += 1) {
        const found = storedIn(torn(count, of));
        assert.ok(found !== undefined, `${of} of the head`);
        assert.ok([before_, `${states[at]}\n`].includes(found.state), found.state);
      }
      assert.equal(storedIn(torn(count, HEAD))?.state, `${states[at]}\n`);
    }
  });

  it("holds all records but the one that was broken off", () => {
    const [, , was = Buffer.alloc(0), is = Buffer.alloc(0)] = history([
      (file) => file.save("state"),
      (file) => file.append("one")(),
      (file) => file.append("two")(),
    ]);
    for (let length = was.length; length < is.length - 1; length += 1) {
      assert.deepEqual(records(storedIn(is.subarray(0, length))), ["one+"]);
    }
    assert.deepEqual(records(storedIn(is)), ["one+", "two+"]);
  });

  it("says of no spoilt octet that it was written", () => {
    const bytes = history([(file) => file.save("the first"), (file) => file.save("the second")]).at(-1);
    assert.ok(bytes !== undefined);
    for (let at = 0; at < bytes.length; at += 1) {
      const spoilt = Buffer.from(bytes);
      spoilt[at] = (spoilt[at] ?? 0) ^ 0x55;
      const state = storedIn(spoilt)?.state;
      assert.ok([undefined, "the first\n", "the second\n"].includes(state), state);
    }
  });
});
