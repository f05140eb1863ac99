import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { plain } from "../../core/sim/topologies.ts";
import {
  afterRequest,
  answering,
  type Conduct,
  flood,
  joinTo,
  listen,
  listenTls,
  makePem,
  scripted,
} from "../socket/proxies.ts";
import { type CliResult, type CliRun, runCli } from "./harness.ts";

const TOPOLOGY = plain(3);
const pem = makePem();

/** Runs the command line with the ports of loopback proxies in it. `PORT` stands for the proxy's. */
async function run(conduct: Conduct, argv: string, more: Partial<CliRun> = {}): Promise<CliResult> {
  using proxy = await listen(conduct);
  const env = Object.fromEntries(
    Object.entries(more.env ?? {}).map(([name, value]) => [name, value.replace("PORT", String(proxy.port))]),
  );
  return await runCli(argv.replaceAll("PORT", String(proxy.port)), { topology: TOPOLOGY, ...more, env });
}

const masked = (stdout: string): string =>
  stdout
    .replace(/ +\d+\.\d{3}\b/g, "  #")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replace(/-p \d+/g, "-p PORT");
const FORBIDS = answering("HTTP/1.1 403 Forbidden\r\n\r\n");
const OPENS = answering("HTTP/1.1 200 OK\r\n\r\n");

