import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LinuxLibc } from "../../core/ffi/libc.ts";
import { loadLibc } from "../../core/ffi/load.ts";
import { createLinuxNetwork } from "../../core/socket/linux.ts";

const libc = await loadLibc();
/** Of struct msghdr. */
const CONTROL_LENGTH = 40;

/** This host, of which the first datagrams that are read have no stamp, and what is asked of it is counted. */
function unstamped(first: number): { readonly libc: LinuxLibc; readonly read: () => number } {
  let reads = 0;
  return {
    read: () => reads,
    libc: {
      ...libc,
      recvmsg(fd, message, flags) {
        const length = libc.recvmsg(fd, message, flags);
        reads += 1;
        if (reads <= first) new DataView(message.buffer, message.byteOffset).setUint32(CONTROL_LENGTH, 0, true);
        return length;
      },
    },
  };
}

describe("stamps of received packets", () => {
  it("are waited for before the first probe: the kernel begins late", async () => {
    const host = unstamped(5);
    using network = createLinuxNetwork(host.libc, {});
    await network.ready?.();
    // A kernel that has only just been asked may really begin late.
    const looks = host.read();
    assert.ok(looks >= 6, `${looks} looks`);
    await network.ready?.();
    assert.equal(host.read(), looks, "looked again");
  });

  it("are not waited for where they never come", async () => {
    const host = unstamped(Number.POSITIVE_INFINITY);
    using network = createLinuxNetwork(host.libc, {});
    await network.ready?.();
    assert.ok(host.read() >= 2 && host.read() <= 32, `${host.read()} looks`);
  });

  for (const call of ["socket", "bind", "sendmsg"] as const) {
    it(`are not waited for where ${call} is refused`, async () => {
      const host = unstamped(Number.POSITIVE_INFINITY);
      // As the kernel says it: EBADF, of a descriptor that nobody has.
      using network = createLinuxNetwork({ ...host.libc, [call]: () => libc.close(-1) }, {});
      await network.ready?.();
      assert.equal(host.read(), 0);
    });
  }
});
