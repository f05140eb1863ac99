import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { stateDirectory } from "./access.ts";
import { runtime } from "./command.ts";
import { oneInThree, open, restricted } from "./firewalls.ts";
import { createLab, type Lab } from "./lab.ts";
import { sweep } from "./lifetime.ts";
import { planLab } from "./plan.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const FILE = fileURLToPath(import.meta.url);
const TIME = { timeout: 60_000 };
const FAMILIES = ["v4", "v6"] as const;
const FLAG = { v4: "-4", v6: "-6" } as const;

/** The addresses of each hop as the real traceroute prints them; a silent hop has none. */
async function traceroute(lab: Lab, family: "v4" | "v6", ...how: readonly string[]): Promise<string[][]> {
  const argv = ["traceroute", FLAG[family], "-n", "-m", "16", "-w", "0.5", ...how, lab.target[family]];
  const { stdout, stderr, code } = await lab.run("host", argv);
  assert.equal(code, 0, stderr);
  const lines = stdout.split("\n").filter((line) => /^ *\d+ /.test(line));
  return lines.map((line) =>
    [...new Set(line.match(/[0-9a-f.]*[:.][0-9a-f.:]+(?= {2})/g) ?? [])].filter((a) => /[:.].*[:.]/.test(a)).sort(),
  );
}

function namespacesOf(lab: Lab): string[] {
  return readdirSync("/run/netns").filter((name) => name.startsWith(`${lab.name}-`));
}

describeInLab("a lab of namespaces", FILE, () => {
  describe("the restricted host", () => {
    let lab: Lab;
    before(async () => {
      lab = await createLab(SCENARIOS.restricted());
    }, TIME);
    after(() => lab[Symbol.dispose]());

    for (const family of FAMILIES) {
      it(`shows the real traceroute all twelve hops by TCP 443, ${family}`, TIME, async () => {
        const hops = await traceroute(lab, family, "-T", "-p", "443", "-q", "4");
        assert.equal(hops.length, 12);
        assert.deepEqual(hops[0], []);
        assert.deepEqual(hops[11], [lab.target[family]]);
        for (const [index, routers] of lab.hops.entries()) {
          const known = routers.map((router) => router[family]);
          const seen = hops[index] ?? [];
          assert.ok(routers[0]?.silent || seen.length > 0, `hop ${index + 1} is seen`);
          assert.deepEqual(
            seen.filter((address) => !known.includes(address)),
            [],
          );
        }
      });

      it(`lets neither ping nor a traceroute by ICMP or UDP out, ${family}`, TIME, async () => {
        const ping = await lab.run("host", ["ping", FLAG[family], "-c", "1", "-W", "1", lab.target[family]]);
        assert.equal(ping.code, 1, ping.stdout);
        for (const how of ["-I", "-U"]) {
          const trace = await lab.run("host", ["traceroute", FLAG[family], how, "-n", lab.target[family]]);
          assert.match(trace.stderr, /Operation not permitted/);
        }
      });
    }

    it("holds exactly the rules of the file", TIME, async () => {
      const file = readFileSync(new URL("./restricted-host.rules", import.meta.url), "utf8");
      const wanted = file.split("\n").filter((line) => line.startsWith("-A ")).length;
      const { stdout } = await lab.run("host", ["iptables-save", "-t", "filter"]);
      assert.equal(stdout.split("\n").filter((line) => line.startsWith("-A ")).length, wanted);
      assert.equal(stdout.match(/^:\w+ DROP /gm)?.length, 3);
    });

    it("gives nobody no capability, and a name server to ask", TIME, async () => {
      const status = await lab.run("host", ["cat", "/proc/self/status"], { user: "nobody" });
      assert.match(status.stdout, /^CapPrm:\s+0+$/m);
      assert.match(status.stdout, /^CapBnd:\s+0+$/m);
      const name = await lab.run("host", ["getent", "ahosts", lab.target.name], { user: "nobody" });
      assert.ok(name.stdout.includes(lab.target.v4) && name.stdout.includes(lab.target.v6), name.stdout);
    });

    it("changes its rules and routes while it lives", TIME, async () => {
      const ping = async (): Promise<number | undefined> =>
        (await lab.run("host", ["ping", "-c", "1", "-W", "1", lab.target.v4])).code;
      await lab.setFirewall(open());
      assert.equal(await ping(), 0);
      await lab.setHostRoutes({ v4: "prohibit", v6: "missing" });
      assert.equal(await ping(), 2);
      await lab.setHostRoutes({});
      assert.equal(await ping(), 0);
      await lab.setFirewall(SCENARIOS.nft().host?.firewall ?? open());
      assert.equal(await ping(), 1);
      await lab.setFirewall(oneInThree());
      await lab.setFirewall(restricted());
      assert.equal(await ping(), 1);
    });
  });

  it("filters ICMP and UDP in mid-path, and lets TCP and all answers through", TIME, async () => {
    using lab = await createLab(SCENARIOS.midPathFilter());
    for (const family of FAMILIES) {
      const tcp = await traceroute(lab, family, "-T", "-p", "443");
      assert.deepEqual(tcp, [...lab.hops.map(([router]) => [router?.[family] ?? ""]), [lab.target[family]]]);
      const udp = await traceroute(lab, family, "-U", "-p", "33434", "-q", "1");
      assert.deepEqual(udp.slice(0, 4), tcp.slice(0, 4));
      assert.deepEqual(udp.slice(4).flat(), []);
    }
  });

  it("has no namespace, process or directory left once it is disposed of", TIME, async () => {
    const lab = await createLab(SCENARIOS.plain());
    assert.ok(namespacesOf(lab).length > 0);
    const sleeper = lab.spawn("r2", ["sleep", "600"]);
    const ended = new Promise((resolve) => sleeper.once("close", (_code, signal) => resolve(signal)));
    lab[Symbol.dispose]();
    assert.equal(await ended, "SIGKILL");
    assert.deepEqual(namespacesOf(lab), []);
    assert.equal(existsSync(lab.directory), false);
  });

  it("has nothing left when it cannot be built", TIME, async () => {
    const broken = { hops: [{ rules: { v4: ["-A NOWHERE -j DROP"] } }] };
    const left = (): string[] => readdirSync("/run/netns").filter((name) => name.startsWith(`ntl${process.pid}-`));
    const already = left();
    await assert.rejects(createLab(broken), /^Error: Cannot build the lab: .*/);
    assert.deepEqual(left(), already);
  });

  for (const end of ["SIGINT", "SIGTERM", "exception", "exit"] as const) {
    it(`has nothing left when its process ends by ${end}`, TIME, async () => {
      const { name } = await endOf(end);
      assert.deepEqual(
        readdirSync("/run/netns").filter((found) => found.startsWith(name)),
        [],
      );
    });
  }

  it("is swept away after its process was killed", TIME, async () => {
    const { name } = await endOf("SIGKILL");
    // Perhaps another run has swept it already: all of them sweep.
    sweep();
    assert.deepEqual(
      readdirSync("/run/netns").filter((found) => found.startsWith(name)),
      [],
    );
  });
});

