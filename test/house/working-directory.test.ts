import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const executable = join(root, "dist", "nettrace");
const bun = join(root, "node_modules", ".bin", "bun");

describe("the built executable in a working directory full of traps", () => {
  let trap = "";
  let mark = "";

  before(() => {
    trap = mkdtempSync(join(tmpdir(), "nettrace-trap-"));
    mark = join(trap, "sprung");
    const spring = `require("node:fs").appendFileSync(${JSON.stringify(mark)}, "sprung\\n");`;
    writeFileSync(join(trap, "trap.js"), spring);
    writeFileSync(join(trap, "bunfig.toml"), 'preload = ["./trap.js"]\n');
    writeFileSync(join(trap, ".env"), "BUN_OPTIONS=--preload=./trap.js\nNO_COLOR=1\nTRAP=sprung\n");
    const paths = { commander: ["./trap.js"], "node:dns": ["./trap.js"], "ipaddr.js": ["./trap.js"] };
    writeFileSync(join(trap, "tsconfig.json"), JSON.stringify({ compilerOptions: { paths } }));
    writeFileSync(join(trap, "package.json"), JSON.stringify({ name: "trap", main: "./trap.js", type: "commonjs" }));
    for (const name of ["commander", "ipaddr.js", "koffi", "nettrace"]) {
      mkdirSync(join(trap, "node_modules", name), { recursive: true });
      writeFileSync(join(trap, "node_modules", name, "index.js"), spring);
    }
    writeFileSync(join(trap, "libc.so.6"), "not a library\n");
  });
  after(() => rmSync(trap, { recursive: true, force: true }));

  it("is a real trap: it springs for the bare runtime", () => {
    writeFileSync(join(trap, "innocent.js"), "");
    const { status } = spawnSync(bun, ["innocent.js"], { cwd: trap });
    assert.equal(status, 0);
    assert.ok(existsSync(mark));
    rmSync(mark);
  });

  for (const args of [["--version"], ["auto", "--help"], ["trace", "127.0.0.1", "-P", "tcp-connect:1"]]) {
    it(`runs and reads nothing of it: nettrace ${args.join(" ")}`, () => {
      const { status, stderr } = spawnSync(executable, args, { cwd: trap, encoding: "utf8" });
      assert.equal(status, 0, stderr);
      assert.ok(!existsSync(mark));
    });
  }

  it("runs and reads nothing of it for a plugin that is elsewhere", () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "nettrace-elsewhere-"));
    try {
      const plugin = join(elsewhere, "own.ts");
      const { stdout } = spawnSync(executable, ["plugin", "new", "own"], { cwd: elsewhere, encoding: "utf8" });
      assert.match(stdout, /^own\.ts /);
      const args = ["trace", "127.0.0.1", "--plugin", plugin, "-P", "own:9", "-m", "1", "-q", "1", "-w", "0.1"];
      const { stderr } = spawnSync(executable, args, { cwd: trap, encoding: "utf8" });
      assert.equal(stderr, `nettrace: loads the plugin ${plugin}\n`);
      assert.ok(!existsSync(mark));
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });
});
