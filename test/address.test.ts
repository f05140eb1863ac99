import assert from "node:assert/strict";
import { describe, it } from "node:test";
import ipaddr from "ipaddr.js";
import { addressFromBytes, formatAddress, lazyAddress, parseAddress, sameAddress } from "../core/address.ts";

const textOf = (text: string) => parseAddress(text)?.text;

describe("parsing IPv4 addresses", () => {
  it("reads a dotted quad into its bytes", () => {
    assert.deepEqual(parseAddress("192.0.2.255"), {
      family: 4,
      text: "192.0.2.255",
      bytes: Uint8Array.of(192, 0, 2, 255),
    });
    assert.equal(textOf("0.0.0.0"), "0.0.0.0");
    assert.equal(textOf("255.255.255.255"), "255.255.255.255");
  });

  it("refuses short, octal, hexadecimal and overflowing forms", () => {
    for (const text of [
      "127.1",
      "127.0.1",
      "2130706433",
      "010.0.0.1",
      "10.0.0.01",
      "10.00.0.1",
      "0x7f.0.0.1",
      "256.0.0.1",
      "1.2.3.999",
      "1.2.3.4.5",
      "1.2.3.4.",
      ".1.2.3.4",
      "1..2.3",
      "1.2.3.-4",
      "+1.2.3.4",
      "1.2.3.4 ",
      " 1.2.3.4",
      "1.2.3.4\n",
      "1.2.3.4/24",
      "1.2.3.4:80",
      "1.2.3.4%eth0",
      "١.2.3.4",
    ]) {
      assert.equal(parseAddress(text), undefined, JSON.stringify(text));
    }
  });
});

