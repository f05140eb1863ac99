import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { type HostProfile, RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import * as paths from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { runCli } from "./harness.ts";

const load = (name: string): object =>
  JSON.parse(readFileSync(new URL(`../../docs/schema/${name}`, import.meta.url), "utf8"));

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
formats(ajv);
const validateAuto = ajv.compile(load("auto-1.json"));
const validateTrace = ajv.compile(load("trace-1.json"));

function assertValid(validate: ValidateFunction, document: unknown): void {
  assert.ok(validate(document), JSON.stringify(validate.errors));
}

describe("JSON output", () => {
  it("is the promised document", async () => {
    const names = { "10.0.1.1": "r1.example" };
    const { stdout, code } = await runCli("auto dst.test -4 -q 1 --order icmp,tcp-syn --format json", {
      topology: paths.plain(2),
      host: RESTRICTED,
      names,
    });
    const document = JSON.parse(stdout);
    const [icmp] = document.attempts;
    const sent = document.attempts[1].sent;
    assert.equal(icmp.verdict, "denied");
    assert.ok(icmp.refused_sends > 0);
    const trace = {
      protocol: "tcp-syn",
      port: 443,
      mode: "raw",
      outcome: "reached",
      target_hop: 2,
      loop: null,
      hops: [
        {
          hop: 1,
          sent: 1,
          received: 1,
          rtt: { count: 1, best_ms: 2, mean_ms: 2, worst_ms: 2, last_ms: 2, deviation_ms: null, jitter_ms: null },
          probes: [
            {
              state: "answered",
              address: "10.0.1.1",
              name: "r1.example",
              rtt_ms: 2,
              effect: "transit",
              mark: null,
              icmp: { type: 11, code: 0 },
              mpls: [],
              reply_hop_limit: 255,
              quoted_hop_limit: 1,
              mtu: null,
              late: false,
              tapped: false,
              flow: 0,
              scout: false,
            },
          ],
        },
        {
          hop: 2,
          sent: 1,
          received: 1,
          rtt: { count: 1, best_ms: 4, mean_ms: 4, worst_ms: 4, last_ms: 4, deviation_ms: null, jitter_ms: null },
          probes: [
            {
              state: "answered",
              address: "198.51.100.10",
              name: null,
              rtt_ms: 4,
              effect: "reached",
              mark: "open",
              icmp: null,
              mpls: [],
              reply_hop_limit: 63,
              quoted_hop_limit: null,
              mtu: null,
              late: false,
              tapped: false,
              flow: 0,
              scout: false,
            },
          ],
        },
      ],
    };
    assert.deepEqual(document, {
      schema: "nettrace.auto/1",
      target: { name: "dst.test", address: "198.51.100.10", family: 4 },
      source: { address: "192.0.2.1", interface: "eth0" },
      started: "2026-01-02T03:04:05.678Z",
      duration_ms: document.duration_ms,
      exit: { code: 0, meaning: "reached" },
      attempts: [
        {
          protocol: "icmp",
          port: null,
          mode: "raw",
          verdict: "denied",
          stage: "send",
          errno: "EPERM",
          reason: "an OUTPUT rule drops it",
          farthest_hop: null,
          duration_ms: icmp.duration_ms,
          sent: 0,
          received: 0,
          refused_sends: icmp.refused_sends,
          tapped_only: 0,
          unattributed_answers: 0,
          connect: null,
          trace: null,
        },
        {
          protocol: "tcp-syn",
          port: 443,
          mode: "raw",
          verdict: "reached",
          stage: null,
          errno: null,
          reason: "port open",
          farthest_hop: 2,
          duration_ms: document.attempts[1].duration_ms,
          sent,
          received: document.attempts[1].received,
          refused_sends: 0,
          tapped_only: 0,
          unattributed_answers: 0,
          connect: null,
          trace,
        },
      ],
      winner: 1,
      trace,
    });
    assert.equal(code, 0);
  });

  const cases: readonly { readonly name: string; readonly topology: Topology; readonly host?: HostProfile }[] = [
    { name: "a plain path", topology: paths.plain(4) },
    { name: "the scenario", topology: paths.scenario(), host: RESTRICTED },
    { name: "the scenario without privilege", topology: paths.scenario(), host: { ...RESTRICTED, ...UNPRIVILEGED } },
    { name: "a filtered path", topology: paths.filtered() },
    { name: "a closed target", topology: paths.closed() },
    { name: "a silent target", topology: paths.silent() },
    { name: "an unreachable target", topology: paths.unreachable() },
    { name: "a loop", topology: paths.loop() },
    { name: "MPLS labels", topology: paths.mpls() },
    { name: "NAT", topology: paths.nat(false) },
    { name: "loss", topology: paths.lossy(0.5) },
    { name: "hostile answers", topology: paths.hostile() },
    { name: "a refused host", topology: paths.plain(3), host: { output: [{ action: { do: "drop" } }] } },
    {
      name: "a local REJECT",
      topology: paths.plain(3),
      host: { output: [{ action: { do: "reject", with: "icmp" } }] },
    },
    { name: "no route", topology: paths.plain(3), host: { refusedRoutes: [{ errno: "ENETUNREACH" }] } },
    { name: "the packet tap", topology: paths.plain(3), host: { inputDropsIcmpErrors: true } },
  ];
  for (const { name, ...run } of cases) {
    it(`follows its schema for ${name}, over IPv4 and IPv6`, async () => {
      for (const family of ["-4", "-6"]) {
        const host = family === "-4" ? "dst.test" : "2001:db8:ffff::10";
        const argv = ["auto", host, family, "--format", "json"];
        const auto = await runCli(argv, run);
        const document = JSON.parse(auto.stdout);
        assertValid(validateAuto, document);
        assert.equal(document.exit.code, auto.code);
      }
      for (const protocol of ["icmp", "udp", "tcp-syn", "tcp-connect:80"]) {
        const trace = await runCli(`trace 198.51.100.10 -P ${protocol} --format json`, run);
        assertValid(validateTrace, JSON.parse(trace.stdout));
      }
    });
  }

  it("gives null for what is not known, and never 0", async () => {
    const { stdout } = await runCli("trace dst.test -4 -P icmp -q 1 --format json", { topology: paths.silent() });
    const document = JSON.parse(stdout);
    const last = document.trace.hops.at(-1);
    assert.deepEqual(last.probes, [{ state: "lost", address: null, rtt_ms: null, flow: 0, scout: false }]);
    assert.deepEqual(last.rtt, {
      count: 0,
      best_ms: null,
      mean_ms: null,
      worst_ms: null,
      last_ms: null,
      deviation_ms: null,
      jitter_ms: null,
    });
  });

  it("gives each attempt that sent anything its own hops", async () => {
    const { stdout } = await runCli("auto dst.test -4 --format json", { topology: paths.filtered() });
    const { attempts, winner, trace } = JSON.parse(stdout);
    assert.equal(winner, 2);
    assert.deepEqual(attempts[2].trace, trace);
    assert.equal(attempts[0].verdict, "filtered");
    assert.equal(attempts[0].trace.hops.length, 16);
    assert.equal(attempts[0].farthest_hop, 4);
  });

  it("has no byte that a terminal obeys, and loses nothing of a name", async () => {
    const hostile = "\x1b[31m\x07\x9b2J\u202e\u200b\x7f\u2028é\u{e0001}";
    const run = { topology: paths.plain(2), names: { "10.0.1.1": hostile } };
    const { stdout } = await runCli("trace dst.test -4 -P icmp --format json", run);
    assert.match(stdout, /^[\x20-\x7eé]+\n$/);
    assert.equal(JSON.parse(stdout).trace.hops[0].probes[0].name, hostile);
  });

  it("has no names with -n", async () => {
    const run = { topology: paths.plain(2), names: { "10.0.1.1": "r1.example" } };
    const { stdout } = await runCli("trace dst.test -4 -P icmp -n --format json", run);
    assert.equal(JSON.parse(stdout).trace.hops[0].probes[0].name, null);
  });
});