describe("auto --proxy", () => {
  it("shows each port with the times of its phases, and where the path ends", async () => {
    const conduct = afterRequest((socket, request) =>
      socket.write(request.includes(":80 ") ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 403 Forbidden\r\n\r\n"),
    );
    const { code, stdout, stderr, sent } = await run(conduct, "auto dst.test --proxy http://127.0.0.1:PORT");
    assert.deepEqual([code, stderr, sent.length], [0, "", 0]);
    assert.equal(
      masked(stdout),
      `nettrace to dst.test through http://127.0.0.1:PORT
the proxy resolves the name; to what is not visible

port   verdict      proxy ms  CONNECT ms     TLS ms
443    refused  #  #          -
       the proxy answers 403 Forbidden: it opens no tunnel
80     connected  #  #          -
       the proxy says that it is connected (200 OK); nothing but its word shows it

Port 80: connected by the proxy's word alone.
The path behind the proxy is not visible. The path to the proxy is:
  nettrace auto 127.0.0.1 -p PORT
`,
    );
  });

  it("believes TLS that comes through, asks for no more ports then, and ends with exit 0", async () => {
    using target = await listenTls(pem);
    const conduct = afterRequest((socket) => joinTo(socket, target.port, "HTTP/1.1 200 OK\r\n\r\n"));
    const { code, stdout } = await run(conduct, "auto dst.test --proxy http://127.0.0.1:PORT");
    assert.equal(code, 0);
    assert.match(stdout, /^443 +reached +[\d.]+ +[\d.]+ +[\d.]+$/m);
    assert.match(stdout, /^Reached dst\.test port 443 through the proxy: an end behind it speaks TLS\.$/m);
    assert.ok(!/^80 /m.test(stdout));
  });

  it("does not believe a proxy on one port that was wrong on another", async () => {
    const conduct = afterRequest((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.once("data", () => socket.end());
    });
    const { code, stdout } = await run(conduct, "auto dst.test --proxy http://127.0.0.1:PORT");
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^443 +unproven /m);
  });

  it("keeps to 80 columns on a terminal, whatever the proxy says", async () => {
    const words = "\\x1b[2J\\u202e".repeat(3).replaceAll("\\x1b", "\x1b").replaceAll("\\u202e", "\u202e");
    const conduct = afterRequest((socket) => socket.write(`HTTP/1.1 403 ${words} ${"very ".repeat(12)}\r\n\r\n`));
    const terminal = { stdout: true, columns: 80 };
    const { stdout } = await run(conduct, "auto dst.test --proxy http://127.0.0.1:PORT", { terminal });
    const plainText = stdout.replace(/\x1b\[\d*m/g, "");
    assert.ok(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(plainText), JSON.stringify(plainText));
    for (const line of plainText.split("\n")) assert.ok(line.length <= 80, line);
    assert.match(plainText, /\\x1b\[2J\\u\{202e\}/);
  });

  it("survives what no proxy should send", async () => {
    const hostile: readonly Conduct[] = [
      afterRequest((socket) => flood(socket, Buffer.alloc(65_536, "X: \x1b]0;title\x07\r\n"))),
      afterRequest((socket) => flood(socket, Buffer.alloc(65_536, 0x9b))),
      answering("\x1b]0;title\x07\u009b2J"),
      afterRequest((socket) => socket.end(Buffer.from([0xff, 0xfe, 0, 0]))),
    ];
    for (const scheme of ["http", "https", "socks5h"]) {
      for (const conduct of hostile) {
        const { code, stdout, stderr } = await run(conduct, `auto dst.test --proxy ${scheme}://127.0.0.1:PORT -w 0.5`);
        assert.deepEqual([code, stderr], [1, ""], stdout);
        assert.ok(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(stdout), JSON.stringify(stdout));
      }
    }
  });

  it("tells apart who resolves the name: with socks5 this host, with socks5h the proxy", async () => {
    const asked = async (scheme: string, more: Partial<CliRun> = {}): Promise<readonly [number[], CliResult]> => {
      const heard: Buffer[] = [];
      const conduct = scripted(
        [
          [5, 0],
          [5, 2],
        ],
        heard,
      );
      const result = await run(conduct, `auto dst.test -p 25 --proxy ${scheme}://127.0.0.1:PORT`, more);
      return [[...(heard[1] ?? [])], result];
    };
    const [here, { stdout }] = await asked("socks5", { addresses: { "dst.test": ["198.51.100.10"] } });
    assert.deepEqual(here, [5, 1, 0, 1, 198, 51, 100, 10, 0, 25]);
    assert.match(stdout, /^it is asked for 198\.51\.100\.10, as this host resolves the name \([\d.]+ ms\)$/m);
    const never = async (): Promise<never> => assert.fail("this host resolves nothing");
    const [there] = await asked("socks5h", { lookup: never });
    assert.deepEqual(there, [5, 1, 0, 3, 8, ...Buffer.from("dst.test"), 0, 25]);
  });

  it("asks for no other port with a password that was refused", async () => {
    using proxy = await listen(answering("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n"));
    const argv = `auto dst.test -p 443,80,8443 --proxy http://me:hush@127.0.0.1:${proxy.port}`;
    const { code, stdout } = await runCli(argv, { topology: TOPOLOGY });
    assert.deepEqual([code, proxy.connections], [1, 1]);
    assert.match(stdout, /^Not tried: port 80, 8443\.$/m);
  });

  it("never tells a user or password", async () => {
    const secret = "--proxy http://sesame:hush%20hush@127.0.0.1:PORT";
    const echoes = afterRequest((socket, request) => {
      const [, token = ""] = /Basic (\S+)/.exec(request.toString()) ?? [];
      socket.write(`HTTP/1.1 403 ${token} is hush hush\r\n\r\n`);
    });
    for (const conduct of [FORBIDS, answering("HTTP/1.1 407 No\r\n\r\n"), OPENS, echoes]) {
      for (const format of ["text", "json", "jsonl"]) {
        const { stdout, stderr } = await run(conduct, `auto dst.test -p 80 ${secret} --format ${format}`);
        assert.ok(!/sesame|hush|c2VzYW1l/.test(stdout + stderr), stdout + stderr);
      }
    }
    const mistakes = ["http://sesame:hush@", "http://sesame:hush", "ftp://sesame:hush@h", "http://sesame:hu/sh@h:1"];
    for (const url of [...mistakes, "http://sesame:hush%@h", "http://sesame:hush@h:99999", "http://sesame:hush@h/x"]) {
      const { code, stderr } = await runCli(["auto", "dst.test", "--proxy", url], { topology: TOPOLOGY });
      assert.equal(code, 2);
      assert.match(stderr, /^nettrace: Cannot use --proxy [^\n]+\n$/);
      assert.ok(!/sesame|hush/.test(stderr), stderr);
    }
    const elsewhere = await runCli(["trace", "h", "-P", "icmp", "--proxy=http://sesame:hush@h:1"], {
      topology: TOPOLOGY,
    });
    assert.equal(elsewhere.code, 2);
    assert.ok(!/sesame|hush/.test(elsewhere.stderr), elsewhere.stderr);
  });
});

describe("auto --proxy env", () => {
  const url = "http://127.0.0.1:PORT";
  const argv = "auto dst.test -n -p 80 --proxy env";

  for (const [env, named] of [
    [{ https_proxy: url, HTTPS_PROXY: "http://192.0.2.1", ALL_PROXY: "http://192.0.2.1" }, "https_proxy"],
    [{ HTTPS_PROXY: url, all_proxy: "http://192.0.2.1" }, "HTTPS_PROXY"],
    [{ https_proxy: "", all_proxy: url }, "all_proxy"],
    [{ ALL_PROXY: "127.0.0.1:PORT", NO_PROXY: "st.test,other.test,192.0.2.0/24" }, "ALL_PROXY"],
    [{ ALL_PROXY: url, no_proxy: "", NO_PROXY: "*" }, "ALL_PROXY"],
  ] as const) {
    it(`uses ${named} of ${Object.keys(env).join(", ")}`, async () => {
      const { code, stdout } = await run(OPENS, argv, { env });
      assert.equal(code, 0, stdout);
      assert.match(
        stdout,
        new RegExp(`^nettrace to dst\\.test through http://127\\.0\\.0\\.1:\\d+, of ${named}$`, "m"),
      );
    });
  }

  for (const [host, list] of [
    ["dst.test", "*"],
    ["dst.test", "other.test, .TEST"],
    ["dst.test", "dst.test."],
    ["198.51.100.10", "10.0.0.0/8 198.51.96.0/19"],
    ["198.51.100.10", "198.51.100.10"],
  ] as const) {
    it(`tries ${host} directly where NO_PROXY has ${list}, and says so`, async () => {
      using proxy = await listen(FORBIDS);
      const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: list };
      const { code, stdout, stderr } = await runCli(`auto ${host} -4 -n --proxy env`, { topology: TOPOLOGY, env });
      assert.match(stderr, /^nettrace: no proxy for this host: NO_PROXY has \S+; it is tried directly\n$/);
      assert.equal(code, 0);
      assert.match(stdout, /hops/);
      assert.equal(proxy.connections, 0);
    });
  }

  it("does not look at HTTP_PROXY, and is a mistake where nothing else is set", async () => {
    const env = { HTTP_PROXY: "http://192.0.2.1", http_proxy: "http://192.0.2.1" };
    const { code, stderr } = await runCli(argv, { topology: TOPOLOGY, env });
    assert.equal(code, 2);
    assert.match(stderr, /^nettrace: Cannot use --proxy env: none of https_proxy, .* is set/);
  });

  it("is hinted at where this host refuses all else", async () => {
    const env = { HTTPS_PROXY: "http://me:hush@192.0.2.1" };
    const refused = "auto dst.test -4 -n --order udp";
    const { code, stderr } = await runCli(refused, { topology: TOPOLOGY, reachOnly: true, env });
    assert.equal(code, 3);
    assert.equal(stderr, "nettrace: HTTPS_PROXY is set; it is asked by nettrace auto dst.test --proxy env\n");
    assert.equal((await runCli(refused, { topology: TOPOLOGY, reachOnly: true })).stderr, "");
  });

  it("is the only way to a proxy of the environment", async () => {
    using proxy = await listen(FORBIDS);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, ALL_PROXY: `http://127.0.0.1:${proxy.port}` };
    assert.equal((await runCli("auto dst.test -4 -n", { topology: TOPOLOGY, env })).code, 0);
    assert.equal(proxy.connections, 0);
  });
});

