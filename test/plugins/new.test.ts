import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ProtocolPlugin } from "nettrace";
import { simPluginBenches } from "../../core/conformance/sim-benches.ts";
import { pluginContract } from "../contract.ts";
import { bun, createPlace, type Place, root } from "./place.ts";

const KINDS = ["udp", "tcp", "raw"] as const;

describe("nettrace plugin new", () => {
  let place: Place;
  before(() => {
    place = createPlace();
    place.install();
  });
  after(() => place[Symbol.dispose]());

  for (const kind of KINDS) {
    it(`writes a plugin that loads, and a test that passes: ${kind}`, () => {
      const made = place.run(["plugin", "new", `my-${kind}`, "--kind", kind]);
      assert.deepEqual([made.code, made.stderr], [0, ""]);
      const { status, stderr } = spawnSync(bun, ["test", `my-${kind}.test.ts`], { cwd: place.path, encoding: "utf8" });
      assert.equal(status, 0, stderr);
      assert.match(stderr, /\n \d{3} pass\n(?: \d+ skip\n)? 0 fail\n/);
      const help = place.run(["trace", "--help", "--plugin", `./my-${kind}.ts`]);
      assert.match(help.stdout, new RegExp(`\nmy-${kind}: `));
      assert.equal(statSync(join(place.path, `my-${kind}.ts`)).mode & 0o777, 0o644);
    });
  }

  it("writes what the compiler's strictest checks pass", () => {
    const config = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
    const types = ["bun-types", "@types/node"].map((name) => join(root, "node_modules", name));
    const { compilerOptions } = config;
    place.write("tsconfig.json", JSON.stringify({ compilerOptions: { ...compilerOptions, types }, include: ["*.ts"] }));
    const { status, stdout } = spawnSync(join(root, "node_modules", ".bin", "tsc"), ["-p", "."], {
      cwd: place.path,
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout);
  });

  it("writes over nothing, and asks for a usable name and kind", () => {
    place.write("there.test.ts", "mine");
    const cases: readonly (readonly [args: readonly string[], why: RegExp])[] = [
      [["there"], /^nettrace: Cannot write there\.test\.ts: there is one already\n$/],
      [["../up"], /Cannot make the plugin \.\.\/up: a name is kebab-case/],
      [[""], /Cannot make the plugin "": a name is kebab-case/],
      [["d".repeat(33)], /at most 32 characters\n$/],
      [["x", "--kind", "sctp"], /Cannot use --kind sctp: it must be raw, udp or tcp\n$/],
      [[], /Cannot make a plugin: no name is given, as in nettrace plugin new dns\n$/],
      [["x", "--frob"], /unknown option '--frob'/],
    ];
    for (const [args, why] of cases) {
      const { code, stderr } = place.run(["plugin", "new", ...args]);
      assert.match(stderr, /^nettrace: Cannot [^\n]+\n$/);
      assert.match(stderr, why);
      assert.equal(code, 2);
    }
    assert.equal(readFileSync(join(place.path, "there.test.ts"), "utf8"), "mine");
    assert.equal(statSync(join(place.path, "there.ts"), { throwIfNoEntry: false }), undefined);
  });
});

describe("nettrace plugin", () => {
  it("lists the built-in plugins with what their modes need, and the user's with their files or why not", () => {
    using place = createPlace();
    const empty = place.run(["plugin", "list"]);
    assert.match(empty.stdout, /^icmp +built in +.*; raw needs root or CAP_NET_RAW, ping-socket needs a group /m);
    assert.match(empty.stdout, /^tcp-connect +built in +.*; connect needs no privilege$/m);
    assert.match(empty.stdout, /^no plugins of your own in .*\/home\/\.config\/nettrace\/plugins$/m);
    const folder = "home/.config/nettrace/plugins";
    const good = place.write(`${folder}/good.ts`, "");
    place.write(`${folder}/icmp.ts`, "");
    place.write(`${folder}/packed/package.json`, '{"main": "nowhere.js"}');
    const { code, stdout } = place.run(["plugin", "list"]);
    assert.match(stdout, new RegExp(`^good +trusted +${good}$`, "m"));
    assert.match(stdout, /^icmp +refused +.*icmp\.ts: a built-in plugin has that name$/m);
    assert.match(stdout, /^packed +refused +.*packed: there is no such file$/m);
    assert.equal(code, 0);
  });

  it("explains itself on a screen, and refuses what it does not know", () => {
    using place = createPlace();
    for (const args of [["--help"], ["new", "--help"], ["list", "-h"], ["check", "-h"]]) {
      const { code, stdout } = place.run(["plugin", ...args]);
      assert.match(stdout, /^Usage: nettrace plugin list\n/);
      assert.ok(stdout.trimEnd().split("\n").length < 24);
      for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
      assert.equal(code, 0);
    }
    const unknown = place.run(["plugin", "frob"]);
    assert.match(unknown.stderr, /^nettrace: Cannot run plugin frob: there are list, new and check; see .*\n$/);
    const alone = place.run(["plugin"]);
    assert.match(alone.stderr, /^nettrace: Cannot run plugin alone: there are list, new and check; see .*\n$/);
    assert.deepEqual([unknown.code, alone.code], [2, 2]);
  });
});

/** The plugins that are written, and the one of the guide, pass the suite of the built-in ones. */
async function written(name: string, text: string): Promise<ProtocolPlugin> {
  using place = createPlace();
  place.install();
  const { default: plugin } = await import(place.write(`${name}.ts`, text));
  return plugin;
}

const { pluginTemplate } = await import("../../cli/plugins/templates.ts");
const guide = readFileSync(join(root, "docs", "writing-plugins.md"), "utf8");
const ntp = [...guide.matchAll(/^```ts ntp\.ts\n([\s\S]*?)^```$/gm)].map(([, text]) => text).join("\n");
const echo = { open: { udp: (payload: Uint8Array) => payload } };

const myUdp = await written("my-udp", pluginTemplate("my-udp", "udp"));
pluginContract("plugin new --kind udp", myUdp, simPluginBenches({ port: 7, ...echo }), {
  marks: { plain: "answers", closed: "closed" },
  mode: "error-queue",
});
const myTcp = await written("my-tcp", pluginTemplate("my-tcp", "tcp"));
pluginContract("plugin new --kind tcp", myTcp, simPluginBenches({ port: 443 }), {
  marks: { plain: "open", closed: "closed" },
});
const myRaw = await written("my-raw", pluginTemplate("my-raw", "raw"));
pluginContract("plugin new --kind raw", myRaw, simPluginBenches({ port: 0 }), { mode: "raw" });
pluginContract("the guide's ntp", await written("ntp", ntp), simPluginBenches({ port: 123 }), {
  marks: { plain: "closed", closed: "closed" },
});
