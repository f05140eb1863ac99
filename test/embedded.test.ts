import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runtime } from "./lab/command.ts";

/** What the program found out. */
export interface Embedded {
  readonly simulated: readonly { readonly outcome: string; readonly hops: number; readonly last: string | undefined }[];
  readonly real: readonly { readonly outcome: string; readonly hops: number; readonly last: string | undefined }[];
  readonly openSockets: readonly number[];
  readonly listeners: { readonly before: number; readonly between: number; readonly after: number };
  readonly globals: readonly string[];
}

describe("the library in a program of others", () => {
  let directory = "";
  let said = "";
  let status: number | null = null;
  let found: Embedded;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "nettrace-embedded-"));
    const file = join(directory, "found.json");
    const [command = "", ...args] = [...runtime(new URL("./embedded-child.ts", import.meta.url)), file];
    const ran = spawnSync(command, args, { encoding: "utf8", timeout: 60_000 });
    said = ran.stdout + ran.stderr;
    status = ran.status;
    found = JSON.parse(readFileSync(file, "utf8"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it("traces on several networks at once, simulated and real ones", () => {
    const [short, long] = found.simulated;
    assert.deepEqual(short, { outcome: "reached", hops: 4, last: "stopped" });
    assert.deepEqual(long, { outcome: "reached", hops: 9, last: "stopped" });
    for (const each of found.real) assert.deepEqual(each, { outcome: "reached", hops: 1, last: "stopped" });
  });

  it("ends in the middle by an AbortSignal, while the others go on", () => {
    const aborted = found.simulated[2];
    assert.deepEqual([aborted?.outcome, aborted?.last], ["aborted", "stopped"]);
    assert.deepEqual(found.openSockets, [0, 0, 0]);
  });

  it("says nothing of its own, and lets the process end", () => {
    assert.equal(said, "");
    assert.equal(status, 0);
  });

  it("leaves no listener on the process and no global variable", () => {
    assert.ok(found.listeners.between > found.listeners.before, "it listens while a network is open");
    assert.equal(found.listeners.after, found.listeners.before);
    // Deno makes this one itself once modules of Node are used.
    assert.deepEqual(
      found.globals.filter((name) => name !== "nodeBootstrap"),
      [],
    );
  });
});
