import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bun, root, simplePlugin } from "../plugins/place.ts";

const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const LONG = { timeout: 180_000 };
const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  Node: ["node"],
  Bun: [bun],
  Deno: [bin("deno"), "run", "--allow-all", "--no-prompt"],
};

/** The code blocks of the README that are files. */
const files = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)];

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe("the npm package, installed into an empty project", () => {
  let app = "";
  let packed: readonly string[] = [];

  const run = (command: readonly string[], cwd = app): Ran => {
    const [file = "", ...args] = command;
    const { status, stdout, stderr, error } = spawnSync(file, args, { cwd, encoding: "utf8" });
    if (error !== undefined) throw error;
    return { code: status, stdout, stderr };
  };
  const nettrace = (...args: readonly string[]): Ran => run([join(app, "node_modules", ".bin", "nettrace"), ...args]);
  const write = (name: string, text: string): void => writeFileSync(join(app, name), text, { mode: 0o644 });

  before(() => {
    app = mkdtempSync(join(tmpdir(), "nettrace-npm-"));
    // With publint and attw, which fail it.
    const built = run([bun, "package.ts", "--quiet"], root);
    assert.equal(built.code, 0, built.stderr);
    const { code, stdout, stderr } = run(
      ["npm", "pack", "--json", "--pack-destination", app],
      join(root, "dist", "npm"),
    );
    assert.equal(code, 0, stderr);
    const [{ filename, files: list }] = Object.values(JSON.parse(stdout)) as [
      { filename: string; files: { path: string }[] },
    ];
    packed = list.map(({ path }) => path);
    write("package.json", '{ "name": "app", "private": true, "type": "module" }\n');
    const flags = ["--no-audit", "--no-fund", "--prefer-offline"];
    const installed = run(["npm", "install", ...flags, join(app, filename)]);
    assert.equal(installed.code, 0, installed.stderr);
    for (const [, name = "", text = ""] of files) write(name, text);
  }, LONG);
  after(() => rmSync(app, { recursive: true, force: true }));

  it("has JavaScript, declarations and words in it, and no sources, tests or secrets", () => {
    const known = /^(types\/(core|plugins)\/[\w/-]+\.d\.ts|[\w-]+\.js|package\.json|(README|CHANGELOG)\.md|LICENSE)$/;
    assert.deepEqual(
      packed.filter((path) => !known.test(path)),
      [],
    );
    for (const file of ["mod.js", "plugins.js", "cli.js", "types/core/mod.d.ts"])
      assert.ok(packed.includes(file), file);
  });

  for (const [name, command] of Object.entries(RUNTIMES)) {
    it(`traces in ten lines, as the README has them, on ${name}`, () => {
      const [, file = "", text = ""] = files[0] ?? [];
      assert.ok(text.trimEnd().split("\n").length <= 10);
      assert.deepEqual(run([...command, file, "127.0.0.1"]), { code: 0, stdout: "1 127.0.0.1\n", stderr: "" });
    });

    it(`runs examples/embed.ts over three targets at once, on ${name}`, LONG, async () => {
      cpSync(join(root, "examples", "embed.ts"), join(app, "embed.ts"));
      // Node 20 has no TypeScript.
      const { code } = run([bun, "build", "--no-bundle", "embed.ts", "--outfile", "embed.js"]);
      assert.equal(code, 0);
      const [file = "", ...args] = [
        ...command,
        name === "Node" ? "embed.js" : "embed.ts",
        "127.0.0.1",
        "::1",
        "127.0.0.2",
      ];
      const child = spawn(file, args, { cwd: app, env: { ...process.env, EVERY_MS: "20" } });
      const lines = await firstLines(child, 3);
      child.kill("SIGINT");
      assert.deepEqual([...lines].sort(), ["127.0.0.1: 127.0.0.1", "127.0.0.2: 127.0.0.2", "::1: ::1"]);
      assert.deepEqual(await ended(child), { code: 0, signal: null });
    });
  }

  it("has declarations that a strict program compiles against, with a socket that `using` closes", () => {
    write(
      "typed.mts",
      `import { auto, definePlugin, openSystemNetwork, parseAddress, type Attempt, type Network } from "nettrace";
import { builtInPlugins, tcpConnect } from "nettrace/plugins";
using network: Network = await openSystemNetwork({ backend: "auto" });
const target = parseAddress("127.0.0.1");
if (target === undefined) throw new Error("no address");
const ladder = [tcpConnect, ...builtInPlugins].map((plugin) => ({ plugin, port: plugin.defaultPort ?? 0 }));
let winner: Attempt | undefined;
for await (const event of auto(network, { target, ladder })) if (event.type === "finished") winner = event.winner;
export default definePlugin({ name: "x", open: () => { throw new Error(winner?.protocol); } });
`,
    );
    const compilerOptions = { module: "nodenext", target: "es2022", strict: true, noEmit: true, types: ["node"] };
    write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["typed.mts"] }));
    symlinkSync(join(root, "node_modules", "@types"), join(app, "node_modules", "@types"));
    assert.deepEqual(run([bin("tsc"), "-p", "."]), { code: 0, stdout: "", stderr: "" });
    write("wrong.mts", 'import { trace } from "nettrace";\ntrace(7);\n');
    write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["wrong.mts"] }));
    assert.match(run([bin("tsc"), "-p", "."]).stdout, /^wrong\.mts\(2,\d+\): error /m);
  });

  it("has the command nettrace", () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    assert.deepEqual(nettrace("--version"), { code: 0, stdout: `nettrace ${version}\n`, stderr: "" });
    const { code, stdout, stderr } = nettrace("auto", "127.0.0.1", "-n", "--order", "udp,tcp-connect:9");
    assert.match(stdout, /^reached 127\.0\.0\.1 by udp/m);
    assert.deepEqual([code, stderr], [0, ""]);
    const refused = nettrace("auto", "127.0.0.1", "--frob");
    assert.match(refused.stderr, /^nettrace: Cannot read the command line: unknown option '--frob'[^\n]*\n$/);
    assert.equal(refused.code, 2);
  });

  it("loads plugins that import `nettrace`, as JavaScript, and as TypeScript where Node runs that", () => {
    write("mine.js", simplePlugin("mine"));
    const trace = ["trace", "127.0.0.1", "-n", "-P", "mine", "--plugin"];
    const loaded = nettrace(...trace, "./mine.js");
    assert.match(loaded.stdout, /^reached 127\.0\.0\.1 by mine/m);
    assert.match(loaded.stderr, /^nettrace: loads the plugin [^\n]+\/mine\.js\n$/);
    write(
      "mine.ts",
      simplePlugin("mine").replace("open(network, target, options)", "open(network: any, target, options)"),
    );
    const typed = nettrace(...trace, "./mine.ts");
    if (typed.code === 0) assert.match(typed.stdout, /^reached/m);
    else assert.match(typed.stderr, /mine\.ts: Node \d\S+ runs no TypeScript: use Node 22\.18 or later, [^\n]+\n$/);
    assert.equal(typed.code, typeof Reflect.get(features(), "typescript") === "string" ? 0 : 2);
  });

  it("refuses a plugin of which others could have written a part, before that part runs", () => {
    write("part.cjs", 'module.exports = { word: require("./deep.cjs") };\n');
    writeFileSync(join(app, "deep.cjs"), 'console.log("ran");\n');
    run(["chmod", "666", "deep.cjs"]);
    write("split.js", `import part from "./part.cjs";\n${simplePlugin("split", "", "part.word")}`);
    const { code, stdout, stderr } = nettrace("trace", "127.0.0.1", "-P", "split", "--plugin", "./split.js");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^nettrace: Cannot load the plugin [^\n]+split\.js: others may write [^\n]+deep\.cjs \(/m);
  });

  it("works without koffi as far as it can, and says in one line what is missing", () => {
    rmSync(join(app, "node_modules", "koffi"), { recursive: true });
    const { code, stdout, stderr } = nettrace("auto", "127.0.0.1", "-n");
    assert.match(
      stderr,
      /^nettrace: no hops, only [^\n]+ be called: Cannot find package 'koffi' [^\n]+; nor raw-socket: [^\n]+\n$/,
    );
    assert.equal(code, 0);
    assert.match(stdout, /^reached 127\.0\.0\.1 by tcp-reach:443 in /m);
    assert.equal(nettrace("--version").code, 0);
  });

  /** Of the Node that runs the command. */
  const features = (): object => JSON.parse(run(["node", "-p", "JSON.stringify(process.features)"]).stdout);
});

async function firstLines(child: ChildProcess, count: number): Promise<readonly string[]> {
  let said = "";
  let complained = "";
  child.stderr?.on("data", (chunk) => {
    complained += chunk;
  });
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (chunk) => {
      said += chunk;
      const lines = said.split("\n").slice(0, -1);
      if (lines.length >= count) resolve(lines);
    });
    child.on("close", () => reject(new Error(`it ended: ${said}${complained}`)));
  });
}

function ended(child: ChildProcess): Promise<{ readonly code: number | null; readonly signal: string | null }> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((resolve) => child.on("exit", (code, signal) => resolve({ code, signal })));
}
