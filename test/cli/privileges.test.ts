import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isKeeping, needsOf, withoutKeep } from "../../cli/privileges/needs.ts";
import { NOBODY, successor } from "../../cli/privileges/resign.ts";

describe("who root becomes", () => {
  it("is who called sudo", () => {
    assert.deepEqual(successor({ SUDO_UID: "1000", SUDO_GID: "100" }), { uid: 1000, gid: 100 });
    assert.deepEqual(successor({ SUDO_UID: "4294967294", SUDO_GID: "1" }), { uid: 4_294_967_294, gid: 1 });
  });

  it("is nobody without sudo, and where what it says is no ordinary user", () => {
    const nobody = { uid: NOBODY, gid: NOBODY };
    assert.deepEqual(successor({}), nobody);
    assert.deepEqual(successor({ SUDO_GID: "1000" }), nobody);
    const hostile = ["", "0", "00", "-1", "+5", "1e3", "0x3e8", " 1000", "1000\n", "1000 ", "4294967295", "4294967296"];
    for (const uid of [...hostile, "18446744073709551616", "root", "١٠٠٠"]) {
      assert.deepEqual(successor({ SUDO_UID: uid, SUDO_GID: "1000" }), nobody, JSON.stringify(uid));
    }
  });

  it("leaves root's group whatever sudo says", () => {
    for (const gid of ["0", "", "x", "4294967295", undefined]) {
      assert.deepEqual(successor({ SUDO_UID: "1000", SUDO_GID: gid }), { uid: 1000, gid: NOBODY });
    }
  });
});

describe("what a command line needs privilege for", () => {
  it("is read before the parser reads anything", () => {
    const words = ["-P", "icmp", "--mark", "0x7", "--sport=53", "--record", "a b.jsonl", "h.test"];
    const needs = { targets: 1, atOnce: 1, admin: true, sourcePort: 53, record: "a b.jsonl" };
    assert.deepEqual(needsOf(["trace", ...words]), needs);
  });

  it("is what is given last, as the parser has it, and nothing behind two dashes", () => {
    const { record, admin } = needsOf(["auto", "--record", "a", "--record=b", "--", "--mark", "7"]) ?? {};
    assert.deepEqual([record, admin], ["b", false]);
  });

  it("is one family where it is asked for, or HOST is a literal", () => {
    const families = (...words: readonly string[]) => needsOf(["auto", ...words])?.families;
    assert.deepEqual(families("h.test"), undefined);
    assert.deepEqual(families("h.test", "-4"), [4]);
    assert.deepEqual(families("h.test", "--ipv6"), [6]);
    assert.deepEqual(families("192.0.2.1", "-q", "1"), [4]);
    assert.deepEqual(families("-n", "fe80::1%eth0"), [6]);
    assert.deepEqual(families("h.test", "-s", "2001:db8::1"), [6]);
    assert.deepEqual(families("h.test", "--record", "192.0.2.1"), undefined);
    assert.deepEqual(needsOf(["live", "192.0.2.1", "h.test"])?.families, undefined);
  });

  it("is no less than a socket for each host of the live screen", () => {
    assert.equal(needsOf(["live", "a.test", "b.test", "-n", "c.test"])?.targets, 3);
  });

  it("is, of a scan, the files that it reads and the one that it goes on from", () => {
    const files = (...words: readonly string[]) => {
      const { reads, state } = needsOf(["scan", ...words]) ?? {};
      return [reads, state];
    };
    assert.deepEqual(files("-f", "list", "--blocklist=never", "--resume", "state"), [["list", "never"], "state"]);
    assert.deepEqual(files("--file", "one", "-ftwo"), [["two"], undefined]);
    assert.deepEqual(files("--file=-", "--seed", "3"), [[], undefined]);
    assert.equal(needsOf(["scan", "--help", "--resume", "state"]), undefined);
  });

  it("is nothing for commands that trace nothing", () => {
    for (const command of ["doctor", "plugin", "replay", "link", "completion", "help", "frob", ""]) {
      assert.equal(needsOf([command, "x"]), undefined);
    }
    assert.equal(needsOf([]), undefined);
  });
});

describe("--keep-privileges", () => {
  it("is an option, or a variable with the one value that means yes", () => {
    assert.ok(isKeeping(["auto", "h.test", "--keep-privileges"], {}));
    assert.ok(isKeeping(["auto", "h.test"], { NETTRACE_KEEP_PRIVILEGES: "1" }));
    for (const value of ["", "0", "true"]) assert.ok(!isKeeping(["auto"], { NETTRACE_KEEP_PRIVILEGES: value }));
    assert.ok(!isKeeping(["auto", "--", "--keep-privileges"], {}));
  });

  it("is taken off the command line of a tool that does not know it", () => {
    assert.deepEqual(withoutKeep(["-n", "--keep-privileges", "h.test"]), ["-n", "h.test"]);
    assert.deepEqual(withoutKeep(["-n", "--", "--keep-privileges"]), ["-n", "--", "--keep-privileges"]);
  });
});
