import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { before, describe, it } from "node:test";
import { closeDoors, openDoors } from "../../release/doors.ts";
import { signAdHoc, unsignedPages } from "../../release/macho.ts";
import { TARGETS } from "../../release/targets.ts";
import { bun, executableOf, releaseFolder, root } from "./built.ts";

/** The first bytes of each kind of executable, and where it names its processor. */
const KINDS = {
  "linux-x64": ["7f454c46", 18, 62],
  "linux-arm64": ["7f454c46", 18, 183],
  "darwin-x64": ["cffaedfe", 4, 7],
  "darwin-arm64": ["cffaedfe", 4, 12],
  "windows-x64": ["4d5a", undefined, undefined],
  "windows-arm64": ["4d5a", undefined, undefined],
} as const;

describe("the executables of a release", { timeout: 300_000 }, () => {
  before(() => void releaseFolder());

  for (const target of TARGETS) {
    describe(target.name, () => {
      let bytes = Buffer.alloc(0);
      before(() => {
        bytes = readFileSync(executableOf(target.name));
      });

      it("is one for that system and that processor", () => {
        const [magic, at, processor] = KINDS[`${target.os}-${target.arch}`];
        assert.equal(bytes.toString("hex", 0, magic.length / 2), magic);
        if (at !== undefined) assert.equal(bytes[at], processor);
        if (target.libc !== undefined) {
          assert.equal(bytes.subarray(0, 4096).includes("/lib/ld-musl-"), target.libc === "musl");
        }
      });

      it("has no variable of the environment left that runs code", () => {
        assert.deepEqual(openDoors(bytes, target.arch), []);
        assert.ok(!bytes.includes("BUN_OPTIONS"));
        assert.ok(!bytes.includes("BUN_BE_BUN"));
      });

      it("tells nothing of the machine that built it", () => {
        for (const trace of [root, `${tmpdir()}/nettrace-`, `/home/${userInfo().username}/`]) {
          assert.ok(!bytes.includes(trace), trace);
        }
      });

      if (target.os === "darwin") {
        it("has a signature that fits each of its pages", () => assert.deepEqual(unsignedPages(bytes), []));
      }
    });
  }
});

describe("the doors of a runtime", () => {
  it("stand open as it comes, so that the search can find them", () => {
    const bytes = readFileSync(bun);
    assert.ok(openDoors(bytes, process.arch === "arm64" ? "arm64" : "x64").length >= 8);
  });

  it("fail the build where they are not as expected", () => {
    assert.throws(() => closeDoors(Buffer.from("nothing of the kind"), "x64"), /^Error: Cannot close BUN_OPTIONS/);
    const twice = Buffer.from("BUN_OPTIONS\0BUN_OPTIONS\0");
    assert.throws(() => closeDoors(twice, "x64"), /expected in one place, found in 2/);
  });
});

describe("the signature of an executable for macOS", () => {
  it("no longer fits when one byte is changed, and fits again when signed anew", () => {
    const bytes = readFileSync(executableOf("darwin-x64"));
    bytes[70_000_000] = (bytes[70_000_000] ?? 0) ^ 1;
    assert.deepEqual(unsignedPages(bytes), [Math.floor(70_000_000 / 4096)]);
    assert.deepEqual(unsignedPages(signAdHoc(bytes, "nettrace")), []);
  });

  it("is refused to what is no such file", () => {
    assert.throws(() => signAdHoc(Buffer.alloc(4096), "nettrace"), /Cannot find the signature/);
  });
});
