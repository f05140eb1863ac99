import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import { EXECUTABLE, nettrace, TIME, type User } from "./executable.ts";
import { createLab, type Lab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { LabSpec } from "./spec.ts";
import { describeInLab } from "./suite.ts";

interface Row {
  readonly target: string;
  readonly outcome: string;
  readonly error: { readonly stage: string; readonly errno: string | null } | null;
  readonly stop_set: { readonly hop: number; readonly address: string } | null;
  readonly hops: readonly { readonly hop: number; readonly address: string | null; readonly rtt_ms: number | null }[];
}

const FOUR_ROUTERS: LabSpec = { hops: [{}, {}, {}, {}] };
/** Of both families, half each. */
const COUNT = 300;
const targets = Array.from({ length: COUNT }, (_, at) =>
  at % 2 === 0 ? `20.0.${at >> 8}.${at & 255}` : `2600::1:${at}`,
);

/** Four routers, and behind them a machine that answers for whole prefixes. */
async function withTargets(spec: LabSpec, body: (lab: Lab, list: string) => Promise<void>): Promise<void> {
  using lab = await createLab(spec);
  // With addresses of a route only (AnyIP), Linux would send its ICMPv6 errors from another one.
  const addresses = targets.filter((each) => each.includes(":")).map((each) => `addr add ${each}/128 dev lo nodad`);
  const stdin = ["route add local 20.0.0.0/16 dev lo", ...addresses].join("\n");
  const { code, stderr } = await lab.run("target", ["ip", "-batch", "-"], { stdin });
  assert.equal(code, 0, stderr);
  const list = join(lab.directory, "targets");
  writeFileSync(list, targets.join("\n"), { mode: 0o644 });
  await body(lab, list);
}

const rowsOf = (stdout: string): Row[] =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);

/** One row for each target, each reached behind the lab's own routers; what a stop set leaves out, nobody tells. */
function assertTrue(rows: readonly Row[], lab: Lab, wanted = targets): void {
  assert.deepEqual(rows.map(({ target }) => target).toSorted(), wanted.toSorted());
  for (const { target, outcome, hops, stop_set: stopSet } of rows) {
    const key = target.includes(":") ? "v6" : "v4";
    const truth = [...lab.hops.map(([router]) => router?.[key] ?? ""), target];
    const first = stopSet?.hop ?? 1;
    assert.equal(outcome, "reached", target);
    assert.deepEqual(
      hops.map(({ hop, address }) => `${hop} ${address}`),
      truth.map((address, at) => `${at + 1} ${address}`).slice(first - 1),
    );
    if (stopSet !== null) assert.equal(stopSet.address, truth[first - 1]);
    for (const { rtt_ms: rttMs } of hops) assert.ok(rttMs !== null && rttMs >= 0);
  }
}

