import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import {
  EXECUTABLE,
  FAMILIES,
  type Family,
  nettrace,
  TIME,
  targetOf,
  USERS,
  type User,
  withLab,
} from "./executable.ts";
import { outputDrop, proxyOnly, rejecting } from "./firewalls.ts";
import { createLab, type Lab, type RunResult } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { isInstalled, listensOn, makeCertificate, type Server, serve } from "./servers.ts";
import type { LabSpec } from "./spec.ts";
import { describeInLab } from "./suite.ts";

const HTTP_PORT = 3128;
const SOCKS_PORT = 1080;

/** It opens tunnels to 443 only, for one user. */
const TINYPROXY: Server = {
  package: "tinyproxy-bin",
  program: "tinyproxy",
  listens: listensOn("tcp", HTTP_PORT),
  args: async ({ directory }) => {
    const file = join(directory, "tinyproxy.conf");
    writeFileSync(file, `Port ${HTTP_PORT}\nTimeout 60\nMaxClients 50\nBasicAuth me s3cret\nConnectPort 443\n`);
    return ["-d", "-c", file];
  },
};

/** With a user too, and a name that this machine does not know otherwise. */
const MICROSOCKS: Server = {
  package: "microsocks",
  program: "unshare",
  listens: listensOn("tcp", SOCKS_PORT),
  args: async ({ directory, target }) => {
    writeFileSync(join(directory, "proxy-hosts"), `${target.v4} secret-name.lab.example\n`);
    const script =
      'mount --bind "$0/proxy-hosts" /etc/hosts; mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf; exec "$@"';
    const command = ["microsocks", "-i", "::", "-p", String(SOCKS_PORT), "-u", "me", "-P", "s@cret"];
    return ["--mount", "sh", "-c", script, directory, ...command];
  },
};

/** Speaks TLS and nothing else, on the target. */
const OPENSSL: Server = {
  package: "openssl",
  program: "openssl",
  listens: listensOn("tcp", 443),
  args: async (lab) => {
    const { key, certificate } = await makeCertificate(lab);
    return ["s_server", "-quiet", "-accept", "443", "-key", key, "-cert", certificate];
  },
};

/** Behind the rules of a host that may only speak to its proxies, at hop 2; the target is hop 4. */
const SPEC: LabSpec = {
  hops: [{}, {}, {}],
  host: { firewall: proxyOnly() },
  target: { tcpPorts: [80] },
};
const PROXY_HOST = "r2";
const PYTHON = "/usr/bin/python3";
/** prctl(2), PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN (Linux 6.3): what systemd's MemoryDenyWriteExecute= is for. */
const DENY_WRITE_EXECUTE = [
  "import ctypes, os, sys",
  "if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0: sys.exit(99)",
  "os.execv(sys.argv[1], sys.argv[1:])",
].join("\n");
/** What leaves the runtime without its JIT, and so without a way to call the C library. */
const NO_FFI: Readonly<Record<string, readonly string[]>> = {
  "memory that is writable and executable": [PYTHON, "-c", DENY_WRITE_EXECUTE],
  "address space": ["sh", "-c", 'ulimit -v 2000000; exec "$@"', "sh"],
};

const load = (name: string): object =>
  JSON.parse(readFileSync(new URL(`../../docs/schema/${name}`, import.meta.url), "utf8")) as object;
const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
formats(ajv);
const validate = ajv.compile(load("proxy-1.json"));

interface Document {
  readonly exit: { readonly code: number };
  readonly attempts: readonly {
    readonly port: number;
    readonly verdict: string;
    readonly reason: string;
    readonly phases: readonly { readonly phase: string; readonly done: boolean; readonly ms: number }[];
    readonly answer: { readonly code: number } | null;
    readonly tls: { readonly certificate: { readonly subject: string | null } | null } | null;
  }[];
}

function documentOf({ stdout, stderr }: RunResult): Document {
  assert.ok(validate(JSON.parse(stdout)), `${stderr} ${stdout} ${JSON.stringify(validate.errors)}`);
  return JSON.parse(stdout) as Document;
}

const needed = [
  TINYPROXY,
  { package: "microsocks", program: "microsocks" },
  OPENSSL,
  { package: "python3", program: PYTHON },
];
const missing = needed.filter((each) => !isInstalled(each));

