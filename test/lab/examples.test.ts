import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { nearSide } from "./addresses.ts";
import {
  assertTruePath,
  FAMILIES,
  type JsonRun,
  nettrace,
  nettraceJson,
  responders,
  TIME,
  targetOf,
  USERS,
  type User,
  verdicts,
} from "./executable.ts";
import { createLab, type Lab } from "./lab.ts";
import { itWith, listensOn, makeCertificate, type Server } from "./servers.ts";
import { describeInLab } from "./suite.ts";

const DNSMASQ: Server = {
  package: "dnsmasq-base",
  program: "dnsmasq",
  listens: listensOn("udp", 53),
  // Not as a daemon it keeps its user, for whose change a user namespace may give no right.
  // It knows one name and none of `missing.example`, and may ask nobody about the others.
  args: async () => [
    ...["--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--no-resolv", "--no-hosts"],
    ...["--address=/example.com/192.0.2.1", "--local=/missing.example/"],
  ],
};

const CHRONY: Server = {
  package: "chrony",
  program: "chronyd",
  listens: listensOn("udp", 123),
  args: async ({ directory }) => {
    const file = join(directory, "chrony.conf");
    const pid = join(directory, "chronyd.pid");
    writeFileSync(file, `local stratum 5\nallow all\ncmdport 0\nbindcmdaddress /\npidfile ${pid}\n`);
    // -x: it never touches the clock.
    return ["-d", "-x", "-u", "root", "-f", file];
  },
};

const NGTCP2: Server = {
  package: "ngtcp2-server",
  program: "gtlsserver",
  listens: listensOn("udp", 443),
  args: async (lab) => {
    const { key, certificate } = await makeCertificate(lab);
    return ["--quiet", "*", "443", key, certificate];
  },
};

/** A stack of its own over raw sockets: it needs no SCTP in the kernel. */
const USRSCTP: Server = {
  package: "libusrsctp-examples",
  program: "/usr/lib/usrsctp/discard_server",
  listens: { v4: /^\S+ .* (0\.0\.0\.0|\*):(sctp|132) /m, v6: /^\S+ .* (\[::\]|\*):(sctp|132) /m },
  args: async () => [],
};
const DISCARD = 9;

