import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { causeOfMissingFamily, causeOfRefusal } from "../../core/socket/linux/refused-socket.ts";

/** Lines of /proc/self/status (Linux 6.18). */
function status(uid: number, effective: string, bounding: string, seccomp: number): string {
  return `Name:\tnettrace\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapEff:\t${effective}\nCapBnd:\t${bounding}\nSeccomp:\t${seccomp}\n`;
}
const ALL = "000001ffffffffff";
const NONE = "0000000000000000";
const NO_RAW = "000001ffffffdfff";

describe("why a socket is refused", () => {
  it("names a seccomp filter where the right to a raw socket is there", () => {
    assert.match(causeOfRefusal("EPERM", true, status(0, ALL, ALL, 2)) ?? "", /has CAP_NET_RAW, but a seccomp filter/);
  });

  it("names the user namespace where the right is there and no filter is", () => {
    assert.match(
      causeOfRefusal("EPERM", true, status(0, ALL, ALL, 0)) ?? "",
      /but not over this network: it is in a user namespace/,
    );
  });

  it("names the bounding set to root alone", () => {
    assert.match(causeOfRefusal("EPERM", true, status(0, NO_RAW, NO_RAW, 0)) ?? "", /not in the bounding set/);
    assert.equal(causeOfRefusal("EPERM", true, status(65_534, NONE, NONE, 0)), undefined);
  });

  it("needs no right for other sockets, so that some filter refuses them", () => {
    assert.match(causeOfRefusal("EPERM", false, status(1000, NONE, ALL, 2)) ?? "", /a seccomp filter/);
    assert.match(causeOfRefusal("EPERM", false, status(1000, NONE, ALL, 0)) ?? "", /cgroup/);
  });

  it("names a security module where a raw socket meets EACCES, whoever asks, unless a seccomp filter may have said it", () => {
    for (const asked of [status(0, ALL, ALL, 0), status(65_534, NONE, NONE, 0)]) {
      assert.match(causeOfRefusal("EACCES", true, asked) ?? "", /^a security module \(SELinux/);
    }
    assert.match(causeOfRefusal("EACCES", true, status(0, ALL, ALL, 2)) ?? "", /a seccomp filter/);
    assert.equal(causeOfRefusal("EACCES", true, undefined), undefined);
  });

  it("names a seccomp filter where the kernel has a family that it says it has not", () => {
    assert.match(causeOfMissingFamily(true, status(0, ALL, ALL, 2)) ?? "", /RestrictAddressFamilies/);
    assert.equal(causeOfMissingFamily(false, status(0, ALL, ALL, 2)), undefined);
    assert.equal(causeOfMissingFamily(true, status(0, ALL, ALL, 0)), undefined);
    assert.equal(causeOfMissingFamily(true, undefined), undefined);
  });

  it("claims nothing of a raw socket where /proc is hidden or hostile", () => {
    for (const text of [undefined, "", "CapEff:\tzz\nUid:\t0\n", `CapEff:\t${"f".repeat(99)}`]) {
      assert.equal(causeOfRefusal("EPERM", true, text), undefined);
    }
  });
});
