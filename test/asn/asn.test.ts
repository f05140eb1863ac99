import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { openOriginDatabase } from "../../cli/asn/database.ts";
import { originSources } from "../../cli/asn/sources.ts";
import { type IpAddress, parseAddress } from "../../core/address.ts";
import { createCymruLookup, originName, parseOriginText } from "../../core/asn/cymru.ts";
import { isPublicAddress } from "../../core/asn/origin.ts";
import { createOrigins } from "../../core/asn/origins.ts";
import { UsageError } from "../../core/errors.ts";
import { encodeMmdb } from "./mmdb.ts";

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  assert.ok(parsed);
  return parsed;
}

describe("origins by DNS", () => {
  it("are asked for by the reversed octets or nibbles", () => {
    assert.equal(originName(address("8.8.4.4")), "4.4.8.8.origin.asn.cymru.com");
    assert.equal(
      originName(address("2001:4860:b002::68")),
      "8.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.b.0.6.8.4.1.0.0.2.origin6.asn.cymru.com",
    );
  });

  it("read one or several systems, of the longest prefix", () => {
    assert.deepEqual(parseOriginText([["64500 | 192.0.2.0/24 | US | arin | 1998-09-25"]]), {
      asns: [64500],
      prefix: "192.0.2.0/24",
      country: "US",
      registry: "arin",
      allocated: "1998-09-25",
    });
    assert.deepEqual(parseOriginText([["64500 64501 | 192.0.2.0/24 | US | arin | "]]), {
      asns: [64500, 64501],
      prefix: "192.0.2.0/24",
      country: "US",
      registry: "arin",
    });
    assert.deepEqual(
      parseOriginText([["64500 | 192.0.0.0/16 | | |"], ["64501 | 192.0.2.0/24 | | |"], ["64502 | 192.0.2.0/24 | | |"]]),
      { asns: [64501, 64502], prefix: "192.0.2.0/24" },
    );
    assert.deepEqual(parseOriginText([["64500 | 2001:", "db8::/32 | | |"]]), {
      asns: [64500],
      prefix: "2001:db8::/32",
    });
  });

  it("pass over what does not read so, and never throw", () => {
    for (const text of [
      "",
      "|",
      "NA | 192.0.2.0/24",
      "0 | 192.0.2.0/24",
      "4294967296 | 192.0.2.0/24",
      "1 | x",
      "\x1b[31m1 | 0/0",
    ]) {
      assert.equal(parseOriginText([[text]]), undefined, text);
    }
    const hostile = "64500 | 192.0.2.0/24 | \x1b[31m | arin\x07 | yesterday | more | and | more | and more";
    assert.deepEqual(parseOriginText([[hostile]]), { asns: [64500], prefix: "192.0.2.0/24" });
    assert.equal(parseOriginText([]), undefined);
    assert.equal(parseOriginText([[]]), undefined);
    const many = Array.from({ length: 1000 }, (_, index) => [`${index + 1} | 192.0.2.0/24 | | |`]);
    assert.ok((parseOriginText(many)?.asns.length ?? 0) <= 16);
  });
});

