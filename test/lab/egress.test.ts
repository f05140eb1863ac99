import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { nettrace, TIME, USERS, type User, withLab } from "./executable.ts";
import type { Lab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const SCHEMA = JSON.parse(readFileSync(new URL("../../docs/schema/egress-1.json", import.meta.url), "utf8")) as object;
const validate = new Ajv2020({ strict: false }).compile(SCHEMA);

interface Document {
  readonly ways: readonly {
    readonly family: number;
    readonly interface: string;
    readonly findings: readonly {
      readonly protocol: string;
      readonly port: number | null;
      readonly state: string;
      readonly errno: string | null;
    }[];
    readonly not_tried: readonly { readonly protocol: string }[];
  }[];
}

const PORTS = "22,79-81,443,8443";

async function measure(lab: Lab, user: User, ...args: readonly string[]): Promise<Document["ways"]> {
  const { stdout, stderr } = await nettrace(lab, user, "egress", "--ports", PORTS, "--format", "json", ...args);
  const document: unknown = JSON.parse(stdout || `"${stderr}"`);
  const isValid: boolean = validate(document);
  assert.ok(isValid, JSON.stringify(validate.errors));
  return (document as Document).ways;
}

const portsOf = (way: Document["ways"][number] | undefined, protocol: string, state: string): (number | null)[] =>
  (way?.findings ?? []).filter((each) => each.protocol === protocol && each.state === state).map(({ port }) => port);

describeInLab("nettrace egress, the executable", import.meta.filename, () => {
  for (const user of USERS) {
    it(
      `finds the two ports of the restricted host behind a silent first router, IPv4 and IPv6, as ${user}`,
      TIME,
      async () => {
        await withLab(SCENARIOS.restricted(), async (lab) => {
          const ways = await measure(lab, user);
          assert.deepEqual(
            ways.map(({ family, interface: name }) => [family, name]),
            [
              [4, "eth1"],
              [6, "eth1"],
            ],
          );
          for (const way of ways) {
            assert.deepEqual(portsOf(way, "tcp", "out"), [80, 443]);
            assert.deepEqual(portsOf(way, "tcp", "refused"), [22, 79, 81, 8443]);
            assert.deepEqual(portsOf(way, "udp", "refused"), [22, 79, 80, 81, 443, 8443]);
            if (user === "root") assert.deepEqual(portsOf(way, "icmp", "refused"), [null]);
            else
              assert.deepEqual(
                way.not_tried.map(({ protocol }) => protocol),
                ["icmp"],
              );
          }
        });
      },
    );

    it(
      `takes this host's own REJECT for a refusal, and a router's answer for a way out, as ${user}`,
      TIME,
      async () => {
        await withLab(SCENARIOS.reject(), async (lab) => {
          const [way] = await measure(lab, user, "-4");
          assert.deepEqual(
            [portsOf(way, "tcp", "out"), portsOf(way, "tcp", "refused")],
            [
              [80, 443],
              [22, 79, 81, 8443],
            ],
          );
        });
      },
    );
  }

  it("sends nothing past the first router", TIME, async () => {
    await withLab(SCENARIOS.plain(), async (lab) => {
      const received = async (): Promise<string> =>
        (await lab.run("r2", ["sh", "-c", "grep ^Ip: /proc/net/snmp"])).stdout;
      const before = await received();
      const ways = await measure(lab, "root", "-4", lab.target.v4);
      assert.ok(ways[0]?.findings.every(({ state }) => state === "out"));
      assert.equal(await received(), before);
    });
  });

  it("prints a table that merges ranges, and exits 3 where there is no way out", TIME, async () => {
    await withLab(SCENARIOS.restricted(), async (lab) => {
      const { stdout, code } = await nettrace(lab, "root", "egress", "-4", "--ports", PORTS, "--protocols", "tcp");
      assert.match(stdout, /^ {2}tcp 80,443: out \(it left this host; nobody answers\)$/m);
      assert.match(stdout, /^ {2}all other tcp that was tried \(4 ports\): refused \(EPERM\)$/m);
      assert.equal(code, 0);
      await lab.setHostRoutes({ v4: "missing", v6: "missing" });
      const closed = await nettrace(lab, "nobody", "egress", "-4");
      assert.equal(closed.code, 3);
      assert.match(closed.stdout, /no way out \(ENETUNREACH\)/);
    });
  });
});
