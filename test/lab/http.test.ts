import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runtime } from "./command.ts";
import {
  assertTruePath,
  FAMILIES,
  type JsonRun,
  nettrace,
  nettraceJson,
  TIME,
  targetOf,
  USERS,
  verdicts,
} from "./executable.ts";
import { createLab, type Lab } from "./lab.ts";
import { itWith, listensOn, makeCertificate, type Server, serve } from "./servers.ts";
import { describeInLab } from "./suite.ts";

const NGINX: Server = {
  package: "nginx-light",
  program: "nginx",
  listens: listensOn("tcp", 443),
  args: async (lab) => {
    const { key, certificate } = await makeCertificate(lab);
    const file = join(lab.directory, "nginx.conf");
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${join(lab.directory, name)};`,
    );
    // In a user namespace of one user it cannot become another one.
    writeFileSync(
      file,
      `daemon off; user root root; worker_processes 1; error_log stderr; pid ${join(lab.directory, "nginx.pid")};
events {}
http {
  access_log off; ${temporary.join(" ")}
  server {
    listen [::]:80 ipv6only=off; listen [::]:443 ssl ipv6only=off;
    ssl_certificate ${certificate}; ssl_certificate_key ${key};
    location / { return 200 "here"; }
    location = /missing { return 404; }
    location = /named { if ($host != "www.example.com") { return 403; } return 204; }
  }
}
`,
    );
    return ["-c", file];
  },
};

const BUSYBOX: Server = {
  package: "busybox",
  program: "busybox",
  listens: listensOn("tcp", 8080),
  args: async ({ directory }) => ["httpd", "-f", "-p", "[::]:8080", "-h", directory],
};

/** Speaks TLS and nothing else. */
const OPENSSL: Server = {
  package: "openssl",
  program: "openssl",
  listens: listensOn("tcp", 8443),
  args: async (lab) => {
    const { key, certificate } = await makeCertificate(lab);
    return ["s_server", "-quiet", "-accept", "8443", "-key", key, "-cert", certificate];
  },
};

const ODD = {
  silent: 8001,
  close: 8002,
  reset: 8003,
  hangup: 8004,
  endless: 8005,
  escape: 8006,
  ssh: 8007,
  late: 8008,
  drip: 8009,
};
const CLOSED = 8999;

describeInLab("the http plugin and real servers, by the built executable", fileURLToPath(import.meta.url), () => {
  let lab: Lab;
  before(async () => {
    lab = await createLab({ hops: [{}, {}, {}], target: { tcpPorts: [] } });
    const [program = "", ...rest] = runtime(new URL("./odd-server.ts", import.meta.url));
    const ports = Object.entries(ODD).map(([name, port]) => `${name}=${port}`);
    await serve(lab, { program, listens: listensOn("tcp", ODD.drip), args: async () => [...rest, ...ports] });
  });
  after(() => lab?.[Symbol.dispose]());

  const plugin = (): string => lab.stage(fileURLToPath(new URL("../../examples/plugins/http.ts", import.meta.url)));
  const args = (family: 4 | 6, port: number, more: readonly string[] = []): readonly string[] => [
    ...["trace", "--plugin", plugin(), targetOf(lab, family), "-P", `http:${port}`, "-n"],
    ...more,
  ];

  /** A trace by each user over each family: its verdict, and the marks of the target's three probes. */
  const everywhere = async (
    port: number,
    verdict: string,
    mark: string,
    more: readonly string[] = [],
  ): Promise<void> => {
    for (const family of FAMILIES) {
      for (const user of USERS) {
        const ask = (): Promise<JsonRun> => nettraceJson(lab, user, ...args(family, port, more));
        const first = await ask();
        // A server that forks for each connection may be late once on a busy host; twice in a row it would be our fault.
        const isLate = first.report.trace?.hops.some(({ probes }) => probes.some((each) => each.mark === undefined));
        const run = isLate === true ? await ask() : first;
        assert.deepEqual(verdicts(run), [`http:${port} ${verdict}`], run.stderr);
        assert.equal(run.code, verdict === "reached" ? 0 : 1);
        assertTruePath(run, lab, family);
        const hops = run.report.trace?.hops.map(({ probes }) => probes.map((each) => each.mark)) ?? [];
        const three = (each: string | null) => [each, each, each];
        assert.deepEqual(hops, [three(null), three(null), three(null), three(mark)]);
        const times = run.report.trace?.hops.at(-1)?.probes.map(({ rtt_ms }) => rtt_ms) ?? [];
        assert.ok(
          times.every((each) => each !== null && each >= 0),
          "each answer has its time",
        );
      }
    }
  };

  itWith(
    NGINX,
    "reaches nginx, and tells its status code",
    () => lab,
    async () => {
      await everywhere(80, "reached", "200");
      await everywhere(80, "reached", "404", ["--http.path", "/missing"]);
      await everywhere(80, "reached", "403", ["--http.path", "/named"]);
      await everywhere(80, "reached", "204", ["--http.path", "/named", "--http.host", "www.example.com"]);
      // Asked for a page without TLS on the port for TLS, nginx says so in HTTP.
      await everywhere(443, "reached", "400");
    },
  );

  itWith(
    BUSYBOX,
    "reaches busybox's httpd",
    () => lab,
    async () => {
      await everywhere(8080, "reached", "404");
      await everywhere(8080, "reached", "200", ["--http.path", "/resolv.conf"]);
    },
  );

  itWith(
    OPENSSL,
    "reaches nobody behind a port that speaks TLS only",
    () => lab,
    () => everywhere(8443, "unreachable", "open, no HTTP"),
  );

  for (const [oddity, does] of [
    ["close", "closes at once"],
    ["reset", "resets at once"],
    ["hangup", "resets when it is asked"],
    ["endless", "says a status line without end"],
    ["escape", "puts escape codes into its status line"],
    ["ssh", "speaks first, and another protocol"],
  ] as const) {
    it(`reaches nobody behind a port that ${does}`, TIME, () =>
      everywhere(ODD[oddity], "unreachable", "open, no HTTP"),
    );
  }

  it("reaches a server whose status line comes octet by octet, or late", TIME, async () => {
    await everywhere(ODD.drip, "reached", "418");
    const run = await nettraceJson(lab, "nobody", ...args(6, ODD.late));
    assert.deepEqual(verdicts(run), [`http:${ODD.late} reached`]);
    for (const { mark, rtt_ms } of run.report.trace?.hops.at(-1)?.probes ?? []) {
      assert.equal(mark, "200");
      assert.ok(rtt_ms !== null && rtt_ms < 700, "the time of the handshake, not of a server that waits for 700 ms");
    }
  });

  it("calls a port that takes connections and says nothing open and silent", TIME, async () => {
    const run = await nettraceJson(lab, "nobody", ...args(4, ODD.silent, ["-q", "1"]));
    assert.deepEqual(verdicts(run), [`http:${ODD.silent} unreachable`]);
    assertTruePath(run, lab, 4);
    assert.equal(run.report.attempts[0]?.reason, `hop 4 (${lab.target.v4}): open, silent`);
    const { code, stdout } = await nettrace(lab, "root", ...args(6, ODD.silent, ["-q", "1"]));
    assert.match(stdout, new RegExp(`^ 4  ${lab.target.v6}  [\\d.]+ ms open, silent$`, "m"));
    assert.equal(code, 1);
  });

  it("calls a port where nobody listens closed, as every protocol does", TIME, () =>
    everywhere(CLOSED, "reached", "closed"),
  );

  it("leaves auto's ladder to the next protocol where nobody speaks HTTP", TIME, async () => {
    const order = ["--order", `http:${ODD.close},tcp-connect:${ODD.close}`];
    const run = await nettraceJson(lab, "nobody", "auto", "--plugin", plugin(), targetOf(lab, 4), "-n", ...order);
    assert.deepEqual(verdicts(run), [`http:${ODD.close} unreachable`, `tcp-connect:${ODD.close} reached`]);
  });

  it("lets no control character of a server reach the terminal", TIME, async () => {
    const { stdout, stderr } = await nettrace(lab, "nobody", ...args(4, ODD.escape));
    assert.doesNotMatch(stdout + stderr, /[\x00-\x08\x0b-\x1f\x7f]/);
  });

  it("refuses a path that would break out of its line", TIME, async () => {
    const { code, stdout, stderr } = await nettrace(
      lab,
      "nobody",
      ...args(4, 80, ["--http.path", "/ HTTP/1.1\r\nX: y"]),
    );
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /Cannot ask for "\/ HTTP\/1\.1\\r\\nX: y": it is no path in ASCII/);
  });
});
