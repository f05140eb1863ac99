import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  assertTruePath,
  EXECUTABLE,
  FAMILIES,
  type Family,
  type JsonRun,
  TIME,
  targetOf,
  USERS,
} from "./executable.ts";
import { createLab, type Lab, NO_RIGHTS, NOBODY, type RunResult } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const SECCOMP = fileURLToPath(new URL("./seccomp.ts", import.meta.url));
/** Those of Docker's default, but for NET_RAW. */
const CONTAINER_RIGHTS =
  "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+sys_chroot,+mknod,+audit_write,+setfcap";
/** What else the C library looks for in /etc stays. */
const WITHOUT_RESOLV_CONF = `etc=$(mktemp -d "$0/etc.XXXXXX") && chmod 755 "$etc" && cp /etc/hosts /etc/nsswitch.conf /etc/passwd "$etc" &&
      mount --bind "$etc" /etc && [ ! -e /etc/resolv.conf ]`;
const AS_NOBODY = ["setpriv", ...NOBODY, ...NO_RIGHTS].join(" ");

/** In a cgroup with a pids.max, of whichever version has that controller here; the shell is one of the tasks. */
const FEW_TASKS = `root=/mnt
mount -t cgroup2 none $root
grep -qw pids $root/cgroup.controllers || { umount $root && mount -t cgroup -o pids none $root; }
[ ! -e $root/cgroup.subtree_control ] || echo +pids > $root/cgroup.subtree_control
group=$root/\${0##*/}; mkdir $group && echo 8 > $group/pids.max && echo $$ > $group/cgroup.procs || exit 99
`;

/** Each takes something away and then starts "$@"; `$0` is the lab's directory, `$AS` becomes the user. */
const TAKEN: Readonly<Record<string, string>> = {
  "the whole environment": 'exec env -i $AS "$@"',
  HOME: 'exec env -u HOME $AS "$@"',
  stdin: 'exec $AS "$@" <&-',
  stderr: 'exec $AS "$@" 2>&-',
  "stdin and stderr": 'exec $AS "$@" <&- 2>&-',
  "all descriptors but sixteen": 'ulimit -n 16; exec $AS "$@"',
  "all address space but 4 GB": 'ulimit -v 4000000; exec $AS "$@"',
  "the right to gain any by exec (no-new-privs)": 'exec setpriv --no-new-privs $AS "$@"',
  "the right to write and, in /tmp, to execute": `mount --bind "$0" /mnt && mount -t tmpfs -o noexec,nosuid tmpfs /tmp && mount -o remount,bind,ro / &&
      ! touch /etc/x 2>/dev/null && shift && exec $AS /mnt/nettrace "$@"`,
  "/etc, and so all name servers": 'mount -t tmpfs tmpfs /etc && exec $AS "$@"',
  "/etc/resolv.conf alone": `${WITHOUT_RESOLV_CONF} && exec $AS "$@"`,
};

/** The same, where it makes sense for one kind of user only, and leaves no raw sockets. */
const TAKEN_FROM_ONE: Readonly<Record<string, string>> = {
  "more than eight tasks in its cgroup": `${FEW_TASKS} ${AS_NOBODY} "$@"; code=$?; echo $$ > $root/cgroup.procs; rmdir $group; exit $code`,
  "more than eight processes and threads":
    'exec setpriv --reuid 64123 --regid 64123 --clear-groups --bounding-set -all prlimit --nproc=8 "$@"',
  "CAP_NET_RAW from root's bounding set": 'exec setpriv --bounding-set -net_raw "$@"',
  "CAP_NET_RAW from what a container gives its root": `exec unshare --uts --ipc --pid --fork --mount-proc setpriv --no-new-privs \\
      --bounding-set ${CONTAINER_RIGHTS} --inh-caps -all "$@"`,
  "root but in a user namespace of one's own": `exec setpriv ${NOBODY.join(" ")} unshare --user --map-root-user "$@"`,
};

