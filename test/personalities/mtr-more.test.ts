import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { IpAddress } from "../../core/address.ts";
import { RESTRICTED } from "../../core/sim/host.ts";
import { plain } from "../../core/sim/topologies.ts";
import { readU16 } from "../../core/wire/mod.ts";
import { runCli, text } from "../cli/harness.ts";

const ADDRESS = "198.51.100.10";

describe("mtr's streams, networks and SCTP", () => {
  it("writes raw events as they happen", async () => {
    const { stdout } = await runCli(`mtr -c 2 -l ${ADDRESS} -n`, { topology: plain(2) });
    assert.equal(
      stdout,
      text`
        x 0 33000
        h 0 10.0.1.1
        h 0 10.0.1.1
        p 0 2000 33000
        x 1 33001
        h 1 198.51.100.10
        h 1 198.51.100.10
        p 1 4000 33001
        x 0 33002
        p 0 2000 33002
        x 1 33003
        p 1 4000 33003
      `,
    );
  });

  it("writes a line of the split format whenever a hop has changed", async () => {
    const { stdout } = await runCli(`mtr -c 2 -pnb ${ADDRESS}`, { topology: plain(2) });
    assert.equal(
      stdout
        .split("\n")
        .filter((line) => !/ 50000 /.test(line))
        .join("\n"),
      text`
        1 10.0.1.1 10.0.1.1 0 1 1 2 2 2
        2 198.51.100.10 198.51.100.10 0 1 1 4 4 4
        1 10.0.1.1 10.0.1.1 0 1 2 2 2 2
        1 10.0.1.1 10.0.1.1 0 2 2 2 2 2
        2 198.51.100.10 198.51.100.10 0 1 2 4 4 4
        2 198.51.100.10 198.51.100.10 0 2 2 4 4 4
      `,
    );
  });

  it("begins the split format anew at r, and ends it at q, as typed or piped in", async () => {
    const input = [
      { atMs: 2500, text: "x\nR\n" },
      { atMs: 4200, text: "q" },
    ];
    const { code, stdout, stderr } = await runCli(`mtr -pn ${ADDRESS}`, { topology: plain(2), input });
    assert.equal(stderr, "");
    assert.equal(code, 0);
    const [before = "", after = ""] = stdout.split("1 10.0.1.1 0 0 0 0 0 0\n2 198.51.100.10 0 0 0 0 0 0\n");
    assert.match(before, /^1 10\.0\.1\.1 0 3 3 2 2 2$/m);
    assert.match(after, /^1 10\.0\.1\.1 0 1 1 2 2 2$/m);
    assert.match(after, /^2 198\.51\.100\.10 0 1 1 4 4 4$/m);
    assert.doesNotMatch(stdout, /^-/m);
    assert.ok(after.length < before.length, stdout);
  });

  it("shows what else is known of networks, each in mtr's columns", async () => {
    const origin = {
      asns: [64_500],
      prefix: "10.0.0.0/16",
      country: "US",
      registry: "arin",
      allocated: "1998-09-25",
    };
    const run = {
      topology: plain(2),
      origins: async ({ text }: IpAddress) => (text === "10.0.1.1" ? origin : undefined),
    };
    const shown = ["AS64500  ", "10.0.0.0/16        ", "US  ", "arin    ", "1998-09-25 "];
    const unknown = ["AS???    ", "???                ", "??? ", "???     ", "???        "];
    for (const [field, text] of shown.entries()) {
      const { stdout } = await runCli(`mtr -rwn -c 1 -y ${field} ${ADDRESS}`, run);
      const [, , first, second] = stdout.split("\n");
      assert.equal(first?.slice(0, 5 + text.length + 8), `  1. ${text}10.0.1.1`);
      assert.equal(second?.slice(0, 5 + text.length + 13), `  2. ${unknown[field]}198.51.100.10`);
    }
  });

  it("goes by SCTP, to port 80 or the one asked for", async () => {
    for (const [flags, port] of [
      ["-S", 80],
      ["--sctp -P 9899", 9899],
    ] as const) {
      const { code, stdout, sent } = await runCli(`mtr -rn -c 1 ${flags} ${ADDRESS}`, { topology: plain(3) });
      assert.equal(code, 0);
      assert.match(stdout, /^ {2}3\.\|-- 198\.51\.100\.10 {14}0\.0% {5}1 /m);
      for (const { packet } of sent) assert.deepEqual([packet[9], readU16(packet, 22)], [132, port]);
    }
    const { code, stderr } = await runCli(`mtr -rn -c 1 -S ${ADDRESS}`, { topology: plain(3), host: RESTRICTED });
    assert.equal(code, 1);
    assert.match(stderr, /^mtr: Permission denied\nnettrace: an OUTPUT rule refuses SCTP to port 80; try: [^\n]+\n$/);
  });
});