describe("a proxy that cannot be asked", () => {
  const cases: readonly (readonly [argv: string, message: RegExp])[] = [
    ["auto h --proxy ftp://p", /there are http:\/\/, https:\/\/, socks5:\/\/, socks5h:\/\/$/],
    ["auto h --proxy socks4://p", /there are http/],
    ["auto h --proxy http://p:0", /a port is/],
    ["auto h --proxy http://p:3128/x", /and no path$/],
    ["auto h --proxy http://:3128", /it must be as http:\/\/proxy\.example:3128/],
    ["auto h --proxy http://256.1.1.1:1", /neither a name nor an address$/],
    ["auto h --proxy http://a%3ab:c@p", /its user has a colon$/],
    ["auto h --proxy http://a:%0a@p", /a control character$/],
    ["auto h --proxy http://p --size 100", /--size with --proxy: .* not by probes$/],
    ["auto h --proxy http://p --order icmp", /--order with --proxy/],
    ["auto h --proxy http://p --max-gap 3", /--max-gap with --proxy/],
    ["auto h --proxy http://p --record f", /--record with --proxy/],
    ["auto h --proxy http://p --format csv", /--format csv: it must be text, json or jsonl$/],
    ["auto h --proxy http://p --proxy-tls maybe", /--proxy-tls maybe: it must be auto, always or never$/],
    ["auto h --proxy http://[fe80::1]:3128", /a link-local address needs its interface/],
    ["auto h --proxy-tls always", /--proxy-tls without --proxy$/],
    ["auto fe80::1%eth0 --proxy http://p", /an interface of this host means nothing to it$/],
    ["auto https://h/ --proxy http://p", /it is a URL/],
  ];
  for (const [argv, message] of cases) {
    it(`is answered in one line with exit 2: ${argv}`, async () => {
      const { code, stdout, stderr } = await runCli(argv, { topology: TOPOLOGY });
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^nettrace: Cannot [^\n]+\n$/);
      assert.match(stderr.trimEnd(), message);
    });
  }
});

