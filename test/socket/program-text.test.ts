import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cleanStretches } from "../../core/socket/linux/program-text.ts";
import { releaseProgramText } from "../../core/socket/program-text.ts";

/** As Linux 6.12 writes it, of the fields that there are some. */
function entry(header: string, fields: Readonly<Record<string, number>>): string {
  const all = { Size: 64, Rss: 64, Private_Dirty: 0, Anonymous: 0, AnonHugePages: 0, Swap: 0, Locked: 0, ...fields };
  const lines = Object.entries(all).map(([name, kB]) => `${`${name}:`.padEnd(16)}${String(kB).padStart(8)} kB`);
  return [header, ...lines, "THPeligible:           0", "VmFlags: rd ex mr mw me sd"].join("\n");
}

const TEXT = "01a40000-0684a000 r-xp 01838000 fe:00 2147410                            /opt/a b/nettrace";
const CONSTANTS = "00200000-01a39000 r--p 00000000 fe:00 2147410                            /opt/a b/nettrace";
const FILE = "/opt/a b/nettrace";
const of = (header: string, fields: Readonly<Record<string, number>> = {}) =>
  cleanStretches(`${entry(header, fields)}\n`, FILE);

describe("the stretches of a program that a file can give again", () => {
  it("are its code and its constants, where nothing was written", () => {
    assert.deepEqual(cleanStretches(`${entry(CONSTANTS, {})}\n${entry(TEXT, {})}\n`, FILE), [
      { address: 0x200000, length: 0x1839000 },
      { address: 0x1a40000, length: 0x4e0a000 },
    ]);
  });

  it("are none where a page was written, as the loader does before it takes the right to", () => {
    assert.deepEqual(of(CONSTANTS, { Anonymous: 4 }), []);
    assert.deepEqual(of(CONSTANTS, { Swap: 4 }), []);
    assert.deepEqual(of(TEXT.replace("r-xp", "rw-p")), []);
    assert.deepEqual(of(TEXT.replace("r-xp", "rwxp")), []);
    assert.deepEqual(of(TEXT.replace("r-xp", "r-xs")), []);
  });

  it("are none that are locked, that hold nothing, or that the kernel says too little of", () => {
    assert.deepEqual(of(TEXT, { Locked: 64 }), []);
    assert.deepEqual(of(TEXT, { Rss: 0 }), []);
    assert.deepEqual(cleanStretches(`${TEXT}\nRss:                  64 kB\n`, FILE), []);
    assert.deepEqual(cleanStretches(TEXT, FILE), []);
    assert.deepEqual(cleanStretches("", FILE), []);
  });

  it("are of no other file, and of no memory without one", () => {
    assert.deepEqual(of(TEXT.replace("nettrace", "nettrace (deleted)")), []);
    assert.deepEqual(of("7f9a8a6e5000-7f9a8a83b000 r-xp 00026000 fe:00 339380    /usr/lib/libc.so.6"), []);
    assert.deepEqual(of("7f9a4a37a000-7f9a8a37a000 r-xp 00000000 00:00 0 "), []);
    assert.deepEqual(cleanStretches(`${entry("7f9a4a37a000-7f9a8a37a000 r--p 00000000 00:00 0 ", {})}\n`, ""), []);
  });
});

describe("letting go of the program", () => {
  it("lets go of something on Linux with Bun, and the program goes on", async () => {
    const canRelease = process.platform === "linux" && "Bun" in globalThis;
    assert.equal((await releaseProgramText()) > 0, canRelease);
    assert.equal((await releaseProgramText()) > 0, canRelease);
    assert.equal(JSON.stringify([..."abc"].map((each) => each.codePointAt(0))), "[97,98,99]");
  });
});