describe("origins of responders", () => {
  it("are never asked for where an address is nobody else's business", async () => {
    const asked: string[] = [];
    const origins = createOrigins({
      sources: [
        async ({ text }) => {
          asked.push(text);
          return { asns: [64500] };
        },
      ],
    });
    const own = [
      "10.0.0.1",
      "172.16.0.1",
      "192.168.1.1",
      "100.64.0.1",
      "169.254.1.1",
      "127.0.0.1",
      "fe80::1",
      "fd00::1",
      "::1",
      "::ffff:10.0.0.1",
      "192.0.2.1",
      "2001:db8::1",
    ];
    for (const text of own) {
      assert.equal(isPublicAddress(address(text)), false, text);
      assert.equal(await origins.ask(address(text)), undefined);
    }
    assert.deepEqual(asked, []);
    assert.deepEqual(await origins.ask(address("8.8.8.8")), { asns: [64500] });
    assert.deepEqual(await origins.ask(address("2001:4860:4860::8888")), { asns: [64500] });
    assert.deepEqual(asked, ["8.8.8.8", "2001:4860:4860::8888"]);
  });

  it("are asked for once each, of one source after the other", async () => {
    let calls = 0;
    const failing = () => {
      calls += 1;
      return Promise.reject(new Error("SERVFAIL"));
    };
    const origins = createOrigins({ sources: [failing, async () => undefined, async () => ({ asns: [64501] })] });
    const settled = await Promise.all([1, 2, 3].map(() => origins.ask(address("9.9.9.9"))));
    assert.deepEqual(settled, [{ asns: [64501] }, { asns: [64501] }, { asns: [64501] }]);
    assert.equal(calls, 1);
    assert.equal(origins.settled(address("9.9.9.9")), true);
  });

  it("put together what several sources know where a field is wanted", async () => {
    const asked: string[] = [];
    const sources = [
      async () => ({ asns: [64500], holder: "Example Net" }),
      async ({ text }: IpAddress) => {
        asked.push(text);
        return { asns: [64501], registry: "arin" };
      },
    ];
    const brief = createOrigins({ sources });
    assert.deepEqual(await brief.ask(address("9.9.9.9")), { asns: [64500], holder: "Example Net" });
    assert.deepEqual(asked, []);
    const full = createOrigins({ sources, field: "registry" });
    const all = { asns: [64500], holder: "Example Net", registry: "arin" };
    assert.deepEqual(await full.ask(address("9.9.9.9")), all);
    assert.deepEqual(asked, ["9.9.9.9"]);
    const lacking = createOrigins({ sources, field: "allocated" });
    assert.deepEqual(await lacking.ask(address("9.9.9.9")), all);
  });

  it("are waited for no longer than the patience, and used when they come later", async () => {
    let answer: (() => void) | undefined;
    const settledTimes: number[] = [];
    const origins = createOrigins({
      sources: [() => new Promise((resolve) => (answer = () => resolve({ asns: [64502] })))],
      patienceMs: 5,
      onSettled: () => settledTimes.push(settledTimes.length),
    });
    assert.equal(await origins.ask(address("9.9.9.9")), undefined);
    assert.equal(origins.settled(address("9.9.9.9")), true);
    answer?.();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(origins.of(address("9.9.9.9")), { asns: [64502] });
    assert.equal(settledTimes.length, 2);
  });
});

describe("a database of networks", () => {
  const directory = mkdtempSync(join(tmpdir(), "nettrace-asn-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const write = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(join(directory, name), bytes);
    return join(directory, name);
  };
  const database = write(
    "asn.mmdb",
    encodeMmdb([
      {
        address: address("8.8.8.0"),
        length: 24,
        fields: { autonomous_system_number: 64510, autonomous_system_organization: "Example \x1b[31mNetworks" },
      },
      {
        address: address("2001:4860::"),
        length: 32,
        fields: { asn: "AS64511", as_name: "Example Six", country_code: "DE" },
      },
      { address: address("1.1.1.0"), length: 24, fields: { country: "XX" } },
    ]),
  );

  it("is read in the schemas of GeoLite2, DB-IP and IPinfo, IPv4 and IPv6", async () => {
    const lookUp = openOriginDatabase("--asn-db", database);
    assert.deepEqual(await lookUp(address("8.8.8.8")), { asns: [64510], holder: "Example \x1b[31mNetworks" });
    assert.deepEqual(await lookUp(address("2001:4860:4860::8888")), {
      asns: [64511],
      holder: "Example Six",
      country: "DE",
    });
    assert.equal(await lookUp(address("1.1.1.1")), undefined);
    assert.equal(await lookUp(address("9.9.9.9")), undefined);
  });

  it("comes before DNS, by option or environment, and DNS knows what it does not", async () => {
    const dns = createCymruLookup(async () => [["64599 | 9.9.9.0/24 | | |"]]);
    for (const sources of [
      await originSources(database, {}, dns),
      await originSources(undefined, { NETTRACE_ASN_DB: database }, dns),
    ]) {
      const origins = createOrigins({ sources });
      assert.deepEqual((await origins.ask(address("8.8.8.8")))?.asns, [64510]);
      assert.deepEqual((await origins.ask(address("9.9.9.9")))?.asns, [64599]);
    }
    assert.equal((await originSources(undefined, {}, dns)).length, 1);
  });

  it("is refused in one line where it is not there or no database", async () => {
    const bad = write("bad.mmdb", "not a database");
    const cut = write("cut.mmdb", encodeMmdb([]).subarray(0, 20));
    for (const path of [join(directory, "missing.mmdb"), bad, cut, directory, write("empty.mmdb", "")]) {
      assert.throws(
        () => openOriginDatabase("--asn-db", path),
        (error) => error instanceof UsageError && /^Cannot use --asn-db [^\n]+$/.test(error.message),
        path,
      );
    }
    await assert.rejects(originSources(undefined, { NETTRACE_ASN_DB: bad }), /Cannot use NETTRACE_ASN_DB/);
  });
});