describeInLab("the example plugins and real servers, by the built executable", fileURLToPath(import.meta.url), () => {
  let lab: Lab;
  before(async () => {
    // The second router is a filter without state: nobody opens a TCP connection through it.
    const noSyn = ["-A FORWARD -p tcp --syn --dport 443 -j DROP"];
    lab = await createLab({ hops: [{}, { rules: { v4: noSyn, v6: noSyn } }, {}] });
  });
  after(() => lab?.[Symbol.dispose]());

  const plugin = (name: string): string =>
    lab.stage(fileURLToPath(new URL(`../../examples/plugins/${name}.ts`, import.meta.url)));

  const traceBy = (name: string, user: User, family: 4 | 6, port: number, more: readonly string[] = []) => {
    const what = [targetOf(lab, family), "-P", `${name}:${port}`, "-n"];
    return nettraceJson(lab, user, "trace", "--plugin", plugin(name), ...what, ...more);
  };

  /** `sender`: the address of the target that answers, where it is not the one asked. */
  const assertReached = (run: JsonRun, family: 4 | 6, verdict: string, mark: string | null, sender?: string): void => {
    assert.deepEqual([run.code, ...verdicts(run)], [0, verdict], run.stderr);
    if (sender === undefined) assertTruePath(run, lab, family);
    else assert.deepEqual(responders(run), [...lab.hops.map(([router]) => [router?.[`v${family}`]]), [sender]]);
    const marks = run.report.trace?.hops.map(({ probes }) => probes.map((each) => each.mark)) ?? [];
    const three = (each: string | null) => [each, each, each];
    assert.deepEqual(marks, [three(null), three(null), three(null), three(mark)]);
  };

  const everywhere = async (body: (user: User, family: 4 | 6) => Promise<void>): Promise<void> => {
    for (const family of FAMILIES) for (const user of USERS) await body(user, family);
  };

  itWith(
    DNSMASQ,
    "dns reaches dnsmasq, whatever it answers",
    () => lab,
    () =>
      everywhere(async (user, family) => {
        assertReached(await traceBy("dns", user, family, 53), family, "dns:53 reached", "NOERROR");
        for (const [qname, mark] of [
          ["missing.example", "NXDOMAIN"],
          ["elsewhere.example", "REFUSED"],
        ] as const) {
          const run = await traceBy("dns", user, family, 53, ["--dns.qname", qname]);
          assertReached(run, family, "dns:53 reached", mark);
        }
      }),
  );

  itWith(
    CHRONY,
    "ntp reaches chrony, and tells its stratum",
    () => lab,
    () =>
      everywhere(async (user, family) => {
        assertReached(await traceBy("ntp", user, family, 123), family, "ntp:123 reached", "stratum-5");
      }),
  );

  itWith(
    NGTCP2,
    "quic reaches ngtcp2's server by version negotiation",
    () => lab,
    () =>
      everywhere(async (user, family) => {
        const run = await traceBy("quic", user, family, 443);
        const mark = run.report.trace?.hops.at(-1)?.probes[0]?.mark ?? "";
        assert.match(mark, /^(\S+,)?v1(,\S+)?$/);
        assertReached(run, family, "quic:443 reached", mark);
      }),
  );

  it("quic calls a port where nobody listens closed", TIME, () =>
    everywhere(async (user, family) => {
      assertReached(await traceBy("quic", user, family, 8443), family, "quic:8443 reached", "closed");
    }),
  );

  it("sctp counts a host that does not speak it as reached", TIME, async () => {
    for (const family of FAMILIES) {
      assertReached(await traceBy("sctp", "root", family, DISCARD), family, `sctp:${DISCARD} reached`, null);
    }
  });

  // Its closed ports are silent by choice (usrsctp_sysctl_set_sctp_blackhole): no ABORT is to be had from it.
  itWith(
    USRSCTP,
    "sctp tells an open port of a usrsctp server by its INIT ACK",
    () => lab,
    async () => {
      for (const family of FAMILIES) {
        const run = await traceBy("sctp", "root", family, DISCARD);
        // Over IPv4 usrsctp answers from the address of the outgoing interface, whichever was asked.
        const sender = family === 4 ? nearSide(lab.hops.length, 0).v4 : undefined;
        assertReached(run, family, `sctp:${DISCARD} reached`, "open", sender);
      }
    },
  );

  it("tcp-ack passes a filter without state that no SYN passes, and calls the target unfiltered", TIME, async () => {
    for (const family of FAMILIES) {
      const syn = await nettraceJson(lab, "root", "trace", targetOf(lab, family), "-P", "tcp-syn:443", "-n");
      assert.deepEqual(verdicts(syn), ["tcp-syn:443 filtered"]);
      const run = await traceBy("tcp-ack", "root", family, 443);
      assertReached(run, family, "tcp-ack:443 reached", "unfiltered");
    }
  });

  it("tcp-ack and sctp say that they need privilege", TIME, async () => {
    for (const name of ["tcp-ack", "sctp"]) {
      const run = await traceBy(name, "nobody", 4, 443);
      assert.deepEqual(verdicts(run), [`${name}:443 unprivileged`]);
    }
  });

  it("refuses a name that cannot be asked for", TIME, async () => {
    const what = [targetOf(lab, 4), "-P", "dns", "--dns.qname", "a..b"];
    const { code, stdout, stderr } = await nettrace(lab, "nobody", "trace", "--plugin", plugin("dns"), ...what);
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /Cannot ask for "a\.\.b": it is no domain name/);
  });
});
