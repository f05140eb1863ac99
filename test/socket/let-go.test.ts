import assert from "node:assert/strict";
import { readFileSync, readlinkSync } from "node:fs";
import { describe, it } from "node:test";
import type { Libc } from "../../core/ffi/libc.ts";
import { loadLibc } from "../../core/ffi/load.ts";
import { AF, SOCK } from "../../core/socket/linux/abi.ts";
import { letGo } from "../../core/socket/linux/let-go.ts";
import { hasRoot } from "./host.ts";

const libc = await loadLibc();
const PATIENCE_MS = 3000;

/** A packet socket, and whether the kernel still has it (/proc/net/packet). */
function openPacketSocket(): { readonly fd: number; readonly isThere: () => boolean } {
  const fd = libc.socket(AF.packet, SOCK.dgram | SOCK.cloexec, 0);
  assert.ok(fd >= 0, "no packet socket");
  const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  assert.ok(inode !== undefined);
  return { fd, isThere: () => new RegExp(` ${inode}\\s*$`, "m").test(readFileSync("/proc/net/packet", "latin1")) };
}

async function isGone(isThere: () => boolean): Promise<boolean> {
  for (const endMs = performance.now() + PATIENCE_MS; isThere(); await new Promise((next) => setTimeout(next, 1))) {
    if (performance.now() > endMs) return false;
  }
  return true;
}

const REFUSING: Readonly<Record<string, Partial<Libc>>> = {
  "that passes descriptors": {},
  "that has no sockets of its own": { socket: () => -1 },
  "that gives them no names": { bind: () => -1 },
  "that tells no names": { getsockname: () => -1 },
  "that passes no descriptors": { sendmsg: () => -1 },
};

describe("a packet socket that is let go", () => {
  for (const [name, refused] of Object.entries(REFUSING)) {
    it(`ends, and nothing else stays open, on a host ${name}`, async (t) => {
      if (!hasRoot(t)) return;
      const { fd, isThere } = openPacketSocket();
      assert.ok(isThere(), "not in /proc/net/packet");
      letGo({ ...libc, ...refused }, fd);
      // The next descriptors are the ones that were in use.
      const next = libc.socket(AF.unix, SOCK.dgram | SOCK.cloexec, 0);
      assert.equal(next, fd);
      libc.close(next);
      assert.ok(await isGone(isThere), "still there");
    });
  }
});
