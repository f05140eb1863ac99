import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openPatiently } from "../../cli/live/patient-output.ts";

it("a terminal that takes nothing is not waited for, and gets all of it later", async () => {
  const directory = mkdtempSync(join(tmpdir(), "nettrace-fifo-"));
  const fifo = join(directory, "fifo");
  spawnSync("mkfifo", [fifo]);
  // It stands for a terminal: what it holds is bounded, and nobody reads it yet.
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const stream = openPatiently(process.stdout, fifo);
  assert.ok(stream);
  const frame = "x".repeat(1_000_000);
  let isWritten = false;
  stream.write(frame, () => {
    isWritten = true;
  });
  assert.ok(stream.writableLength > 0);
  let received = 0;
  const buffer = Buffer.alloc(65_536);
  await sleep(50);
  assert.ok(!isWritten);
  for (let looks = 0; received < frame.length && looks < 1000; looks += 1) {
    try {
      received += readSync(reader, buffer);
    } catch (error) {
      assert.equal(Object(error).code, "EAGAIN");
      await sleep(5);
    }
  }
  assert.equal(received, frame.length);
  for (let looks = 0; !isWritten && looks < 1000; looks += 1) await sleep(5);
  assert.equal(stream.writableLength, 0);
  const failed = new Promise((resolve) => stream.once("error", resolve));
  closeSync(reader);
  stream.write("nobody is there any more");
  assert.equal(Object(await failed).code, "EPIPE");
  rmSync(directory, { recursive: true });
});

it("a terminal that cannot be opened again is left to the runtime", () => {
  assert.equal(openPatiently(process.stdout, "/nonexistent/terminal"), undefined);
});
