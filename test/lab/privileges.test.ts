import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findTool, hasNobody } from "./access.ts";
import {
  assertTruePath,
  EXECUTABLE,
  FAMILIES,
  nettrace,
  nettraceJson,
  responders,
  TIME,
  targetOf,
  verdicts,
} from "./executable.ts";
import { createLab, type Lab } from "./lab.ts";
import {
  assertResigned,
  BIND_SERVICE,
  childOf,
  hasRawSocket,
  ids,
  NET_ADMIN,
  NOBODY,
  NONE,
  type Status,
  settled,
  statuses,
} from "./process-rights.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

/** In a user namespace of one user there is nobody to become. */
const skip = hasNobody() ? false : "the user 65534 does not exist in this user namespace";

describeInLab("root's rights, by the built executable", import.meta.filename, () => {
  let silent: Lab;
  let restricted: Lab;
  let plain: Lab;
  before(async () => {
    [silent, restricted, plain] = await Promise.all([
      createLab({ ...SCENARIOS.silentTarget(), dns: { mode: "silent" } }),
      createLab(SCENARIOS.restricted()),
      createLab(SCENARIOS.balanced()),
    ]);
  }, TIME);
  after(() => {
    for (const lab of [silent, restricted, plain]) lab?.[Symbol.dispose]();
  });

  /** No-new-privs is the last thing of all. */
  const isUser =
    (uid: number) =>
    (status: Status): boolean =>
      status["Uid"] === ids(uid) && status["NoNewPrivs"] === "1";
  const isNobody = isUser(NOBODY);

  /** Starts the executable where the target and the name server say nothing, and ends it once it was looked at. */
  const watch = async (
    argv: readonly string[],
    look: (child: ChildProcess) => Promise<void>,
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    const child = silent.spawn("host", argv, { env });
    try {
      await look(child);
    } finally {
      child.kill("SIGKILL");
    }
  };
  const built = (): string => silent.stage(EXECUTABLE);

  describe("are given away", { skip }, () => {
    const lines: Readonly<Record<string, readonly string[]>> = {
      auto: ["auto", "target.lab.example"],
      trace: ["trace", "203.0.113.10", "-P", "icmp", "-n", "-w", "2"],
      report: ["report", "2001:db8:ffff::10", "-P", "icmp", "-n"],
      locate: ["locate", "target.lab.example", "-p", "443"],
      egress: ["egress", "target.lab.example"],
      traceroute: ["traceroute", "-n", "203.0.113.10"],
      tcptraceroute: ["tcptraceroute", "-n", "203.0.113.10", "443"],
      tracert: ["tracert", "-d", "203.0.113.10"],
      mtr: ["mtr", "-rn", "203.0.113.10"],
      ping: ["ping", "target.lab.example"],
    };
    it("while scan waits for answers, on every thread, with files that only root may open", TIME, async () => {
      const folder = join(silent.directory, "of-root");
      mkdirSync(folder, { mode: 0o700 });
      const [list, blocklist, state] = ["list", "blocklist", "state"].map((name) => join(folder, name));
      if (list === undefined || blocklist === undefined || state === undefined) return;
      writeFileSync(list, "203.0.113.10\n2001:db8:ffff::10\n203.0.113.11\n", { mode: 0o600 });
      writeFileSync(blocklist, "203.0.113.11\n", { mode: 0o600 });
      const argv = ["-f", list, `--blocklist=${blocklist}`, "--resume", state];
      for (const protocol of ["icmp", "udp", "tcp-syn:443"]) {
        await watch([built(), "scan", ...argv, "-P", protocol], async (child) => {
          assertResigned(await settled(child, isNobody), NOBODY, NOBODY);
          // It has read the lists, and goes on writing the state.
          for (let tries = 0; !readFileSync(state, "latin1").includes('"positions":['); tries += 1) {
            assert.ok(tries < 1000 && child.exitCode === null, "no row was written");
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
          assertResigned(statuses(child.pid ?? 0), NOBODY, NOBODY);
        });
        assert.deepEqual([statSync(state).uid, statSync(state).mode & 0o777], [NOBODY, 0o600]);
        rmSync(state);
      }
    });

    for (const [name, argv] of Object.entries(lines)) {
      it(`while ${name} waits for an answer, on every thread`, TIME, () =>
        watch([built(), ...argv], async (child) => {
          assertResigned(await settled(child, isNobody), NOBODY, NOBODY);
        }),
      );
    }

    for (const line of ["live 203.0.113.10 2001:db8:ffff::10 target.lab.example", "mtr 203.0.113.10"]) {
      it(`while the screen of ${line.split(" ")[0]} is there, on every thread`, TIME, () =>
        watch(
          ["script", "-qfc", `exec ${built()} ${line}`, "/dev/null"],
          async (script) => {
            const screen = await childOf(script);
            assertResigned(await settled(screen, isNobody), NOBODY, NOBODY);
          },
          { TERM: "xterm" },
        ),
      );
    }

    it("to who called sudo", TIME, () =>
      watch(
        [built(), "auto", "target.lab.example"],
        async (child) => assertResigned(await settled(child, isUser(4711)), 4711, 4712),
        { SUDO_UID: "4711", SUDO_GID: "4712" },
      ),
    );

    for (const hostile of [
      "0",
      "-1",
      "4294967295",
      "4294967296",
      "99999999999",
      "1000x",
      " 1000",
      "0x3e8",
      "root",
      "",
    ]) {
      it(`to nobody, where SUDO_UID is ${JSON.stringify(hostile)}`, TIME, () =>
        watch(
          [built(), "auto", "target.lab.example"],
          async (child) => assertResigned(await settled(child, isNobody), NOBODY, NOBODY),
          { SUDO_UID: hostile, SUDO_GID: "0" },
        ),
      );
    }

    it("by the runtime's own calls, where the C library cannot be called", TIME, () =>
      watch(
        ["sh", "-c", 'ulimit -v 2000000; exec "$@"', "sh", built(), "auto", "203.0.113.10", "-n"],
        async (child) => {
          const all = await settled(child, (each) => each["Uid"] === ids(NOBODY));
          assert.ok(
            all.every((each) => each["Uid"] === ids(NOBODY) && each["CapPrm"] === NONE && each["Groups"] === ""),
          );
        },
      ),
    );

    it("with sixteen descriptors, of which some are left for connections", TIME, async () => {
      const line = [
        "sh",
        "-c",
        'ulimit -n 16; exec "$@"',
        "sh",
        plain.stage(EXECUTABLE),
        "auto",
        plain.target.v4,
        "-n",
      ];
      const { code, stderr, stdout } = await plain.run("host", line);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, /^reached 203\.0\.113\.10 by icmp in 8 hops/m);
    });

    it("but for CAP_NET_ADMIN where packets are marked", TIME, async () => {
      await watch([built(), "trace", "203.0.113.10", "-P", "icmp", "-n", "--mark", "7"], async (child) =>
        assertResigned(await settled(child, isNobody), NOBODY, NOBODY, NET_ADMIN),
      );
      for (const protocol of ["icmp", "udp", "tcp-syn:443", "tcp-connect:443"]) {
        const run = await nettraceJson(plain, "root", "trace", plain.target.v4, "-P", protocol, "-n", "--mark", "7");
        assert.deepEqual([run.code, run.report.attempts[0]?.verdict], [0, "reached"], run.stderr);
      }
    });

    it("but for CAP_NET_BIND_SERVICE where a port below 1024 is sent from", TIME, async () => {
      const args = ["trace", "203.0.113.10", "-P", "tcp-connect:443", "-n", "--sport", "53"];
      await watch([built(), ...args], async (child) =>
        assertResigned(await settled(child, isNobody), NOBODY, NOBODY, BIND_SERVICE),
      );
      const run = await nettraceJson(plain, "root", ...args);
      assert.deepEqual([run.code, run.report.attempts[0]?.verdict], [0, "reached"], run.stderr);
    });
  });

  for (const way of ["--keep-privileges", "NETTRACE_KEEP_PRIVILEGES=1"]) {
    it(`are kept with ${way}, by commands and by tools`, TIME, async () => {
      const isOption = way.startsWith("--");
      const env = isOption ? {} : { NETTRACE_KEEP_PRIVILEGES: "1" };
      for (const argv of [["trace", "-P", "icmp"], ["traceroute"]]) {
        const line = [built(), ...argv, "-n", ...(isOption ? [way] : []), "203.0.113.10"];
        const look = async (child: ChildProcess): Promise<void> => {
          // A raw socket is open: what would have been given away is given away by now.
          await settled(child, () => hasRawSocket(child.pid ?? 0));
          const [first] = statuses(child.pid ?? 0);
          assert.equal(first?.["Uid"], ids(0));
          assert.notEqual(first?.["CapEff"], NONE);
        };
        await watch(line, look, env);
      }
    });
  }

  describe("are gone, and yet it shows what it shows with them:", { skip }, () => {
    const shows = ["icmp", "udp", "tcp-syn:443", "tcp-connect:443"];
    for (const family of FAMILIES) {
      it(`the same path by each protocol in the same mode, IPv${family}`, TIME, async () => {
        for (const protocol of shows) {
          const args = ["trace", targetOf(plain, family), "-P", protocol, "-n", "--sport", "41234"];
          const with_ = await nettraceJson(plain, "root", ...args, "--keep-privileges");
          const without = await nettraceJson(plain, "root", ...args);
          assert.equal(without.report.attempts[0]?.verdict, "reached", without.stderr);
          assert.equal(without.report.attempts[0]?.mode, with_.report.attempts[0]?.mode);
          assert.deepEqual(responders(without), responders(with_));
          assertTruePath(without, plain, family);
          assert.equal(without.stderr, "");
        }
      });

      it(`the ladder on a restricted host, IPv${family}`, TIME, async () => {
        const args = ["auto", targetOf(restricted, family), "-n", "--sport", "41234"];
        const with_ = await nettraceJson(restricted, "root", ...args, "--keep-privileges");
        const without = await nettraceJson(restricted, "root", ...args);
        assert.deepEqual(verdicts(without), ["icmp denied", "udp denied", "tcp-syn:443 reached"]);
        assert.deepEqual(verdicts(with_), verdicts(without));
        assert.deepEqual(responders(without), responders(with_));
      });

      it(`all routers of a balanced hop, IPv${family}`, TIME, async () => {
        const args = ["trace", targetOf(plain, family), "-P", "tcp-syn:443", "-n", "-q", "16", "--flow", "vary"];
        const { report } = await nettraceJson(plain, "root", ...args);
        const third = report.trace?.hops[2]?.probes.map(({ address }) => address);
        assert.deepEqual(
          [...new Set(third)].sort(),
          plain.hops[2]?.map((router) => (family === 4 ? router.v4 : router.v6)).sort(),
        );
      });
    }

    it("the answers that INPUT rules keep from it", TIME, async () => {
      using lab = await createLab(SCENARIOS.noRelated());
      for (const family of FAMILIES) {
        const args = ["trace", targetOf(lab, family), "-P", "tcp-syn:443", "-n"];
        const with_ = await nettraceJson(lab, "root", ...args, "--keep-privileges");
        const without = await nettraceJson(lab, "root", ...args);
        for (const { report } of [with_, without]) assert.ok((report.attempts[0]?.tapped_only ?? 0) > 0);
        assert.deepEqual(responders(without), responders(with_));
        assertTruePath(without, lab, family);
      }
    });
  });

  it("are gone before the first byte of a name server's is read", { ...TIME, skip }, async (t) => {
    if (findTool("strace") === undefined) return t.skip("strace is not installed");
    const calls = "trace=setresuid,socket,connect,sendto,sendmsg,sendmmsg,recvfrom,recvmsg";
    const { stderr } = await plain.run("host", [
      ...["strace", "-f", "-qq", "-e", calls, plain.stage(EXECUTABLE)],
      ...["auto", plain.target.name, "-n", "-q", "1"],
    ]);
    const lines = stderr.split("\n");
    const last = lines.findLastIndex((line) => /setresuid\(65534, 65534, 65534\) += 0/.test(line));
    const question = lines.findIndex((line) => line.includes("htons(53)"));
    const raw = lines.findLastIndex((line) => /socket\(AF_INET6?, SOCK_RAW/.test(line));
    const heard = lines.findIndex((line) => /recv(from|msg)\(.*"/.test(line) && !line.includes("AF_NETLINK"));
    assert.ok(last > 0 && question > last, `setresuid at line ${last}, the question at ${question}`);
    assert.ok(heard > question, `first octets at line ${heard}`);
    assert.ok(raw > 0 && raw < last, `the last raw socket at line ${raw}`);
  });

  it("are gone before a plugin runs, whose own raw protocol is open all the same", { ...TIME, skip }, async () => {
    const file = join(plain.directory, "odd.ts");
    writeFileSync(
      file,
      `import { readFileSync } from "node:fs";
      import { definePlugin } from "nettrace";
      const told = /^(Uid|CapPrm|CapEff):.*$/gm;
      console.error(JSON.stringify(readFileSync("/proc/self/status", "latin1").match(told)));
      const open = (network, target) => {
        const raw = (protocol) => { try { using socket = network.open({ type: "raw", protocol }, 4); return "open"; } catch (error) { return error.evidence; } };
        console.error(raw(253), raw(254));
        throw new Error("that is all");
      };
      export default definePlugin({ name: "odd", rawProtocols: [253], open });\n`,
    );
    chmodSync(file, 0o644);
    const { stderr } = await nettrace(plain, "root", "trace", plain.target.v4, "--plugin", file, "-P", "odd", "-n");
    const status = ["Uid:\t65534\t65534\t65534\t65534", `CapPrm:\t${NONE}`, `CapEff:\t${NONE}`];
    assert.ok(stderr.includes(JSON.stringify(status)), stderr);
    assert.match(stderr, /^open privileges were given away before it was asked for/m);
  });

  it("are gone, and a plugin still runs that only root can get to, by its name", { ...TIME, skip }, async () => {
    const config = join(plain.directory, "config");
    const folder = join(config, "nettrace", "plugins");
    mkdirSync(folder, { recursive: true });
    chmodSync(config, 0o700);
    const text = readFileSync(new URL("../../examples/plugins/dns.ts", import.meta.url), "utf8");
    writeFileSync(join(folder, "dns.ts"), text, { mode: 0o600 });
    const { code, stdout, stderr } = await plain.run(
      "host",
      [plain.stage(EXECUTABLE), "trace", plain.target.v4, "-P", "dns:33434", "-n"],
      { env: { XDG_CONFIG_HOME: config } },
    );
    assert.equal(stderr, `nettrace: loads the plugin ${join(folder, "dns.ts")}\n`);
    assert.equal(code, 0);
    assert.match(stdout, /^dns +udp\+raw-icmp +reached +8 /m);
  });

  describe("are gone, and a recording is written", { skip }, () => {
    it("where only root may, and belongs to who called sudo", TIME, async () => {
      const directory = join(plain.directory, "roots");
      mkdirSync(directory, { mode: 0o700 });
      const file = join(directory, "run.jsonl");
      const trace = [plain.stage(EXECUTABLE), "trace", plain.target.v4, "-P", "icmp", "-n"];
      const env = { SUDO_UID: "4711", SUDO_GID: "4712" };
      const first = await plain.run("host", [...trace, "--record", file], { env });
      assert.equal(first.code, 0, first.stderr);
      const { uid, gid, mode } = statSync(file);
      assert.deepEqual([uid, gid, mode & 0o777], [4711, 4712, 0o600]);
      writeFileSync(file, "x".repeat(1_000_000));
      const again = await plain.run("host", [...trace, `--record=${file}`], { env });
      assert.equal(again.code, 0, again.stderr);
      const replayed = await plain.run("host", [plain.stage(EXECUTABLE), "replay", file]);
      assert.equal(replayed.code, 0, replayed.stderr);
      assert.match(replayed.stdout, /by icmp in 8 hops/);
    });
  });

  it("of no use are no more than said: what a host does not let go of", { ...TIME, skip }, async () => {
    const line = [plain.stage(EXECUTABLE), "trace", plain.target.v4, "-P", "icmp", "-n"];
    const { code, stderr, stdout } = await plain.run("host", ["setpriv", "--bounding-set", "-setuid", ...line]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /by icmp in 8 hops/);
    assert.equal(
      stderr,
      "nettrace: it stays root, without any capability: this host lets it become no other user (EPERM)\n",
    );
  });

  it("are without capabilities in a user namespace where there is nobody to become", TIME, () =>
    watch(["unshare", "--user", "--map-root-user", built(), "auto", "203.0.113.10"], async (child) => {
      const [first] = await settled(child, (status) => status["CapPrm"] === NONE && status["NoNewPrivs"] === "1");
      assert.deepEqual([first?.["CapEff"], first?.["CapInh"], first?.["CapAmb"]], [NONE, NONE, NONE]);
    }),
  );
});