describeInLab("on a host that takes away still more, the built executable", import.meta.filename, () => {
  let lab: Lab;
  let executable: string;
  before(async () => {
    lab = await createLab(SCENARIOS.restricted());
    executable = join(lab.directory, "nettrace");
    copyFileSync(EXECUTABLE, executable);
  }, TIME);
  after(() => lab[Symbol.dispose]());

  const inHost = (script: string, ...command: readonly string[]): Promise<RunResult> =>
    lab.run("host", ["unshare", "--mount", "sh", "-c", script, lab.directory, ...command], { timeoutMs: 30_000 });

  const showsTruePath = async (script: string, family: Family, winner: string): Promise<void> => {
    const result = await inHost(script, executable, "auto", targetOf(lab, family), "-n", "--format", "json");
    assert.equal(result.code, 0, result.stderr + result.stdout);
    const report = JSON.parse(result.stdout) as JsonRun["report"];
    const won = report.attempts[report.winner ?? -1];
    assert.equal(`${won?.protocol}:${won?.port}`, winner);
    assertTruePath({ ...result, report }, lab, family);
    assert.equal(result.stderr, "");
  };

  for (const family of FAMILIES) {
    for (const [what, script] of Object.entries(TAKEN)) {
      for (const user of USERS) {
        const as = user === "nobody" ? AS_NOBODY : "";
        it(`shows the true path without ${what}, IPv${family}, as ${user}`, TIME, () =>
          showsTruePath(script.replaceAll("$AS", as), family, user === "root" ? "tcp-syn:443" : "tcp-connect:443"),
        );
      }
    }
    for (const [what, script] of Object.entries(TAKEN_FROM_ONE)) {
      it(`shows the true path without ${what}, IPv${family}`, TIME, () =>
        showsTruePath(script, family, "tcp-connect:443"),
      );
    }
  }

  for (const user of USERS) {
    it(`resolves by the private name server, which alone is to be had, as ${user}`, TIME, async () => {
      const as = user === "nobody" ? AS_NOBODY : "";
      const { code, stdout } = await inHost(`exec ${as} "$@"`, executable, "auto", lab.target.name, "-4");
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^nettrace to target\.lab\.example \(203\.0\.113\.10\)/);
      assert.match(stdout, /^ 2 {2}\S+\.lab\.example \(198\.18\.2\.1\)/m);
    });

    it(`tells by its exit status alone what it measured, where stdout is closed, as ${user}`, TIME, async () => {
      const as = user === "nobody" ? AS_NOBODY : "";
      const script = `${as} "$@" >&-; echo $? >&2`;
      const reached = await inHost(script, executable, "auto", lab.target.v4, "-n", "-q", "1");
      assert.deepEqual([reached.stdout, reached.stderr], ["", "0\n"]);
      const refused = await inHost(script, executable, "trace", lab.target.v4, "-P", "tcp-connect:25", "-n", "-q", "1");
      assert.deepEqual([refused.stdout, refused.stderr], ["", "3\n"]);
    });
  }

  for (const [what, take] of [
    ["/etc", "mount -t tmpfs tmpfs /etc"],
    ["/etc/resolv.conf", WITHOUT_RESOLV_CONF],
  ]) {
    it(`says in one line that it has no name server, where there is no ${what}`, TIME, async () => {
      const script = `${take} && exec ${AS_NOBODY} "$@"`;
      const { code, stdout, stderr } = await inHost(script, executable, "auto", "target.lab.example");
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^nettrace: Cannot resolve target\.lab\.example: [^\n]+\n$/);
    });
  }

  it("is as clear by its exit status where all three streams are closed", TIME, async () => {
    const script = `${AS_NOBODY} "$@" <&- >&- 2>&-; echo $?`;
    const reached = await inHost(script, executable, "auto", lab.target.v4, "-n", "-q", "1");
    assert.equal(reached.stdout, "0\n");
    const refused = await inHost(script, executable, "trace", lab.target.v4, "-P", "tcp-connect:25", "-n", "-q", "1");
    assert.equal(refused.stdout, "3\n");
  });

  it("falls back to tcp-reach where the address space is too small for the C library's calls", TIME, async () => {
    const script = `ulimit -v 2000000; exec ${AS_NOBODY} "$@"`;
    const { code, stdout, stderr } = await inHost(script, executable, "auto", lab.target.v6, "-n");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^nettrace: no hops, only whether a TCP port answers, for [^\n]+\n$/);
    assert.match(stdout, /^reached \S+ by tcp-reach:443 in [\d.]+ ms; the path is not visible/m);
  });

  it("does not start without /proc: the runtime aborts, before any code of ours", TIME, async () => {
    const { code, stdout } = await inHost('umount -l /proc && exec "$@"', executable, "--version");
    assert.notEqual(code, 0);
    assert.equal(stdout, "");
  });

  describe("under a seccomp filter", () => {
    const filtered = (mode: string, family: 4 | 6): Promise<RunResult> =>
      inHost('exec "$@"', process.execPath, SECCOMP, mode, executable, "auto", targetOf(lab, family), "-n");

    for (const family of FAMILIES) {
      it(
        `against raw sockets, root reaches the target by tcp-connect and is told why, IPv${family}`,
        TIME,
        async () => {
          const { code, stdout, stderr } = await filtered("raw", family);
          assert.equal(code, 0, stderr);
          assert.match(stdout, /^icmp .*EPERM: this process has CAP_NET_RAW, but a seccomp filter [^\n]+$/m);
          assert.match(stdout, /^udp +error-queue +denied .* EPERM: an OUTPUT rule drops it$/m);
          assert.match(stdout, /^reached \S+ by tcp-connect:443 in 12 hops; /m);
        },
      );

      it(`against raw sockets and datagrams, tcp-connect is left, IPv${family}`, TIME, async () => {
        const { code, stdout, stderr } = await filtered("datagram", family);
        assert.equal(code, 0, stderr);
        assert.match(stdout, /^udp .* EPERM: no privilege is needed for it: a seccomp filter [^\n]+$/m);
        assert.match(stdout, /^reached \S+ by tcp-connect:443 in 12 hops; /m);
      });
    }
  });

  for (const user of USERS) {
    it(`tells a seccomp filter against IPv6 from a kernel without it, as ${user}`, TIME, async () => {
      const script = user === "nobody" ? `exec ${AS_NOBODY} "$@"` : 'exec "$@"';
      const seccomp = [process.execPath, SECCOMP, "ipv6", executable, "auto"];
      const six = await inHost(script, ...seccomp, lab.target.v6, "-n");
      assert.equal(six.code, 3, six.stdout + six.stderr);
      assert.match(six.stdout + six.stderr, /EAFNOSUPPORT: this kernel has the address family, but a seccomp filter/);
      const four = await inHost(script, ...seccomp, lab.target.v4, "-n");
      assert.equal(four.code, 0, four.stdout + four.stderr);
    });
  }

  it("tells root why it may not, where the bounding set lacks CAP_NET_RAW", TIME, async () => {
    const script = 'exec setpriv --bounding-set -net_raw "$@"';
    const { code, stdout } = await inHost(script, executable, "trace", lab.target.v4, "-P", "tcp-syn:443", "-n");
    assert.equal(code, 3);
    assert.match(stdout, /EPERM: CAP_NET_RAW is not in the bounding set, so that even root lacks it/);
  });
});
