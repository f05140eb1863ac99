import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { closeDoors } from "../../release/doors.ts";
import { bun, root } from "./built.ts";
import { run, temporary } from "./tools.ts";

/** A program small enough to compile for each test; `greet` is what a file of overrides may replace. */
const PROGRAM = `
function greet() {
  return "greeted";
}
console.log(greet());
if (process.argv[2] === "stay") setTimeout(() => {}, 20_000);
`;

const BUILD = (runtime: string, outfile: string): string => `
await Bun.build({
  entrypoints: ["program.ts"],
  target: "bun",
  compile: { outfile: ${JSON.stringify(outfile)}, executablePath: ${JSON.stringify(runtime)} },
});`;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = Object(server.address());
      server.close(() => resolve(port));
    });
  });

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });

describe("an executable under a hostile environment", { timeout: 120_000 }, () => {
  const place = temporary();
  const at = (name: string): string => join(place.path, name);
  const mark = at("sprung");
  const executables = { "as Bun ships it": at("open"), "with closed doors": at("closed") };

  before(() => {
    writeFileSync(at("program.ts"), PROGRAM);
    writeFileSync(at("trap.js"), `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "")`);
    writeFileSync(at("overrides"), 'override %%%{\n  return "greeted";\n}%%%\nwith %%%{return "overridden";}%%%\n');
    const bytes = readFileSync(bun);
    closeDoors(bytes, process.arch === "arm64" ? "arm64" : "x64");
    writeFileSync(at("runtime"), bytes, { mode: 0o755 });
    for (const [runtime, outfile] of [
      [bun, "open"],
      [at("runtime"), "closed"],
    ] as const) {
      writeFileSync(at("build.ts"), BUILD(runtime, outfile));
      const { code, stderr } = run(bun, ["build.ts"], { cwd: place.path });
      assert.equal(code, 0, stderr);
    }
    rmSync(at("runtime"));
  });
  after(() => place[Symbol.dispose]());

  /** Whether a variable makes the executable do something else than greet. */
  const obeys = (executable: string, env: Readonly<Record<string, string>>): boolean => {
    rmSync(mark, { force: true });
    const { stdout } = run(executable, [], { cwd: place.path, env });
    return existsSync(mark) || stdout !== "greeted\n";
  };

  const attacks: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
    BUN_OPTIONS: () => ({ BUN_OPTIONS: `--preload=${at("trap.js")}` }),
    BUN_BE_BUN: () => ({ BUN_BE_BUN: "1" }),
    "BUN_JSC_*, by an option that there is not": () => ({ BUN_JSC_nothingOfTheKind: "1" }),
    "BUN_JSC_*, by a function of its own": () => ({ BUN_JSC_functionOverrides: at("overrides") }),
  };
  for (const [name, env] of Object.entries(attacks)) {
    it(`obeys ${name} as Bun ships it, and not with closed doors`, () => {
      assert.ok(obeys(executables["as Bun ships it"], env()));
      assert.ok(!obeys(executables["with closed doors"], env()));
    });
  }

  it("writes no file for BUN_BYTECODE_… with closed doors, as it does as Bun ships it", () => {
    for (const name of ["BUN_BYTECODE_ORDER_OUT", "BUN_BYTECODE_DIGEST_OUT"]) {
      for (const [executable, isWritten] of [
        [executables["as Bun ships it"], true],
        [executables["with closed doors"], false],
      ] as const) {
        rmSync(at("out"), { force: true });
        run(executable, [], { cwd: place.path, env: { [name]: at("out") } });
        assert.equal(existsSync(at("out")), isWritten, name);
      }
    }
  });

  for (const [kind, executable] of Object.entries(executables)) {
    it(`${kind} ${kind === "as Bun ships it" ? "listens" : "does not listen"} for a debugger`, async () => {
      const port = await freePort();
      const env = { BUN_INSPECT: `ws://127.0.0.1:${port}/x` };
      const child = spawn(executable, ["stay"], { env, stdio: ["ignore", "pipe", "ignore"] });
      const left = new Promise((resolve) => child.on("close", resolve));
      try {
        await new Promise((resolve) => child.stdout.once("data", resolve));
        // It listens on a thread of its own, some time after the program has begun.
        const untilMs = performance.now() + 2000;
        let isOpen = await isListening(port);
        while (!isOpen && performance.now() < untilMs) {
          await sleep(20);
          isOpen = await isListening(port);
        }
        assert.equal(isOpen, kind === "as Bun ships it");
      } finally {
        child.kill("SIGKILL");
        await left;
      }
    });
  }

  it("is so for the nettrace of npm run build too", () => {
    const nettrace = join(root, "dist", "nettrace");
    const plain = run(nettrace, ["--version"]);
    for (const env of Object.values(attacks)) {
      rmSync(mark, { force: true });
      assert.deepEqual(run(nettrace, ["--version"], { cwd: place.path, env: env() }), plain);
      assert.ok(!existsSync(mark));
    }
  });
});