describeInLab("a host that has only a proxy, by the built executable", import.meta.filename, () => {
  if (missing.length > 0) {
    const why = `not installed: ${missing.map((each) => each.package).join(", ")}`;
    if (process.env["CI"] === "true") it("has proxies to test with", () => assert.fail(why));
    else it.skip(`has no proxies to test with: ${why}`, () => undefined);
    return;
  }
  let lab: Lab;
  before(async () => {
    lab = await createLab(SPEC);
    await serve(lab, OPENSSL);
    await serve(lab, TINYPROXY, PROXY_HOST);
    await serve(lab, MICROSOCKS, PROXY_HOST);
  }, TIME);
  after(() => lab[Symbol.dispose]());

  const proxyOf = (family: Family): string => {
    const router = lab.hops[1]?.[0] ?? assert.fail("hop 2 has no router");
    return family === 4 ? router.v4 : `[${router.v6}]`;
  };
  const http = (family: Family): string => `http://me:s3cret@${proxyOf(family)}:${HTTP_PORT}`;
  const socks = (family: Family): string => `socks5h://me:s%40cret@${proxyOf(family)}:${SOCKS_PORT}`;
  const ask = (user: User, host: string, proxy: string, ...more: readonly string[]): Promise<RunResult> =>
    nettrace(lab, user, "auto", host, "--proxy", proxy, ...more);

  for (const user of USERS) {
    for (const family of FAMILIES) {
      for (const [kind, proxy, phases] of [
        ["HTTP", http, ["connect-proxy", "connect", "tls"]],
        ["SOCKS 5", socks, ["connect-proxy", "greet", "connect", "tls"]],
      ] as const) {
        it(`reaches the target by a proxy of ${kind}, timing each phase, as ${user}, IPv${family}`, TIME, async () => {
          const result = await ask(user, targetOf(lab, family), proxy(family), "--format", "json");
          const { exit, attempts } = documentOf(result);
          assert.deepEqual([result.code, exit.code, result.stderr], [0, 0, ""]);
          assert.deepEqual(
            attempts.map(({ port, verdict }) => [port, verdict]),
            [[443, "reached"]],
          );
          const [attempt] = attempts;
          assert.deepEqual(
            attempt?.phases.filter(({ done, ms }) => done && ms > 0).map(({ phase }) => phase),
            phases,
          );
          assert.equal(attempt?.tls?.certificate?.subject, "target.lab.example");
        });
      }
    }
  }

  it("has no other way: the ladder itself is kept back by this host", TIME, async () => {
    const { code } = await nettrace(lab, "nobody", "auto", lab.target.v4, "-n", "-q", "1");
    assert.equal(code, 3);
  });

  it("is not gone around: proxies of the environment are not used unasked, and are when asked", TIME, async () => {
    const env = {
      HTTPS_PROXY: http(4),
      https_proxy: http(4),
      ALL_PROXY: socks(4),
      HTTP_PROXY: http(4),
      http_proxy: http(4),
    };
    const argv = [lab.stage(EXECUTABLE), "auto", lab.target.v4, "-n", "-q", "1"];
    const unasked = await lab.run("host", argv, { user: "nobody", env });
    assert.equal(unasked.code, 3, unasked.stdout);
    const asked = await lab.run("host", [...argv.slice(0, 4), "--proxy", "env"], { user: "nobody", env });
    assert.equal(asked.code, 0, asked.stdout + asked.stderr);
    assert.match(asked.stdout, /^nettrace to \S+ through http:\/\/[\d.]+:3128, of https_proxy$/m);
  });

  for (const [what, without] of Object.entries(NO_FFI)) {
    for (const family of FAMILIES) {
      it(`works without ${what}, so that the C library cannot be called, IPv${family}`, TIME, async () => {
        const run = (...command: readonly string[]): Promise<RunResult> =>
          lab.run("host", [...without, lab.stage(EXECUTABLE), ...command], { user: "nobody", timeoutMs: 30_000 });
        const { stdout: doctor, code: known } = await run("doctor");
        // A kernel before 6.3 does not know it.
        if (known === 99) return;
        assert.match(doctor, /^ {2}MISSING +FFI +the C library cannot be called: /m);
        for (const proxy of [http(family), socks(family)]) {
          const { code, stdout, stderr } = await run("auto", targetOf(lab, family), "--proxy", proxy);
          assert.deepEqual([code, stderr], [0, ""], stdout);
          assert.match(stdout, /^443 +reached( +[\d.]+){3,4}$/m);
        }
      });
    }
  }

  it("shows where the path to the proxy can be seen, and that can be done", TIME, async () => {
    const { stdout } = await ask("nobody", lab.target.v4, http(4));
    const [, words = ""] =
      /^The path behind the proxy is not visible\..*\n {2}nettrace (auto \S+ -p 3128)$/m.exec(stdout) ?? [];
    const run = await nettrace(lab, "nobody", ...words.split(" "), "-n");
    assert.equal(run.code, 0, run.stdout);
    assert.match(run.stdout, /^reached \S+ by tcp-connect:3128 in 2 hops/m);
  });

  it("resolves names as it is asked to: here, or at the proxy", TIME, async () => {
    const named = `socks5://me:s%40cret@r2.lab.example:${SOCKS_PORT}`;
    const here = await ask("nobody", "target.lab.example", named);
    assert.equal(here.code, 0, here.stdout + here.stderr);
    assert.match(here.stdout, /^the proxy is \S+ \(its name took [\d.]+ ms\)$/m);
    assert.match(here.stdout, /^it is asked for \S+, as this host resolves the name \([\d.]+ ms\)$/m);
    const there = await ask("nobody", "secret-name.lab.example", socks(4));
    assert.equal(there.code, 0, there.stdout);
    assert.match(there.stdout, /^the proxy resolves the name; to what is not visible$/m);
    const unknown = await ask("nobody", "secret-name.lab.example", named);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /^nettrace: Cannot resolve secret-name\.lab\.example: unknown host\n$/);
  });

  it("tells what the proxy refuses, and what it cannot reach", TIME, async () => {
    const verdicts = async (proxy: string, ...more: readonly string[]): Promise<readonly unknown[]> => {
      const result = await ask("nobody", lab.target.v4, proxy, ...more, "--format", "json");
      const { attempts } = documentOf(result);
      return [result.code, ...attempts.map(({ port, verdict, answer }) => `${port} ${verdict} ${answer?.code}`)];
    };
    assert.deepEqual(await verdicts(http(4), "-p", "22"), [1, "22 refused 403"]);
    assert.deepEqual(await verdicts(http(4).replace("s3cret", "wrong"), "-p", "443,80"), [1, "443 refused 401"]);
    assert.deepEqual(await verdicts(socks(4), "-p", "9"), [1, "9 failed 5"]);
    assert.deepEqual(await verdicts(socks(4).replace("s%40cret", "wrong"), "-p", "443,80"), [
      1,
      "443 refused undefined",
    ]);
    assert.deepEqual(await verdicts(socks(4), "-p", "80"), [0, "80 connected 0"]);
    assert.deepEqual(await verdicts(socks(4), "-p", "80", "--proxy-tls", "always"), [1, "80 unproven 0"]);
  });

  it("is stopped by Ctrl-C while it waits for the proxy, with exit 130", TIME, async () => {
    const silent = `socks5h://${proxyOf(4)}:${HTTP_PORT}`;
    const command = [lab.stage(EXECUTABLE), "auto", lab.target.v4, "--proxy", silent, "-w", "30"];
    const run = await lab.run("host", ["timeout", "--preserve-status", "-s", "INT", "1.5", ...command], {
      user: "nobody",
    });
    assert.equal(run.code, 130, run.stdout + run.stderr);
    assert.match(run.stdout, /^Stopped by SIGINT\.$/m);
  });
});

