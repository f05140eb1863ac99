import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { pluginTemplate } from "../../cli/plugins/templates.ts";
import { createPlace, executable, type Place, root } from "./place.ts";

const EXAMPLES = join(root, "examples", "plugins");

/** A plugin from `plugin new`, with one thing of its session changed. */
function faulty(change: string): string {
  return `import good from "./good.ts";
const loop = () => { for (;;); };
export default { ...good, name: "faulty", open(network, target, options) {
  const session = good.open(network, target, options);
  return Object.assign({
    mode: session.mode,
    send: (probe) => session.send(probe),
    match: (arrival) => session.match(arrival),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  }, ${change});
} };
export { service } from "./good.ts";
`;
}

interface Case {
  readonly name: string;
  readonly outcome: string;
  readonly runs: readonly { readonly family: number; readonly host: string; readonly reason: string | null }[];
}

describe("nettrace plugin check", () => {
  let place: Place;
  before(() => {
    place = createPlace();
    place.write("good.ts", pluginTemplate("good", "udp"));
    for (const name of readdirSync(EXAMPLES)) {
      copyFileSync(join(EXAMPLES, name), place.write(name, ""));
    }
  });
  after(() => place[Symbol.dispose]());

  /** The cases that a plugin failed, with their reasons. */
  const failuresOf = (text: string, ...args: readonly string[]) => {
    place.write("faulty.ts", text);
    const ran = place.run(["plugin", "check", "./faulty.ts", "--format", "json", ...args]);
    const { cases } = JSON.parse(ran.stdout) as { readonly cases: readonly Case[] };
    const failed = cases.filter(({ outcome }) => outcome === "failed");
    const reasons = failed.map(({ name, runs }) => [name, runs.flatMap(({ reason }) => reason ?? [])] as const);
    return { code: ran.code, cases, failed: new Map(reasons) };
  };

  for (const name of readdirSync(EXAMPLES)) {
    it(`passes the example ${name}, all of it`, () => {
      const { code, stdout, stderr } = place.run(["plugin", "check", `./${name}`]);
      assert.match(stdout, /^[a-z-]+ to port \d+ on the simulated network, over IPv4 and IPv6: as root/);
      assert.match(stdout, /\n\n3\d passed, 0 failed, 0 skipped\n$/);
      assert.equal(stderr, `nettrace: loads the plugin ${place.path}/${name}\n`);
      assert.equal(code, 0);
    });
  }

  for (const kind of ["udp", "raw", "tcp"] as const) {
    it(`passes what plugin new writes: ${kind}`, () => {
      assert.equal(place.run(["plugin", "new", `my-${kind}`, "--kind", kind]).code, 0);
      const { code, stdout } = place.run(["plugin", "check", `./my-${kind}.ts`]);
      // Raw IP protocols have no ports that balancers could hash.
      const skipped = kind === "raw" ? 2 : 0;
      assert.equal(stdout.match(/^skip {2}.*: balancers see no flows in IP protocol 253$/gm)?.length ?? 0, skipped);
      assert.match(stdout, new RegExp(`\n3\\d passed, 0 failed, ${skipped} skipped\n$`));
      assert.equal(code, 0);
    });
  }

  it("tells each case in a line, each failure with its reason below, and exits 1", () => {
    place.write("faulty.ts", faulty("{ mode: 'magic\\x1b[31m' }"));
    const { code, stdout } = place.run(["plugin", "check", "./faulty.ts"]);
    const lines = stdout.trimEnd().split("\n");
    assert.deepEqual(lines.slice(0, 5), [
      "faulty to port 7 on the simulated network, over IPv4 and IPv6: as root and without privilege",
      "",
      "FAIL  opens in one of the modes that it states, with no more privilege than that needs",
      '      its mode is "magic\\x1b[31m"; those it states for what this host allows: "error-queue"',
      "pass  sends nothing until asked to",
    ]);
    assert.match(lines.at(-1) ?? "", /^3\d passed, 1 failed, 0 skipped$/);
    assert.equal(code, 1);
  });

  it("says where a case fails that does not fail everywhere", () => {
    place.write("faulty.ts", faulty("target.address.family === 6 ? { match: () => undefined } : {}"));
    const { code, stdout } = place.run(["plugin", "check", "./faulty.ts"]);
    const reason = "match found no answer to the probe with hop limit 1 (router 2001:db8:1::1)";
    assert.ok(
      stdout.includes(
        `\nFAIL  sees each hop and then the target\n      IPv6, as root and without privilege: ${reason}\n`,
      ),
    );
    assert.equal(code, 1);
  });

  const faults: Readonly<Record<string, readonly [change: string, reason: string]>> = {
    "throws in send": ["{ send() { throw new Error('two\\nlines'); } }", "it failed in send: two lines"],
    "throws in match": ["{ match() { throw new Error('boom'); } }", "it failed in match: boom"],
    "throws what is no error": [
      "{ send() { throw Object.create(null); } }",
      "it failed in send: it threw what has no text",
    ],
    "sends no bytes": ["{ send() {} }", "send handed no packet to any socket"],
    "knows no answer": ["{ match() {} }", "match found no answer to the probe with hop limit 1 (router 10.0.1.1)"],
    "returns foreign sequences": [
      "{ match(arrival) { const reply = session.match(arrival); return reply && { ...reply, sequence: 4711 }; } }",
      "match named the probe 4711, which was never sent",
    ],
    "returns rubbish": ["{ match: () => 7 }", "it failed in match: it returned no reply"],
    "is asynchronous": ["{ async send() {} }", "it failed in send: it returned a promise"],
  };
  for (const [what, [change, reason]] of Object.entries(faults)) {
    it(`says of a plugin that ${what} what it did, case by case`, () => {
      const { code, failed } = failuresOf(faulty(change));
      assert.ok(failed.get("sees each hop and then the target")?.includes(reason), JSON.stringify([...failed]));
      assert.ok(failed.size > 5);
      assert.equal(code, 1);
    });
  }

  for (const called of ["send", "match", "open", "[Symbol.dispose]"]) {
    it(`ends a plugin that loops for ever in ${called}, and says so`, () => {
      const text = called === "open" ? faulty("loop()") : faulty(`{ ${called}: loop }`);
      const { code, cases, failed } = failuresOf(text, "--timeout", "0.5");
      const reason = `it did not end within 0.5 s; ${called} was called last`;
      assert.ok([...failed.values()].flat().includes(reason), JSON.stringify([...failed]));
      assert.ok(failed.size <= 3);
      // All others are still told: as passed before, or as not run.
      assert.ok(cases.length > 30);
      const reasons = cases.filter(({ outcome }) => outcome === "skipped").flatMap(({ runs }) => runs[0]?.reason ?? "");
      assert.deepEqual([...new Set(reasons)], ["not run: 3 cases did not end"]);
      assert.equal(code, 1);
    });
  }

  it("goes on with the other cases after one that does not end", () => {
    const change =
      "{ match(arrival) { const reply = session.match(arrival); if (reply?.mpls) loop(); return reply; } }";
    const { cases, failed } = failuresOf(faulty(change), "--timeout", "1");
    assert.deepEqual(Object.fromEntries(failed), {
      "reports the labels that routers quote, and none where there are none": [
        "it did not end within 1 s; match was called last",
        ...Array.from({ length: 3 }, () => "not run: this case did not end before"),
      ],
    });
    assert.ok(cases.every(({ outcome }) => outcome !== "skipped"));
  });

  it("survives a plugin that ends the process, or lets errors escape from timers and promises", () => {
    const exits = failuresOf(faulty("{ match() { process.exit(0); } }"));
    const reasons = [...exits.failed.values()].flat();
    assert.ok(reasons.includes("it ended its process (exit status 0); match was called last"), reasons.join("\n"));
    for (const way of ["setTimeout(() => { throw new Error('late'); }, 0)", "Promise.reject(new Error('late'))"]) {
      const { failed, code } = failuresOf(faulty(`{ send(probe) { session.send(probe); ${way}; } }`));
      const why = "an error escaped from a timer or a promise of its own: late";
      assert.ok([...failed.values()].flat().includes(why), JSON.stringify([...failed]));
      assert.equal(code, 1);
    }
  });

  it("leaves stdout to the report, whatever the plugin prints", () => {
    place.write("faulty.ts", `console.log("printed by the plugin");\n${faulty("{}")}`);
    const { code, stdout, stderr } = place.run(["plugin", "check", "./faulty.ts", "--format", "json"]);
    const document: unknown = JSON.parse(stdout);
    const schema = JSON.parse(readFileSync(join(root, "docs", "schema", "plugin-check-1.json"), "utf8"));
    const validate = new Ajv2020({ allErrors: true }).compile(schema);
    assert.ok(validate(document), JSON.stringify(validate.errors));
    const head = ["plugin", "file", "port", "failed"].map((key) => Object(document)[key]);
    assert.deepEqual(head, ["faulty", `${place.path}/faulty.ts`, 7, 0]);
    assert.match(stderr, /printed by the plugin/);
    assert.equal(code, 0);
  });

  it("asks for what the file exports as a service, and does without", () => {
    place.write("mute.ts", faulty("{}").replace(/^export \{ service.*$/m, ""));
    const { code, stdout } = place.run(["plugin", "check", "./mute.ts"]);
    const why = 'the target only refuses: no "service" that answers it is exported or given';
    assert.ok(stdout.includes(`\nskip  takes the target's own answer for reached: ${why}\n`));
    assert.match(stdout, /\n3\d passed, 0 failed, 1 skipped\n$/);
    assert.equal(code, 0);
  });

  it("takes the guide's word for the service behind a TCP port, and does without", () => {
    const guide = readFileSync(join(root, "docs", "writing-plugins.md"), "utf8");
    const [, ssh = ""] = /^```ts ssh\.ts\n([\s\S]*?)^```$/m.exec(guide) ?? [];
    const [service = ""] = /export const service = [^`]*/.exec(guide) ?? [];
    for (const [text, skipped] of [
      [ssh, 1],
      [`${ssh}\n${service};`, 0],
      [`${ssh}\nexport const service = () => ({ bytes: Uint8Array.from([83, 83, 72]), end: "closed" });`, undefined],
    ] as const) {
      place.write("ssh.ts", text);
      const { code, stdout } = place.run(["plugin", "check", "./ssh.ts"]);
      const failed = /\nFAIL {2}takes the target's own answer for reached\n {6}the effect .* is "unreachable"/.test(
        stdout,
      );
      assert.equal(failed, skipped === undefined);
      if (skipped !== undefined) assert.match(stdout, new RegExp(`\n3\\d passed, 0 failed, ${skipped} skipped\n$`));
      assert.equal(code, failed ? 1 : 0);
    }
  });

  it("sends to the port that is asked for", () => {
    const { code, stdout } = place.run(["plugin", "check", "./tcp-ack.ts", "--port", "8443"]);
    assert.match(stdout, /^tcp-ack to port 8443 on /);
    assert.equal(code, 0);
  });

  it("is refused in one line with exit 2 where there is nothing to check, or not by us", () => {
    const open = place.write("open.ts", "");
    chmodSync(open, 0o666);
    place.write("loops.ts", "for (;;);");
    place.write("exits.ts", "process.exit(5);");
    place.write("empty.ts", "");
    place.write("odd.ts", `${pluginTemplate("odd", "tcp")}\nexport const service = 7;`);
    const cases: readonly (readonly [args: readonly string[], why: RegExp])[] = [
      [[], /Cannot check a plugin: no file is given, as in nettrace plugin check \.\/dns\.ts$/],
      [["./nowhere.ts"], /Cannot load the plugin \.\/nowhere\.ts: there is no such file$/],
      [["./open.ts"], /Cannot load the plugin \.\/open\.ts: others may write .*open\.ts/],
      [["./empty.ts"], /it has no default export$/],
      [["./exits.ts"], /Cannot load the plugin \.\/exits\.ts: it ended its process \(exit status 5\)$/],
      [["./odd.ts"], /Cannot check the plugin .*odd\.ts: its export service is no function$/],
      [["./good.ts", "--port", "0"], /Cannot use --port 0: a port is a whole number/],
      [["./good.ts", "--timeout", "soon"], /Cannot use --timeout soon: it must be a number of seconds/],
      [["./good.ts", "--format", "xml"], /Cannot use --format xml: it must be text or json$/],
    ];
    for (const [args, why] of cases) {
      const { code, stdout, stderr } = place.run(["plugin", "check", ...args]);
      const told = stderr.replace(/^nettrace: loads the plugin .*\n/, "");
      assert.match(told, /^nettrace: Cannot [^\n]+\n$/);
      assert.match(told.trimEnd(), why);
      assert.deepEqual([code, stdout], [2, ""]);
    }
  });

  it("ends a file that loops for ever while it is loaded, with exit 2", { timeout: 30_000 }, () => {
    place.write("loops.ts", "for (;;);");
    const { code, stderr } = place.run(["plugin", "check", "./loops.ts", "--timeout", "1"]);
    assert.match(stderr, /\nnettrace: Cannot load the plugin \.\/loops\.ts: it did not end within 5 s\n$/);
    assert.equal(code, 2);
  });

  it("ends with what it started when it is told to", async () => {
    place.write("faulty.ts", faulty("loop()"));
    const child = spawn(executable, ["plugin", "check", "./faulty.ts", "--timeout", "60"], {
      cwd: place.path,
      env: { HOME: place.path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    await once(child.stderr, "data");
    child.kill("SIGTERM");
    // Its streams end with the last process that has them.
    const [code] = await once(child, "close");
    assert.equal(code, 143);
  });
});
