import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLedger } from "../../core/scan/ledger.ts";
import { createPermutation } from "../../core/scan/permutation.ts";
import { parseTargets } from "../../core/scan/targets.ts";

function orderOf(count: number, seed: number): number[] {
  const { at } = createPermutation(count, seed);
  return Array.from({ length: count }, (_, position) => at(position));
}

describe("the order of a scan", () => {
  it("visits every target once, whatever their number", () => {
    for (const count of [0, 1, 2, 3, 4, 5, 16, 17, 100, 255, 256, 257, 1000, 65_537]) {
      const seen = orderOf(count, 42);
      assert.equal(new Set(seen).size, count);
      assert.ok(seen.every((index) => index >= 0 && index < count));
    }
  });

  it("is the same for the same seed, and another for another", () => {
    assert.deepEqual(orderOf(1000, 7), orderOf(1000, 7));
    assert.notDeepEqual(orderOf(1000, 7), orderOf(1000, 8));
  });

  it("does not keep neighbours together", () => {
    const order = orderOf(10_000, 1);
    const close = order.filter((index, at) => at > 0 && Math.abs(index - (order[at - 1] ?? 0)) < 100).length;
    // By chance two in a hundred are so near.
    assert.ok(close < 400, `${close} of 10000 are followed by a neighbour`);
  });

  it("reaches as far as 2^32 targets, and no farther", () => {
    const { at } = createPermutation(2 ** 32, 3);
    const some = Array.from({ length: 1000 }, (_, position) => at(position * 4_294_967));
    assert.equal(new Set(some).size, 1000);
    assert.ok(some.every((index) => Number.isInteger(index) && index >= 0 && index < 2 ** 32));
    assert.throws(() => createPermutation(2 ** 32 + 1, 3), RangeError);
  });
});

describe("the targets of a list", () => {
  it("are what their numbers say, from the first address to the last of IPv4, each with what is known of it", () => {
    const list =
      "0.0.0.0\n127.255.255.255\n128.0.0.0/31\n192.0.2.0/24\n223.255.255.255\n255.255.255.255\n9.255.255.0/23\n";
    const targets = parseTargets(list, "128.0.0.1\n192.0.2.255\n");
    const all = Array.from({ length: targets.count }, (_, index) => targets.at(index));
    const told = new Map(all.map(({ address, skip }) => [address.text, skip]));
    assert.equal(told.size, 5 + 1 + 256 + 512);
    for (const text of ["0.0.0.0", "127.255.255.255", "128.0.0.0", "192.0.2.0", "223.255.255.255", "255.255.255.255"]) {
      assert.ok(told.has(text) && told.get(text) === undefined, text);
    }
    assert.deepEqual(
      ["128.0.0.1", "192.0.2.255"].map((text) => told.get(text)),
      ["blocklisted", "blocklisted"],
    );
    assert.equal(told.get("9.255.255.255"), undefined);
    // A prefix that lies in a reserved range only in part names none of it literally.
    const partly = parseTargets("9.0.0.0/7");
    assert.deepEqual(
      [0, 2 ** 25 - 1].map((index) => [partly.at(index).address.text, partly.at(index).skip]),
      [
        ["8.0.0.0", undefined],
        ["9.255.255.255", undefined],
      ],
    );
    const wide = parseTargets("10.0.0.0/7");
    assert.deepEqual(
      [0, 2 ** 24].map((index) => [wide.at(index).address.text, wide.at(index).skip]),
      [
        ["10.0.0.0", "reserved"],
        ["11.0.0.0", undefined],
      ],
    );
  });
});

describe("the ledger of a scan", () => {
  it("hands out what has no row after any interruption, and nothing twice", () => {
    const count = 50;
    for (let stopAfter = 0; stopAfter <= count; stopAfter += 1) {
      const first = createLedger(count);
      const open: number[] = [];
      const rows: number[] = [];
      // Rows come out of order: of three that are under way the latest first.
      while (rows.length < stopAfter) {
        while (open.length < 3) {
          const position = first.take();
          if (position === undefined) break;
          open.push(position);
        }
        const position = open.pop();
        if (position === undefined) break;
        rows.push(position);
        first.finish(position);
      }
      const second = createLedger(count, JSON.parse(JSON.stringify(first.progress)));
      assert.equal(second.finished, rows.length);
      for (let position = second.take(); position !== undefined; position = second.take()) {
        rows.push(position);
        second.finish(position);
      }
      assert.deepEqual(
        rows.toSorted((a, b) => a - b),
        Array.from({ length: count }, (_, at) => at),
      );
      assert.ok(second.isEmpty);
      assert.deepEqual(second.progress, { next: count, done: [] });
    }
  });

  it("counts what is done behind a gap, and closes it", () => {
    const ledger = createLedger(10);
    for (let taken = 0; taken < 6; taken += 1) ledger.take();
    for (const position of [1, 2, 4]) ledger.finish(position);
    assert.deepEqual(ledger.progress, {
      next: 0,
      done: [
        [1, 2],
        [4, 4],
      ],
    });
    ledger.finish(0);
    assert.deepEqual(ledger.progress, { next: 3, done: [[4, 4]] });
  });

  it("refuses a progress that is none", () => {
    for (const begun of [
      { next: 11, done: [] },
      { next: -1, done: [] },
      { next: 0.5, done: [] },
      { next: 3, done: [[2, 2]] },
      { next: 3, done: [[5, 4]] },
      { next: 3, done: [[4, 10]] },
    ] as const) {
      assert.throws(() => createLedger(10, begun), RangeError, JSON.stringify(begun));
    }
  });
});