describe("auto --proxy, for programs", () => {
  const load = (name: string): object =>
    JSON.parse(readFileSync(new URL(`../../docs/schema/${name}`, import.meta.url), "utf8"));
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, strictRequired: false });
  formats(ajv);
  const validateDocument = ajv.compile(load("proxy-1.json"));
  const validateLine = ajv.compile(load("proxy-events-1.json"));
  const conducts: readonly (readonly [string, Conduct])[] = [
    ["forbids", FORBIDS],
    ["opens", OPENS],
    ["lies", answering("HTTP/1.1 200 OK\r\n\r\nno TLS")],
    ["garbles", answering("\x05\xff\x00\x9b")],
    ["closes", (socket) => socket.end()],
  ];

  for (const [what, conduct] of conducts) {
    it(`has the shape that its schema promises, for a proxy that ${what}`, async () => {
      for (const scheme of ["http", "https", "socks5", "socks5h"]) {
        const argv = `auto dst.test --proxy ${scheme}://me:hush@127.0.0.1:PORT -w 0.5`;
        const shown = await run(conduct, `${argv} --format json`);
        assert.ok(validateDocument(JSON.parse(shown.stdout)), JSON.stringify(validateDocument.errors));
        const document = JSON.parse(shown.stdout);
        const { code, stdout } = await run(conduct, `${argv} --format jsonl`);
        const lines = stdout
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line));
        for (const line of lines) assert.ok(validateLine(line), JSON.stringify([line, validateLine.errors]));
        assert.equal(lines[0].type, "run");
        assert.deepEqual([lines.at(-1).type, lines.at(-1).exit.code], ["finished", code]);
        assert.equal(document.exit.code, code);
      }
    });
  }

  it("has TLS and the phases in it", async () => {
    using target = await listenTls(pem);
    const conduct = afterRequest((socket) => joinTo(socket, target.port, "HTTP/1.1 200 OK\r\n\r\n"));
    const { stdout } = await run(conduct, "auto dst.test --proxy http://127.0.0.1:PORT --format json");
    assert.ok(validateDocument(JSON.parse(stdout)), JSON.stringify(validateDocument.errors));
    const document = JSON.parse(stdout);
    const [attempt] = document.attempts;
    assert.deepEqual(
      attempt.phases.map(({ phase, done }: { phase: string; done: boolean }) => [phase, done]),
      [
        ["connect-proxy", true],
        ["connect", true],
        ["tls", true],
      ],
    );
    assert.equal(attempt.tls.certificate.subject, "target.lab.example");
    assert.equal(document.path_to_proxy, `nettrace auto 127.0.0.1 -p ${document.proxy.port}`);
  });
});
