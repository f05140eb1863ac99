import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Arrival, type Attempt, auto, type ProbeSession, type ProtocolPlugin, trace, UsageError } from "nettrace";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain } from "../../core/sim/topologies.ts";
import { icmp } from "../../plugins/icmp.ts";
import { udp } from "../../plugins/udp.ts";

const topology = plain(4);

/** udp with one thing changed. */
function broken(change: (session: ProbeSession) => object): ProtocolPlugin {
  return {
    name: "broken",
    defaultPort: 33_434,
    open(network, target, options) {
      const session = udp.open(network, target, options);
      const base = {
        mode: session.mode,
        send: session.send.bind(session),
        match: session.match.bind(session),
        [Symbol.dispose]: () => session[Symbol.dispose](),
      };
      return Object.defineProperties(base, Object.getOwnPropertyDescriptors(change(session)));
    },
  };
}

function opening(open: () => unknown): ProtocolPlugin {
  return { name: "broken", open: open as ProtocolPlugin["open"] };
}

const fail = (): never => {
  throw new TypeError("boom");
};
const changed = (fields: object): ProtocolPlugin =>
  broken((session) => ({
    match(arrival: Arrival) {
      const reply = session.match(arrival);
      return reply && { ...reply, ...fields };
    },
  }));

async function climb(plugin: ProtocolPlugin): Promise<{ first: Attempt; second: Attempt | undefined; open: number }> {
  using network = createSimNetwork(topology, { seed: 3 });
  const ladder = [plugin, icmp].map((each) => ({ plugin: each, port: 0 }));
  const target = endpointOf(topology, 4, 0).address;
  for await (const event of auto(network, { target, ladder })) {
    if (event.type !== "finished") continue;
    const [first, second] = event.attempts;
    assert.ok(first);
    assert.equal(event.winner, second ?? first);
    return { first, second, open: network.openSockets };
  }
  throw new Error("Cannot happen: auto ends with finished");
}

describe("a plugin that breaks its contract", () => {
  const cases: Readonly<Record<string, readonly [plugin: ProtocolPlugin, reason: RegExp]>> = {
    "throws in open": [opening(fail), /failed in open: boom$/],
    "throws what is no error": [
      opening(() => {
        throw Object.create(null);
      }),
      /failed in open: it threw what has no text$/,
    ],
    "opens sockets and then throws": [broken(fail), /failed in open: boom$/],
    "returns nothing from open": [opening(() => undefined), /failed in open: it returned no session$/],
    "is asynchronous in open": [opening(() => Promise.reject(new Error("late"))), /open: it returned a promise$/],
    "has no match": [broken(() => ({ match: undefined })), /no function match$/],
    "has no mode": [broken(() => ({ mode: 7 })), /mode is not a short text$/],
    "throws in reading its mode": [
      broken(() => ({
        get mode() {
          return fail();
        },
      })),
      /failed in mode: boom$/,
    ],
    "bears no probe at all": [broken(() => ({ probesPerFlow: 0 })), /probesPerFlow/],
    "asks at odd times": [broken(() => ({ hiddenRefusalAtMs: ["soon"] })), /hiddenRefusalAtMs/],
    "throws in send": [broken(() => ({ send: fail })), /failed in send: boom$/],
    "is asynchronous in send": [
      broken(() => ({ send: () => Promise.reject(new Error("late")) })),
      /send: it returned a promise$/,
    ],
    "throws in match": [broken(() => ({ match: fail })), /failed in match: boom$/],
    "is asynchronous in match": [
      broken(() => ({ match: () => Promise.reject(new Error("late")) })),
      /match: it returned a promise$/,
    ],
    "throws in provisional": [broken(() => ({ match: () => undefined, provisional: fail })), /in provisional: boom$/],
    "returns rubbish from provisional": [
      broken(() => ({ match: () => undefined, provisional: () => 7 })),
      /provisional: it returned no reply$/,
    ],
    "returns rubbish from match": [broken(() => ({ match: () => true })), /match: it returned no reply$/],
    "returns a sequence that is none": [changed({ sequence: 1.5 }), /sequence is not a whole number/],
    "returns an effect that is none": [changed({ effect: "there" }), /effect is none of/],
    "returns a responder that did not answer": [
      changed({ from: endpointOf(plain(9), 6, 0).address }),
      /another responder/,
    ],
    "returns no responder": [changed({ from: undefined }), /another responder/],
    "returns a mark that is no text": [changed({ mark: 7 }), /mark/],
    "returns labels that are none": [changed({ mpls: [{}] }), /mpls/],
    "returns an ICMP code that is none": [changed({ icmp: { type: 3 } }), /icmp is not/],
    "returns an impossible hop limit": [changed({ quotedHopLimit: 300 }), /quotedHopLimit/],
    "returns an impossible MTU": [changed({ mtu: Number.NaN }), /mtu/],
    "names only probes that were never sent": [
      broken((session) => ({
        match(arrival: Arrival) {
          const reply = session.match(arrival);
          return reply && { ...reply, sequence: (reply.sequence + 30_000) & 0xffff };
        },
      })),
      /named \d+ probes in match that were never sent$/,
    ],
    "returns rubbish from hiddenRefusal": [
      broken(() => ({ match: () => undefined, hiddenRefusal: () => "no", hiddenRefusalAtMs: [0] })),
      /hiddenRefusal: it returned no SocketError$/,
    ],
    "throws in closing": [
      broken((session) => ({
        match: () => undefined,
        [Symbol.dispose]() {
          session[Symbol.dispose]();
          fail();
        },
      })),
      /failed in dispose: boom$/,
    ],
    "throws in hiddenRefusal": [
      broken(() => ({ match: () => undefined, hiddenRefusal: fail, hiddenRefusalAtMs: [0] })),
      /failed in hiddenRefusal: boom$/,
    ],
  };
  for (const [what, [plugin, reason]] of Object.entries(cases)) {
    it(`costs its own attempt and nothing else: it ${what}`, async () => {
      const { first, second, open } = await climb(plugin);
      assert.equal(first.verdict, "faulty");
      assert.match(first.reason, reason);
      assert.deepEqual([first.errno, first.stage], [null, null]);
      assert.equal(second?.verdict, "reached");
      assert.equal(second?.path.targetHop, 4);
      assert.equal(open, 0);
    });
  }
});

