import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AddressLookup,
  createNames,
  type IpAddress,
  parseAddress,
  ResolveError,
  resolveTarget,
  SocketError,
} from "../../core/mod.ts";

const address = (text: string): IpAddress => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
};
const SIX = address("2001:db8::1");
const FOUR = address("192.0.2.1");
const route = (): { source: IpAddress } => ({ source: FOUR });
const never: AddressLookup = () => new Promise(() => {});

function routeless(family: 4 | 6, errno = "ENETUNREACH") {
  return (to: IpAddress) => {
    if (to.family === family) throw new SocketError("route", errno, "find a route");
    return { source: to };
  };
}

describe("resolveTarget", () => {
  it("takes the first address in the resolver's order", async () => {
    const { address: found } = await resolveTarget({ host: "h.test", route, lookup: async () => [SIX, FOUR] });
    assert.equal(found.text, "2001:db8::1");
  });

  it("falls back to the family that has a route, either way", async () => {
    const lookup = async () => [SIX, FOUR];
    const four = await resolveTarget({ host: "h.test", lookup, route: routeless(6) });
    assert.equal(four.address.text, "192.0.2.1");
    const six = await resolveTarget({ host: "h.test", lookup: async () => [FOUR, SIX], route: routeless(4) });
    assert.equal(six.address.text, "2001:db8::1");
    assert.equal(six.route?.source.text, "2001:db8::1");
  });

  it("never asks anybody about a literal", async () => {
    const lookup: AddressLookup = () => assert.fail("asked");
    for (const host of ["192.0.2.1", "2001:db8::1", "[2001:db8::1]", "fe80::1%eth0"]) {
      assert.equal((await resolveTarget({ host, route, lookup })).address.text, address(host).text);
    }
  });

  it("keeps an address without a route, so that every attempt can tell why", async () => {
    const { address: found, route: none } = await resolveTarget({ host: "2001:db8::1", route: routeless(6) });
    assert.equal(found.text, "2001:db8::1");
    assert.equal(none, undefined);
  });

  it("tells a host without IPv6 from one whose IPv6 route is prohibited", async () => {
    const lookup = async () => [SIX];
    await assert.rejects(resolveTarget({ host: "h.test", lookup, route: routeless(6) }), {
      name: "ResolveError",
      message: "Cannot reach h.test: it has only IPv6 addresses, and this host has no IPv6 route",
    });
    const { address: found } = await resolveTarget({ host: "h.test", lookup, route: routeless(6, "EACCES") });
    assert.equal(found.text, "2001:db8::1");
  });

  it("gives up a resolver that never answers, and says so", async () => {
    const resolving = resolveTarget({ host: "h.test", route, lookup: never, timeoutMs: 20 });
    await assert.rejects(resolving, /^ResolveError: Cannot resolve h\.test: no name server answers within/);
  });

  it("takes IPv4 addresses where only the question for IPv6 is never answered", async () => {
    const lookup: AddressLookup = async (name, family) => (family === 4 ? [FOUR] : never(name, family));
    const { address: found } = await resolveTarget({ host: "h.test", route, lookup, timeoutMs: 40 });
    assert.equal(found.text, "192.0.2.1");
  });

  it("stops waiting on abort", async () => {
    const abort = new AbortController();
    const resolving = resolveTarget({ host: "h.test", route, lookup: never, signal: abort.signal });
    abort.abort();
    await assert.rejects(resolving, ResolveError);
  });

  it("asks for the ASCII form of an international name", async () => {
    const asked: string[] = [];
    const lookup: AddressLookup = async (name) => {
      asked.push(name);
      return [FOUR];
    };
    await resolveTarget({ host: "bücher.example", route, lookup });
    assert.deepEqual(asked, ["xn--bcher-kva.example"]);
  });
});

describe("names", () => {
  it("are looked up once each", async () => {
    const asked: string[] = [];
    const names = createNames({
      reverse: async ({ text }) => {
        asked.push(text);
        return `host-${text}.`;
      },
    });
    for (const each of [FOUR, SIX, FOUR]) names.want(each);
    await names.allSettled();
    assert.deepEqual(asked, ["192.0.2.1", "2001:db8::1"]);
    assert.equal(names.of(FOUR), "host-192.0.2.1");
  });

  it("do not wait longer than their patience, but take a later answer", async () => {
    let answer = (_name: string): void => {};
    const reverse = (): Promise<string> =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const names = createNames({ reverse, patienceMs: 1 });
    names.want(FOUR);
    assert.equal(names.settled(FOUR), false);
    await names.allSettled();
    assert.equal(names.settled(FOUR), true);
    assert.equal(names.of(FOUR), undefined);
    answer("slow.example");
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(names.of(FOUR), "slow.example");
  });

  it("are none where the lookup fails", async () => {
    const names = createNames({ reverse: () => Promise.reject(new Error("ENOTFOUND")) });
    names.want(FOUR);
    await names.allSettled();
    assert.equal(names.of(FOUR), undefined);
  });
});