describe("parsing IPv6 addresses", () => {
  it("gives the one text that RFC 5952 §1 and §2 ask for, whatever was written", () => {
    for (const text of [
      "2001:db8:0:0:1:0:0:1",
      "2001:0db8:0:0:1:0:0:1",
      "2001:db8::1:0:0:1",
      "2001:db8::0:1:0:0:1",
      "2001:0db8::1:0:0:1",
      "2001:db8:0:0:1::1",
      "2001:db8:0000:0:1::1",
      "2001:DB8:0:0:1::1",
    ]) {
      assert.equal(textOf(text), "2001:db8::1:0:0:1", text);
    }
  });

  it("drops leading zeros (RFC 5952 §4.1)", () => {
    assert.equal(textOf("2001:0db8::0001"), "2001:db8::1");
    assert.equal(textOf("2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001"), "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1");
  });

  it("shortens as much as possible, but never a single field (§4.2.1, §4.2.2)", () => {
    assert.equal(textOf("2001:db8:0:0:0:0:2:1"), "2001:db8::2:1");
    assert.equal(textOf("2001:db8::0:1"), "2001:db8::1");
    assert.equal(textOf("2001:db8::1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  });

  it("shortens the longest run of zeros, and the first of equals (§4.2.3)", () => {
    assert.equal(textOf("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");
    assert.equal(textOf("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  });

  it("writes lower case (§4.3)", () => {
    assert.equal(textOf("2001:DB8:ABCD::EF"), "2001:db8:abcd::ef");
  });

  it("reads the edges: all zeros, loopback, all ones", () => {
    assert.equal(textOf("::"), "::");
    assert.equal(textOf("0:0:0:0:0:0:0:1"), "::1");
    assert.equal(textOf("1::"), "1::");
    const ones = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    assert.equal(textOf(ones), ones);
  });

  it("reads bytes in network order", () => {
    const expected = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3);
    assert.deepEqual(parseAddress("2001:db8:1::3"), { family: 6, text: "2001:db8:1::3", bytes: expected });
  });

  it("reads an embedded dotted quad as the IPv6 address that it is", () => {
    const mapped = parseAddress("::ffff:192.0.2.1");
    assert.equal(mapped?.family, 6);
    assert.deepEqual([...(mapped?.bytes.subarray(10) ?? [])], [0xff, 0xff, 192, 0, 2, 1]);
    assert.equal(mapped?.text, textOf("::ffff:c000:201"));
    assert.equal(textOf("::192.0.2.1"), "::c000:201");
    assert.equal(textOf("192.0.2.1::"), undefined);
  });

  it("takes brackets off", () => {
    assert.equal(textOf("[::1]"), "::1");
    assert.equal(parseAddress("[fe80::1%eth0]")?.zone, "eth0");
    for (const text of ["[::1", "::1]", "[[::1]]", "[]", "[::1]:443"])
      assert.equal(parseAddress(text), undefined, text);
  });

  it("refuses malformed addresses", () => {
    for (const text of [
      "1::2::3",
      ":",
      ":::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::1",
      ":1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7:8:",
      "12345::",
      "g::1",
      "::1 ",
      " ::1",
      "::1\n",
      "::1/64",
      "::ffff:256.0.0.1",
      "::ffff:1.2.3",
      "-1::",
      "0x1::",
    ]) {
      assert.equal(parseAddress(text), undefined, JSON.stringify(text));
    }
  });
});

describe("zones of link-local addresses", () => {
  it("are kept beside the address and come back when it is formatted", () => {
    const address = parseAddress("FE80::1%eth0.100");
    assert.equal(address?.text, "fe80::1");
    assert.equal(address?.zone, "eth0.100");
    assert.equal(address && formatAddress(address), "fe80::1%eth0.100");
    assert.equal(parseAddress("fe80::1%2")?.zone, "2");
  });

  it("are absent, not undefined, where none was written", () => {
    const address = parseAddress("fe80::1");
    assert.equal(address && "zone" in address, false);
    assert.equal(address && formatAddress(address), "fe80::1");
  });

  it("are refused when empty, double, too long, or with characters that no interface has", () => {
    for (const zone of [
      "%",
      "%%",
      "%eth0%eth1",
      `%${"a".repeat(65)}`,
      "%eth 0",
      "%eth0\n",
      "%../x",
      "%\u001b[31m",
      "%é",
    ]) {
      assert.equal(parseAddress(`fe80::1${zone}`), undefined, JSON.stringify(zone));
    }
    assert.equal(parseAddress(`fe80::1%${"a".repeat(64)}`)?.zone?.length, 64);
  });
});

describe("what is no address", () => {
  it("is undefined, whatever its length", () => {
    for (const text of ["", " ", ".", "%", "[", "]", "example.com", "localhost", "dead", "1", "null", "\0"]) {
      assert.equal(parseAddress(text), undefined, JSON.stringify(text));
    }
    for (const unit of ["a", "1", ":", ".", "1.", "1:", "::", "0:", "%", "[", "f.", "\u0000"]) {
      const text = unit.repeat(1000).slice(0, 1000);
      assert.equal(parseAddress(text), undefined, `1,000 of ${JSON.stringify(unit)}`);
    }
    assert.equal(parseAddress(`::${"0".repeat(998)}`), undefined);
    assert.equal(parseAddress(`${"0".repeat(993)}1.2.3.4`), undefined);
  });
});

describe("addresses from bytes", () => {
  it("are copies with canonical text", () => {
    const bytes = Uint8Array.of(192, 0, 2, 1);
    const address = addressFromBytes(bytes);
    bytes[0] = 10;
    assert.equal(address.text, "192.0.2.1");
    assert.equal(address.bytes[0], 192);
    assert.equal(addressFromBytes(new Uint8Array(16)).text, "::");
  });

  it("of any other length are refused", () => {
    for (const length of [0, 3, 5, 8, 15, 17]) {
      assert.throws(() => addressFromBytes(new Uint8Array(length)), {
        name: "TypeError",
        message: `Cannot make an address: ${length} bytes`,
      });
    }
  });

  it("come back from their text", () => {
    for (let seed = 0; seed < 256; seed++) {
      const bytes = Uint8Array.from({ length: 16 }, (_, at) => ((seed >>> (at % 8)) & 1) * (seed + at * 37));
      const address = addressFromBytes(bytes);
      assert.deepEqual(parseAddress(address.text), address);
    }
  });

  it("are the same whenever their bytes are", () => {
    const written = parseAddress("2001:DB8:0::1");
    const read = parseAddress("2001:db8::1");
    const other = parseAddress("2001:db8::2");
    assert.ok(written && read && other);
    assert.equal(sameAddress(written, read), true);
    assert.equal(sameAddress(read, other), false);
  });
});

describe("an address whose text is made when it is asked for", () => {
  it("is the same as any other", () => {
    for (const octets of [4, 16]) {
      for (let value = 0; value < 256; value += 1) {
        const bytes = Uint8Array.from({ length: octets }, (_, at) => (at % 5 === 0 ? value : (value * 7 * at) & 255));
        const lazy = lazyAddress(bytes);
        const plain = addressFromBytes(bytes);
        assert.deepEqual([lazy.family, lazy.text, [...lazy.bytes]], [plain.family, plain.text, [...plain.bytes]]);
        assert.equal(lazy.text, plain.text);
        assert.ok(sameAddress(lazy, plain));
      }
    }
  });
});

/** The same numbers every time (a linear congruential generator, Numerical Recipes' constants). */
function createChance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

describe("IPv6 addresses, beside ipaddr.js", () => {
  it("have the same text and bytes", () => {
    const chance = createChance(1);
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = new Uint8Array(16);
      // Zeros and small fields are where texts differ.
      for (let at = 0; at < 16; at += 1) bytes[at] = chance(3) === 0 ? chance(256) : 0;
      const { text } = addressFromBytes(bytes);
      assert.equal(text, new ipaddr.IPv6([...bytes]).toRFC5952String());
      assert.deepEqual(parseAddress(text)?.bytes, bytes, text);
    }
  });

  it("are read from the same texts", () => {
    const chance = createChance(2);
    const pieces = ["0", "1", "f", "ABCD", "00001", ":", ":", ":", "::", "1.2.3.4", "256.1.1.1", ".", "g", "%", "/"];
    let read = 0;
    for (let round = 0; round < 100_000; round += 1) {
      const text = Array.from({ length: 1 + chance(16) }, () => pieces[chance(pieces.length)]).join("");
      if (!text.includes(":") || text.includes("%")) continue;
      // It takes zeros before a number of the quad, and ::1.2.3.4 for ::ffff:1.2.3.4, which RFC 4291 §2.2 does not.
      if (text.includes(".") && (!/:1\.2\.3\.4$/.test(text) || text === "::1.2.3.4")) continue;
      const isValid = ipaddr.IPv6.isValid(text);
      const address = parseAddress(text);
      assert.equal(address !== undefined, isValid, text);
      if (!isValid) continue;
      read += 1;
      assert.deepEqual([...(address?.bytes ?? [])], ipaddr.IPv6.parse(text).toByteArray(), text);
    }
    assert.ok(read > 1000, `${read} valid texts`);
  });
});
