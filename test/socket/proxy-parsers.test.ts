import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readConnectAnswer } from "../../core/proxy/http-connect.ts";
import type { Parser } from "../../core/proxy/parsed.ts";
import { readLogin, readMethod, readSocksReply } from "../../core/proxy/socks5.ts";

const text = (each: string): Uint8Array => new TextEncoder().encode(each);

/** Park and Miller's, so that a failure can be had again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const GOOD: readonly (readonly [name: string, parse: Parser<unknown>, bytes: Uint8Array])[] = [
  ["an answer of HTTP", readConnectAnswer, text("HTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\n\r\n")],
  [
    "an answer of HTTP, its lines ending in LF",
    readConnectAnswer,
    text("HTTP/1.0 407 No\nProxy-Authenticate: Basic\n\n"),
  ],
  ["interim answers", readConnectAnswer, text("HTTP/1.1 100 C\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")],
  ["a method", readMethod, Uint8Array.of(5, 2)],
  ["a login", readLogin, Uint8Array.of(1, 0)],
  ["a reply with IPv4", readSocksReply, Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 80)],
  ["a reply with IPv6", readSocksReply, Uint8Array.of(5, 0, 0, 4, ...new Uint8Array(16), 0, 80)],
  ["a reply with a name", readSocksReply, Uint8Array.of(5, 0, 0, 3, 3, 97, 98, 99, 0, 80)],
];

describe("what reads the answers of proxies", () => {
  for (const [name, parse, bytes] of GOOD) {
    it(`waits for all of ${name}, and takes no octet more`, () => {
      for (let length = 0; length < bytes.length; length += 1) {
        assert.deepEqual(parse(bytes.subarray(0, length)), { state: "more" }, `${length} octets`);
      }
      const whole = parse(bytes);
      assert.equal(whole.state === "done" && whole.length, bytes.length);
      assert.deepEqual(parse(Uint8Array.of(...bytes, 22, 3, 1)), whole);
    });
  }

  it("throws at nothing, and always comes to a result that more octets do not change", () => {
    const random = randomFrom(20_261_123);
    for (let round = 0; round < 4000; round += 1) {
      const [, parse, good] = GOOD[round % GOOD.length] ?? assert.fail();
      const bytes = round % 3 === 0 ? new Uint8Array(random(80)).map(() => random(256)) : good.slice();
      for (let change = random(4); change > 0 && bytes.length > 0; change -= 1)
        bytes[random(bytes.length)] = random(256);
      let before = parse(new Uint8Array());
      for (let length = 1; length <= bytes.length; length += 1) {
        const now = parse(bytes.subarray(0, length));
        if (before.state === "foreign") assert.equal(now.state, "foreign");
        if (before.state === "done") assert.equal(now.state, "done");
        before = now;
      }
    }
  });
});
