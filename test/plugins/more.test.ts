import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProtocolPlugin } from "nettrace";
import { type ConformanceRun, conformance } from "nettrace/testing";
import { service as sctpService } from "../../examples/plugins/sctp.ts";
import { dccp, ip, sctp, tcpSegment, udpLite } from "../../plugins/more.ts";

type Service = (payload: Uint8Array) => Uint8Array | undefined;

/** A Response to a Request, with what RFC 4340 §5.1 and §5.3 ask for; its checksum is nobody's to check. */
const dccpService: Service = (request) => {
  const answer = new Uint8Array(28);
  answer.set(request.subarray(2, 4), 0);
  answer.set(request.subarray(0, 2), 2);
  answer[4] = 7;
  answer[8] = (1 << 1) | 1;
  answer.set(request.subarray(10, 16), 18);
  return answer;
};

const PLUGINS: readonly { readonly plugin: ProtocolPlugin; readonly service: Service }[] = [
  { plugin: sctp, service: sctpService },
  { plugin: dccp, service: dccpService },
  { plugin: ip, service: (payload) => payload },
  { plugin: tcpSegment, service: (payload) => payload },
  { plugin: udpLite, service: (payload) => payload },
];

async function reasonsOf(runs: readonly ConformanceRun[]): Promise<readonly string[]> {
  const reasons: string[] = [];
  for (const { title, run, skip } of runs) {
    if (skip !== false) continue;
    await run().catch((error: unknown) => {
      reasons.push(`${title}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  return reasons;
}

describe("the protocols that auto does not try", () => {
  for (const { plugin, service } of PLUGINS) {
    it(`pass the contract's cases: ${plugin.name}`, async () => {
      const runs = conformance(plugin, { service });
      assert.ok(runs.filter(({ skip }) => skip === false).length > 50, `only ${runs.length} runs`);
      assert.deepEqual(await reasonsOf(runs), []);
    });
  }
});