describe("a plugin that lies no more than the network does", () => {
  it("is not told from a silent network where it answers nothing", async () => {
    const { first, second } = await climb(broken(() => ({ match: () => undefined })));
    assert.equal(first.verdict, "filtered");
    assert.equal(second?.verdict, "reached");
  });

  it("may name a probe that was never sent now and then: others can forge that", async () => {
    let count = 0;
    const { first } = await climb(
      broken((session) => ({
        match(arrival: Arrival) {
          const reply = session.match(arrival);
          count += reply === undefined ? 0 : 1;
          return count === 2 && reply ? { ...reply, sequence: (reply.sequence + 30_000) & 0xffff } : reply;
        },
      })),
    );
    assert.equal(first.verdict, "reached");
  });

  it("has reached the target even if it then fails in closing, and both are told", async () => {
    const { first } = await climb(
      broken((session) => ({
        [Symbol.dispose]() {
          session[Symbol.dispose]();
          fail();
        },
      })),
    );
    assert.equal(first.verdict, "reached");
    assert.match(first.reason, /; Cannot go on: the plugin failed in dispose: boom$/);
  });

  it("ends as unsupported where it says that it cannot do what is asked", async () => {
    const { first, second } = await climb(
      opening(() => {
        throw new UsageError("Cannot use --broken.x: no");
      }),
    );
    assert.deepEqual([first.verdict, first.reason], ["unsupported", "Cannot use --broken.x: no"]);
    assert.equal(second?.verdict, "reached");
  });

  it("shows its own word for the target, and no port where it names none", async () => {
    const { first } = await climb(changed({ mark: "SERVFAIL" }));
    assert.deepEqual([first.verdict, first.reason], ["reached", "SERVFAIL"]);
  });
});

describe("the options of a plugin", () => {
  it("reach open with their defaults, in trace() and in auto()", async () => {
    const seen: unknown[] = [];
    const plugin: ProtocolPlugin = {
      ...udp,
      options: [
        { name: "word", description: "a word", type: "string", default: "hello" },
        { name: "count", description: "a number", type: "number" },
      ],
      open(network, target, options) {
        seen.push(options);
        return udp.open(network, target, options);
      },
    };
    const target = endpointOf(topology, 4, 0);
    using network = createSimNetwork(topology, { seed: 3 });
    for await (const _ of trace(network, { plugin, target, probe: { sourcePort: 4000, plugin: { count: 2 } } }));
    const ladder = [{ plugin, port: 0, options: { word: "you" } }];
    for await (const _ of auto(network, { target: target.address, ladder }));
    assert.deepEqual(seen, [{ sourcePort: 4000, plugin: { word: "hello", count: 2 } }, { plugin: { word: "you" } }]);
  });
});