describe("a list of targets", () => {
  const addresses = (list: string, blocklist?: string): string[] => {
    const targets = parseTargets(list, blocklist);
    return Array.from({ length: targets.count }, (_, index) => {
      const { address, skip } = targets.at(index);
      return skip === undefined ? address.text : `${address.text} ${skip}`;
    });
  };

  it("has addresses and prefixes of both families, with comments and empty lines between", () => {
    const list = "# mine\r\n9.9.9.9\n\n  2620:fe::fe # quad nine\n8.8.8.0/30\n2606:4700::1110/127\n";
    assert.deepEqual(addresses(list), [
      ...["8.8.8.0", "8.8.8.1", "8.8.8.2", "8.8.8.3", "9.9.9.9"],
      ...["2606:4700::1110", "2606:4700::1111", "2620:fe::fe"],
    ]);
  });

  it("names each address once, however often and in whatever form it is listed", () => {
    assert.deepEqual(addresses("8.8.8.2\n8.8.8.0/30\n8.8.8.2\n8.8.8.3/31\n"), [
      ...["8.8.8.0", "8.8.8.1", "8.8.8.2", "8.8.8.3"],
    ]);
  });

  it("skips private and reserved addresses, unless they are named literally", () => {
    assert.deepEqual(addresses("9.255.255.255/32\n10.0.0.0/32\n"), ["9.255.255.255", "10.0.0.0"]);
    assert.deepEqual(addresses("223.255.255.254/31\n224.0.0.0/31"), [
      ...["223.255.255.254", "223.255.255.255", "224.0.0.0", "224.0.0.1"],
    ]);
    const wide = parseTargets("8.0.0.0/6");
    assert.equal(wide.count, 2 ** 26);
    // 8.0.0.0/6 is 8 to 11: 10/8 is the third quarter.
    assert.equal(wide.at(2 ** 24 * 2 - 1).skip, undefined);
    assert.equal(wide.at(2 ** 24 * 2).skip, "reserved");
    assert.equal(wide.at(2 ** 24 * 3 - 1).skip, "reserved");
    assert.equal(wide.at(2 ** 24 * 3).skip, undefined);
    const literal = parseTargets("8.0.0.0/6\n10.1.0.0/16\n");
    assert.equal(literal.at(2 ** 24 * 2).skip, "reserved");
    assert.equal(literal.at(2 ** 24 * 2 + 2 ** 16).skip, undefined);
    assert.equal(parseTargets("::/100").at(1).skip, undefined);
  });

  it("skips what the blocklist covers, literal or not", () => {
    assert.deepEqual(addresses("8.8.8.0/30\n10.0.0.1\n", "8.8.8.1 # no\n10.0.0.0/8\n8.8.8.2/31\n"), [
      ...["8.8.8.0", "8.8.8.1 blocklisted", "8.8.8.2 blocklisted", "8.8.8.3 blocklisted", "10.0.0.1 blocklisted"],
    ]);
  });

  it("is the same list in another order, and another with another blocklist", () => {
    const identity = (list: string, blocklist?: string): string => parseTargets(list, blocklist).identity;
    assert.equal(identity("8.8.8.8\n9.9.9.9"), identity("9.9.9.9\n8.8.8.8 #\n"));
    assert.notEqual(identity("8.8.8.8"), identity("8.8.8.8", "8.8.8.8"));
    assert.notEqual(identity("8.8.8.8"), identity("8.8.8.9"));
  });

  it("is refused at its first wrong line, with the line's number", () => {
    for (const line of ["8.8.8.8/33", "8.8.8", "fe80::1%eth0", "8.8.8.8/8/8", "1.2.3.4 5.6.7.8", "::/129"]) {
      assert.throws(
        () => parseTargets(`8.8.8.8\n${line}\n`),
        /^UsageError: Cannot read line 2 of the list of targets: /,
      );
    }
    assert.throws(() => parseTargets("example.com"), /names have to be resolved beforehand/);
    assert.throws(() => parseTargets("8.8.8.8", "nonsense"), /line 1 of the blocklist/);
    assert.throws(() => parseTargets("2000::/64"), /more than 4294967296/);
  });
});
