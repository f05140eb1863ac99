import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { describe, it } from "node:test";
import { errnoName } from "../../core/ffi/errno.ts";
import { loadLibc } from "../../core/ffi/load.ts";
import { Arena } from "../../core/socket/linux/arena.ts";
import { collectGarbage } from "./host.ts";

const FAILURES = 100_000;
const EBADF = 9;
const EINVAL = 22;
const ENOTSOCK = 88;
const EAFNOSUPPORT = 97;

/** Keeps the collector busy: short-lived objects, some of which survive a while. */
function litter(heap: unknown[], i: number): void {
  heap.push({ i, list: [i, { i }], bytes: new Uint8Array(64) });
  if (heap.length > 10_000) heap.length = 0;
  if (i % 20_000 === 0) collectGarbage();
}

const libc = await loadLibc();

describe("the C library, called by this runtime", () => {
  const arena = new Arena(libc, 4096);
  const scratch = arena.take(256);
  const length = arena.take(16);

  it("tells the errno of each of 100,000 failed calls of five kinds while garbage is collected", () => {
    length.view.setUint32(0, 16, true);
    // Standard input will not do: test runners give a socket as such.
    const file = openSync("/dev/null", "r");
    const calls: readonly (readonly [name: string, call: () => number, errno: number])[] = [
      ["close", () => libc.close(-1), EBADF],
      ["clock_gettime", () => libc.clockGettime(99, scratch.bytes), EINVAL],
      ["getsockname", () => libc.getsockname(file, scratch.bytes, length.bytes), ENOTSOCK],
      ["sendmsg", () => libc.sendmsg(-1, scratch.bytes, 0), EBADF],
      ["socket", () => libc.socket(9999, 1, 0), EAFNOSUPPORT],
    ];
    const heap: unknown[] = [];
    for (let i = 0; i < FAILURES; i++) {
      litter(heap, i);
      const [name, call, errno] = calls[i % calls.length] ?? assert.fail();
      const result = call();
      const told = libc.errno();
      if (result !== -1 || told !== errno) assert.fail(`${name}: ${result}, errno ${told} instead of ${errno}`);
    }
    closeSync(file);
  });

  it("finds the arena where it was, whatever the collector does", () => {
    const buffer = new ArrayBuffer(64 * 1024);
    const before = libc.addressOf(buffer);
    const heap: unknown[] = [];
    for (let i = 0; i < 200_000; i++) {
      litter(heap, i);
      new Uint8Array(buffer, i % 1024, 8)[0] = i;
    }
    assert.equal(libc.addressOf(buffer), before);
  });

  it("names errors as errno.h does", () => {
    const names = [1, 11, 13, 22, 95, 101, 111, 112, 113].map(errnoName);
    assert.deepEqual(names, [
      "EPERM",
      "EAGAIN",
      "EACCES",
      "EINVAL",
      "EOPNOTSUPP",
      "ENETUNREACH",
      "ECONNREFUSED",
      "EHOSTDOWN",
      "EHOSTUNREACH",
    ]);
    assert.equal(errnoName(4711), "errno 4711");
  });
});

describe("the arena", () => {
  it("hands out aligned pieces that do not overlap, and no more than it has", () => {
    const arena = new Arena(libc, 64);
    const first = arena.take(5);
    const second = arena.take(40);
    assert.equal(second.address - first.address, 16n);
    assert.equal(second.bytes.length, 40);
    assert.throws(() => arena.take(1), RangeError);
  });
});
