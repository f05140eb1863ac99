import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createLab } from "./lab.ts";
import { describeInLab } from "./suite.ts";
import { openTerminal } from "./terminal.ts";

const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));
const PATIENCE = { timeout: 120_000 };
/** Of the program's text; starting up touches some fifty, going on less than half of them. */
const LEAST_RELEASED_MB = 8;
const MOST_MB = 70;

const megabytes = (pid: number, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

describeInLab("the memory of the live screen", import.meta.filename, () => {
  for (const user of ["root", "nobody"] as const) {
    it(`is small once it stands, and the screen goes on: ${user}`, PATIENCE, async () => {
      using lab = await createLab({ hops: [{}, {}] });
      const terminal = await openTerminal(lab, { columns: 80, rows: 24, ...(user === "nobody" && { user }) });
      await terminal.until(/^\$/m);
      await terminal.type(`${lab.stage(EXECUTABLE)} live ${lab.target.v4} -n`);
      await terminal.until(/[1-9] rounds of 1 s/);
      const [pid = 0] = await terminal.pids("nettrace");
      assert.ok(pid > 0);
      let most = 0;
      for (let looks = 0; ; looks += 1) {
        const now = megabytes(pid, "RssFile");
        most = Math.max(most, now);
        if (most - now >= LEAST_RELEASED_MB) break;
        assert.ok(looks < 600, `of ${most} MB of program text ${now} MB are still there`);
        await sleep(100);
      }
      const rss = megabytes(pid, "VmRSS");
      assert.ok(rss <= MOST_MB, `${rss} MB`);
      const rounds = Number(/(\d+) rounds/.exec(await terminal.screen())?.[1]);
      await terminal.until((screen) => Number(/(\d+) rounds/.exec(screen)?.[1]) > rounds + 1);
      await terminal.keys("q");
      await terminal.until(/is reached in 3 hops/);
      await terminal.close();
    });
  }
});