describeInLab("nettrace scan, the executable", import.meta.filename, () => {
  const runs: readonly (readonly [User, readonly string[]])[] = [
    ["root", ["--no-stop-set"]],
    ["root", []],
    ["root", ["-P", "udp", "--no-stop-set"]],
    ["root", ["-P", "tcp-syn:443"]],
    ["nobody", ["-P", "udp", "--no-stop-set"]],
  ];
  for (const [user, args] of runs) {
    it(`finds the paths of ${COUNT} targets, IPv4 and IPv6: ${args.join(" ")} as ${user}`, TIME, async () => {
      await withTargets(FOUR_ROUTERS, async (lab, list) => {
        const { code, stdout, stderr } = await nettrace(lab, user, "scan", "-f", list, ...args);
        assert.deepEqual([code, stderr], [0, ""]);
        assertTrue(rowsOf(stdout), lab);
      });
    });
  }

  it("goes on after Ctrl-C where it was, with no row lost and none twice", TIME, async () => {
    await withTargets(FOUR_ROUTERS, async (lab, list) => {
      const state = join(lab.directory, "state");
      const args = ["scan", "-f", list, "--resume", state, "--pps", "500"];
      const child = lab.spawn("host", [lab.stage(EXECUTABLE), ...args]);
      let seen = "";
      child.stdout?.on("data", (data: Buffer) => {
        seen += data.toString();
        if (seen.split("\n").length > COUNT / 3) child.kill("SIGINT");
      });
      const [stderr, code] = await Promise.all([
        text(child.stderr ?? Readable.from([])),
        new Promise<number | null>((resolve) => child.once("close", resolve)),
      ]);
      assert.equal(code, 130, stderr);
      const first = rowsOf(seen);
      assert.ok(first.length > 50 && first.length < COUNT, `${first.length} rows`);
      assert.match(stderr, new RegExp(`^nettrace: stopped: ${first.length} of ${COUNT} targets have their rows; `));
      const second = await nettrace(lab, "root", ...args);
      assert.equal(second.code, 0, second.stderr);
      assertTrue([...first, ...rowsOf(second.stdout)], lab);
    });
  });

  it("goes on after kill -9, however often: each row is there once, and whole", TIME, async () => {
    await withTargets(FOUR_ROUTERS, async (lab, list) => {
      const folder = join(lab.directory, "of-root");
      mkdirSync(folder, { mode: 0o700 });
      const rows = join(folder, "rows");
      const state = join(folder, "state");
      writeFileSync(rows, "");
      const line = `exec "$1" scan -f "$2" --resume "$3" --pps 4000 >> "$4"`;
      const argv = ["sh", "-c", line, "sh", lab.stage(EXECUTABLE), list, state, rows];
      let kills = 0;
      for (let runs = 0; ; runs += 1) {
        assert.ok(runs < 100, "it gets nowhere");
        const [length, more] = [readFileSync(rows).length, (runs % 5) * 3000];
        const child = lab.spawn("host", argv);
        const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
        // In the middle of its work, whatever that is just then.
        const timer = setInterval(() => {
          if (readFileSync(rows).length > length + more) child.kill("SIGKILL");
        }, 1);
        const code = await ended;
        clearInterval(timer);
        if (code === 0) break;
        assert.equal(code, null);
        kills += 1;
      }
      assert.ok(kills > 3, `${kills} kills`);
      assertTrue(rowsOf(readFileSync(rows, "latin1")), lab);
    });
  });

  it("goes on once there is room again on a disk that was full", TIME, async () => {
    await withTargets(FOUR_ROUTERS, async (lab, list) => {
      const disk = join(lab.directory, "disk");
      mkdirSync(disk);
      const line = `mount -t tmpfs -o size=64k none "$3" || exit 99
        "$1" scan -f "$2" --resume "$3/state" --pps 4000 >> "$3/rows"; echo "$?" >&2
        mount -o remount,size=16m "$3"
        "$1" scan -f "$2" --resume "$3/state" --pps 4000 >> "$3/rows"; echo "$?" >&2
        cat "$3/rows"`;
      const shell = ["unshare", "--mount", "sh", "-c", line, "sh", lab.stage(EXECUTABLE), list, disk];
      const { stdout, stderr } = await lab.run("host", shell);
      assert.match(
        stderr,
        /^nettrace: Cannot write \S+( \S+)?: \d+ of 300 targets have their rows; go on with --resume \S+\n(nettrace: Cannot write the output: ENOSPC\n)?74\n0\n$/,
      );
      assertTrue(rowsOf(stdout), lab);
    });
  });

  it("leaves its state where the user that it becomes may write, and says where", TIME, async () => {
    await withTargets(FOUR_ROUTERS, async (lab, list) => {
      const folder = join(lab.directory, "of-root");
      const kept = join(lab.directory, "kept");
      mkdirSync(folder, { mode: 0o700 });
      mkdirSync(kept);
      chmodSync(kept, 0o1777);
      const options = { cwd: folder, env: { TMPDIR: kept } };
      const child = lab.spawn("host", [lab.stage(EXECUTABLE), "scan", "-f", list, "--pps", "300"], options);
      let seen = "";
      child.stdout?.on("data", (data: Buffer) => {
        seen += data.toString();
        if (seen.split("\n").length > 20) child.kill("SIGINT");
      });
      const stderr = await text(child.stderr ?? Readable.from([]));
      const [, path = ""] = /go on with --resume (\S+)\n$/.exec(stderr) ?? [];
      assert.ok(path.startsWith(kept), stderr);
      const again = await lab.run("host", [lab.stage(EXECUTABLE), "scan", "-f", list, "--resume", path], options);
      assert.equal(again.code, 0, again.stderr);
      assertTrue([...rowsOf(seen), ...rowsOf(again.stdout)], lab);
    });
  });

  it("says in one line which file root itself could not open", TIME, async () => {
    await withTargets(FOUR_ROUTERS, async (lab, list) => {
      const none = join(lab.directory, "none", "file");
      for (const [args, what] of [
        [["-f", none], "read"],
        [[`-f${none}`], "read"],
        [["-f", list, "--blocklist", none], "read"],
        [["-f", list, `--resume=${none}`], "read and write"],
      ] as const) {
        const { code, stdout, stderr } = await nettrace(lab, "root", "scan", ...args);
        assert.deepEqual([code, stdout, stderr], [2, "", `nettrace: Cannot ${what} ${none}: ENOENT\n`]);
      }
    });
  });

  it("reads the list from standard input, and stops where its reader goes away", TIME, async () => {
    await withTargets(FOUR_ROUTERS, async (lab) => {
      const scan = [lab.stage(EXECUTABLE), "scan", "-f", "-", "--resume", join(lab.directory, "state")];
      const whole = await lab.run("host", scan, { stdin: targets.join("\n") });
      assert.equal(whole.code, 0, whole.stderr);
      assertTrue(rowsOf(whole.stdout), lab);
      const piped = `"$@" -f "$0" --pps 200 | head -n 3 >/dev/null; echo "\${PIPESTATUS[0]}"`;
      const list = join(lab.directory, "targets");
      const cut = await lab.run("host", ["bash", "-c", piped, list, lab.stage(EXECUTABLE), "scan"], {
        cwd: lab.directory,
      });
      assert.equal(cut.stdout, "74\n");
      assert.match(
        cut.stderr,
        /^nettrace: Cannot write the rows: \d+ of 300 targets have their rows; go on with --resume /,
      );
    });
  });

  for (const [name, spec] of [
    ["a host that drops what it sends", SCENARIOS.outputDrop],
    ["a host that rejects what it sends", SCENARIOS.rejectAll],
  ] as const) {
    it(`stops at once, in one line: ${name}`, TIME, async () => {
      await withTargets(spec(), async (lab, list) => {
        for (const args of [
          ["-P", "icmp"],
          ["-P", "udp"],
          ["-P", "tcp-syn"],
        ]) {
          const { code, stdout, stderr } = await nettrace(lab, "root", "scan", "-f", list, ...args);
          assert.equal(stdout, "");
          assert.match(
            stderr,
            /^nettrace: Cannot send to \S+( port \d+)?: EPERM \(an OUTPUT rule drops it\): 0 of 300 targets .*\n$/,
          );
          assert.equal(code, 3);
        }
      });
    });
  }

  it("sees what a rule of this host keeps from its sockets", TIME, async () => {
    await withTargets(SCENARIOS.noRelated(), async (lab, list) => {
      const { code, stdout, stderr } = await nettrace(
        lab,
        "root",
        "scan",
        "-f",
        list,
        "--no-stop-set",
        "-P",
        "tcp-syn:443",
      );
      assert.deepEqual([code, stderr], [0, ""]);
      assertTrue(rowsOf(stdout), lab);
    });
  });

  it("tells every target's errno where routes prohibit them", TIME, async () => {
    await withTargets(SCENARIOS.prohibitRoute(), async (lab, list) => {
      const { code, stdout } = await nettrace(lab, "root", "scan", "-f", list);
      assert.equal(code, 0);
      const rows = rowsOf(stdout);
      assert.equal(rows.length, COUNT);
      for (const { outcome, error, hops } of rows) {
        assert.deepEqual([outcome, error?.errno, hops], ["refused", "EACCES", []]);
      }
    });
  });

  it("says without privilege what it would need", TIME, async () => {
    await withTargets(FOUR_ROUTERS, async (lab, list) => {
      for (const protocol of ["icmp", "tcp-syn"]) {
        const { code, stdout, stderr } = await nettrace(lab, "nobody", "scan", "-f", list, "-P", protocol);
        assert.equal(stdout, "");
        assert.match(
          stderr,
          /^nettrace: Cannot open a raw .*: EPERM \(.*(root|CAP_NET_RAW).*\): 0 of 300 targets.*\n$/,
        );
        assert.equal(code, 3);
      }
    });
  });
});