describeInLab("a proxy that is out of reach, by the built executable", import.meta.filename, () => {
  const cases: readonly (readonly [string, LabSpec, code: number, verdict: string, reason: RegExp])[] = [
    ["an OUTPUT rule drops it", { ...SPEC, host: { firewall: outputDrop() } }, 3, "denied", /^this host keeps back/],
    [
      "an OUTPUT rule resets it",
      { ...SPEC, host: { firewall: rejecting({ answer: "tcp-reset", tcpToo: true }) } },
      3,
      "denied",
      /^this host keeps back/,
    ],
    ["a route prohibits it", SCENARIOS.prohibitRoute(), 3, "denied", /a prohibit route/],
    ["there is no route", SCENARIOS.missingRoute(), 3, "denied", /^this host keeps back/],
    ["nobody listens there", SCENARIOS.closedTarget(), 1, "no-proxy", /port closed/],
    ["nobody answers there", SCENARIOS.silentTarget(), 1, "no-proxy", /within 3\.5 s; tcp-reach to it: nobody answers/],
    ["a router refuses", SCENARIOS.prohibitedTarget(), 1, "no-proxy", /prohibited|!X|unreachable/i],
  ];
  for (const [what, spec, code, verdict, reason] of cases) {
    for (const user of USERS) {
      it(`is told apart: ${what}, as ${user}`, TIME, () =>
        withLab(spec, async (lab) => {
          const argv = ["auto", lab.target.v6, "--proxy", `http://${lab.target.v4}:${HTTP_PORT}`, "--format", "json"];
          const result = await nettrace(lab, user, ...argv);
          const { attempts } = documentOf(result);
          assert.deepEqual([result.code, attempts.map((each) => each.verdict)], [code, [verdict]], result.stdout);
          assert.match(attempts[0]?.reason ?? "", reason);
        }),
      );
    }
  }
});