/** Lets another process build a lab and come to its end so. */
async function endOf(end: NodeJS.Signals | "exception" | "exit"): Promise<{ readonly name: string }> {
  const directory = mkdtempSync(join(stateDirectory(), "lab-end-"));
  try {
    const program = join(directory, "end.ts");
    const ending = end === "exception" ? "throw new Error('as the test wants')" : "process.exit(3)";
    writeFileSync(
      program,
      `import { createLab } from ${JSON.stringify(fileURLToPath(new URL("./lab.ts", import.meta.url)))};
const lab = await createLab({ hops: [{}, {}] });
process.stdout.write(lab.name + "\\n");
process.stdin.on("end", () => { ${ending} }).resume();
`,
    );
    const [file = "", ...rest] = runtime(new URL(`file://${program}`));
    const child = spawn(file, rest, { stdio: ["pipe", "pipe", "pipe"] });
    const closed = new Promise((resolve) => child.once("close", resolve));
    const name = await new Promise<string>((resolve, reject) => {
      child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
      child.once("close", () => reject(new Error("Cannot see the lab's name: the process ended before")));
    });
    if (end.startsWith("SIG")) child.kill(end as NodeJS.Signals);
    else child.stdin.end();
    await closed;
    assert.match(name, /^ntl\d+-\d+$/);
    return { name };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe("the plan of a lab", () => {
  it("refuses specs that no kernel could build", () => {
    assert.throws(() => planLab({ hops: [{ routers: [] }] }), RangeError);
    assert.throws(() => planLab({ hops: [{ route: "loop" }] }), RangeError);
  });

  it("joins one to one by a cable and more by a bridge", () => {
    const { links, namespaces } = planLab({ hops: [{}, { routers: [{}, {}] }] });
    assert.deepEqual([...namespaces.keys()].sort(), ["dns", "host", "r1", "r2a", "r2b", "target", "wires"]);
    assert.ok(links.some(([a, b]) => a[0] === "host" && b[0] === "r1"));
    assert.equal(links.filter((ends) => ends.some(([name]) => name === "wires")).length, 6);
  });
});
