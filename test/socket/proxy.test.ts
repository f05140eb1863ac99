import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { parseAddress } from "../../core/address.ts";
import type { ProxyCredentials, ProxyDestination } from "../../core/proxy/http-connect.ts";
import { type ProxyReachRequest, type ProxyServer, reachThroughProxy } from "../../core/proxy/reach.ts";
import type { ProxyReach } from "../../core/proxy/result.ts";
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
} from "./proxies.ts";

const LOOPBACK = parseAddress("127.0.0.1") ?? assert.fail();
const NAMED = { name: "target.lab.example", port: 443 } as const;
/** Waits in vain are short here; answers on loopback come in far less. */
const PATIENT_MS = 10_000;
const IMPATIENT_MS = 150;
const pem = makePem();

interface Ask extends Partial<ProxyReachRequest> {
  readonly protocol?: ProxyServer["protocol"];
  readonly credentials?: ProxyCredentials;
  readonly to?: ProxyDestination;
}

function ask(port: number, { protocol = "http", credentials, to = NAMED, ...rest }: Ask = {}): Promise<ProxyReach> {
  const proxy = { protocol, name: "proxy.lab.example", endpoint: { address: LOOPBACK, port } };
  return reachThroughProxy({
    proxy: { ...proxy, ...(credentials !== undefined && { credentials }) },
    destination: to,
    host: "name" in to ? to.name : to.address.text,
    tls: false,
    timeoutMs: PATIENT_MS,
    signal: new AbortController().signal,
    ...rest,
  });
}

async function askOnce(conduct: Conduct, options: Ask = {}): Promise<ProxyReach> {
  using proxy = await listen(conduct);
  return await ask(proxy.port, options);
}

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
const ME = { user: octets("me"), password: octets("p:\u00e9") };
const phasesOf = ({ phases }: ProxyReach): string[] => phases.map(({ name, isDone }) => (isDone ? name : `${name}!`));

describe("a proxy that speaks HTTP", () => {
  const cases: readonly (readonly [
    what: string,
    conduct: Conduct,
    verdict: ProxyReach["verdict"],
    reason: RegExp,
    Ask?,
  ])[] = [
    ["opens", answering("HTTP/1.1 200 Fine\r\n\r\n"), "connected", /word shows it$/],
    ["opens with LF alone", answering("HTTP/1.0 200\nVia: x\n\n"), "connected", /connected \(200\);/],
    [
      "says 100 and 103 first",
      answering("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 H\r\n\r\nHTTP/1.1 204 N\r\n\r\n"),
      "connected",
      /204 N/,
    ],
    ["forbids", answering("HTTP/1.1 403 Forbidden\r\n\r\n"), "refused", /answers 403 Forbidden: it opens no tunnel$/],
    [
      "redirects",
      answering("HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n"),
      "refused",
      /302 Found: it opens no tunnel$/,
    ],
    [
      "wants a login",
      answering('HTTP/1.1 407 Login\r\nProxy-Authenticate: NTLM\r\nproxy-authenticate: Basic realm="x"\r\n\r\n'),
      "refused",
      /: it wants a user and a password \(it offers NTLM, Basic; nettrace knows Basic\)$/,
    ],
    [
      "wants another login",
      answering("HTTP/1.1 407 No\r\n\r\n"),
      "refused",
      /it does not take this user and password$/,
      { credentials: ME },
    ],
    [
      "finds nobody",
      answering("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
      "failed",
      /502 Bad Gateway: it cannot reach the host$/,
    ],
    [
      "finds no name, as squid says it",
      answering("HTTP/1.1 503 X\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n"),
      "failed",
      /503 X \(ERR_DNS_FAIL\): /,
    ],
    ["waits in vain", answering("HTTP/1.1 504 Gateway Timeout\r\n\r\n"), "failed", /504/],
    ["says nothing", () => undefined, "silent", /does not answer within 0\.15 s$/, { timeoutMs: IMPATIENT_MS }],
    [
      "says half",
      answering("HTTP/1.1 200 OK\r\n"),
      "silent",
      /only a part of an answer came$/,
      { timeoutMs: IMPATIENT_MS },
    ],
    ["closes", afterRequest((socket) => socket.end()), "faulty", /closes the connection without an answer$/],
    [
      "resets",
      afterRequest((socket) => socket.resetAndDestroy()),
      "faulty",
      /closes the connection without an answer$/,
    ],
    [
      "closes in the middle",
      afterRequest((socket) => socket.end("HTTP/1.1 2")),
      "faulty",
      /in the middle of its answer$/,
    ],
    ["is SSH", answering("SSH-2.0-x\r\n"), "faulty", /no HTTP proxy: it begins "SSH-2\.0-x/],
    ["is SOCKS", answering("\x05\xff"), "faulty", /; it may be a SOCKS proxy: try socks5h:\/\/$/],
    ["is TLS", answering("\x15\x03\x01\x00\x02\x02\x46"), "faulty", /; it speaks TLS: try https:\/\/$/],
    ["has no status", answering("HTTP/1.1 xyz\r\n\r\n"), "faulty", /no HTTP proxy/],
    ["has a status of nobody", answering("HTTP/1.1 099 X\r\n\r\n"), "faulty", /no HTTP proxy/],
  ];
  for (const [what, conduct, verdict, reason, options] of cases) {
    it(`is judged as it is: ${what}`, async () => {
      const reach = await askOnce(conduct, options);
      assert.equal(reach.verdict, verdict, reach.reason);
      assert.match(reach.reason, reason);
      const isOpen = verdict === "connected";
      assert.deepEqual(phasesOf(reach), ["connect-proxy", isOpen ? "connect" : "connect!"]);
    });
  }

  it("is asked by CONNECT, with Basic where a user is given, as octets", async () => {
    const asked = async (options: Ask): Promise<string> => {
      let heard = "";
      const conduct = afterRequest((socket, request) => {
        heard = request.toString("latin1");
        socket.end("HTTP/1.1 403 N\r\n\r\n");
      });
      await askOnce(conduct, options);
      return heard;
    };
    assert.equal(
      await asked({}),
      "CONNECT target.lab.example:443 HTTP/1.1\r\nHost: target.lab.example:443\r\nUser-Agent: nettrace\r\n\r\n",
    );
    const six = { address: parseAddress("2001:db8::1") ?? assert.fail(), port: 8443 };
    const request = await asked({ to: six, credentials: ME });
    assert.match(request, /^CONNECT \[2001:db8::1\]:8443 HTTP\/1\.1\r\n/);
    const [, token = ""] = /\r\nProxy-Authorization: Basic (\S+)\r\n/.exec(request) ?? [];
    assert.deepEqual([...Buffer.from(token, "base64")], [...octets("me:p:\u00e9")]);
  });
});

describe("a hostile proxy", () => {
  const endless = (start: string, chunk: string): Conduct =>
    afterRequest((socket) => {
      socket.write(start);
      flood(socket, Buffer.from(chunk.repeat(1000), "latin1"));
    });
  const drip: Conduct = (socket) => {
    const timer = setInterval(() => socket.write("x"), 10);
    socket.on("close", () => clearInterval(timer));
    socket.write("HTTP/1.1 200 ");
  };
  const cases: readonly (readonly [what: string, conduct: Conduct, verdict: ProxyReach["verdict"], Ask?])[] = [
    ["headers without end", endless("HTTP/1.1 200 OK\r\n", "X: y\r\n"), "faulty"],
    ["one line without end", endless("HTTP/1.1 200 ", "x"), "faulty"],
    ["interim answers without end", endless("", "HTTP/1.1 100 C\r\n\r\n"), "faulty"],
    ["zeros without end", endless("", "\0"), "faulty"],
    ["a byte now and then", drip, "silent", { timeoutMs: IMPATIENT_MS }],
    ["a flood through the tunnel", endless("HTTP/1.1 200 OK\r\n\r\n", "\xff"), "unproven", { tls: true }],
    ["a flood that nobody asked for", endless("HTTP/1.1 200 OK\r\n\r\n", "\xff"), "connected"],
    ["a flood to SOCKS", endless("", "\x05\x00"), "faulty", { protocol: "socks5" }],
    ["a flood to TLS", endless("", "\x16\x03\x03"), "faulty", { protocol: "https" }],
  ];
  for (const [what, conduct, verdict, options] of cases) {
    it(`takes no more than bounded time and room: ${what}`, async () => {
      const reach = await askOnce(conduct, options);
      assert.equal(reach.verdict, verdict, reach.reason);
      assert.ok(reach.reason.length < 400, reach.reason);
    });
  }

  it("gets as much of its own words as fits a line, and some schemes", async () => {
    const schemes = Array.from({ length: 100 }, (_, index) => `Proxy-Authenticate: S${index}\r\n`).join("");
    const { reason, answer } = await askOnce(answering(`HTTP/1.1 407 ${"x".repeat(5000)}\r\n${schemes}\r\n`));
    assert.equal(answer?.text.length, 83);
    assert.match(reason, /S0, S1, .*S7; nettrace/);
    assert.ok(!reason.includes("S8"));
  });
});

describe("TLS through the tunnel", () => {
  const through = (port: number): Conduct => afterRequest((socket) => joinTo(socket, port, "HTTP/1.1 200 OK\r\n\r\n"));

  it("shows that an end speaks it; whose certificate it is, is told and not fatal", async () => {
    using target = await listenTls(pem);
    using proxy = await listen(through(target.port));
    const reach = await ask(proxy.port, { tls: true });
    assert.equal(reach.verdict, "reached", reach.reason);
    assert.match(reach.tls?.protocol ?? "", /^TLSv1\.[23]$/);
    assert.deepEqual(reach.tls?.certificate?.subject, "target.lab.example");
    assert.deepEqual(reach.tls?.certificate?.problems, ["it is signed by itself"]);
    assert.match(reach.reason, /does not prove that it is target\.lab\.example: it is signed by itself$/);
    assert.deepEqual(phasesOf(reach), ["connect-proxy", "connect", "tls"]);
    assert.equal(await target.name, "target.lab.example");
  });

  it("sends no address as a name, and tells a certificate of another name", async () => {
    using target = await listenTls(pem);
    using proxy = await listen(through(target.port));
    const reach = await ask(proxy.port, { tls: true, to: { address: LOOPBACK, port: 443 } });
    assert.equal(reach.verdict, "reached", reach.reason);
    assert.match(reach.reason, /, it is for another name$/);
    assert.equal(await target.name, false);
  });

  const ends: readonly (readonly [
    what: string,
    conduct: Conduct,
    verdict: ProxyReach["verdict"],
    reason: RegExp,
    Ask?,
  ])[] = [
    [
      "an alert",
      afterRequest((socket) => socket.write(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40))),
      "reached",
      /declines the handshake: .*handshake failure$/,
    ],
    [
      "no TLS",
      afterRequest((socket) => socket.write("HTTP/1.1 400 Bad\r\n\r\n")),
      "unproven",
      /no TLS comes through: what answers is not TLS/,
    ],
    ["a close", afterRequest((socket) => socket.end()), "unproven", /no TLS comes through: it is closed$/],
    ["a reset", afterRequest((socket) => socket.resetAndDestroy()), "unproven", /no TLS comes through: it is closed$/],
    ["nothing", () => undefined, "unproven", /silent for 0\.15 s$/, { timeoutMs: IMPATIENT_MS }],
  ];
  for (const [what, conduct, verdict, reason, options] of ends) {
    it(`is judged by what comes through: ${what}`, async () => {
      using target = await listen(conduct);
      const reach = await askOnce(through(target.port), { tls: true, ...options });
      assert.equal(reach.verdict, verdict, reach.reason);
      assert.match(reach.reason, reason);
      assert.equal(reach.tls, null);
    });
  }

  it("is not what speaks first", async () => {
    const reach = await askOnce(answering("HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n"), { tls: true });
    assert.equal(reach.verdict, "unproven");
    assert.match(reach.reason, /it speaks first/);
  });
});

describe("a proxy inside of TLS", () => {
  it("is asked there, and TLS goes through its TLS", async () => {
    using target = await listenTls(pem);
    using proxy = await listenTls(pem, (socket) => {
      socket.once("data", () => joinTo(socket, target.port, "HTTP/1.1 200 OK\r\n\r\n"));
    });
    const reach = await ask(proxy.port, { protocol: "https", tls: true });
    assert.equal(reach.verdict, "reached", reach.reason);
    assert.deepEqual(phasesOf(reach), ["connect-proxy", "tls-proxy", "connect", "tls"]);
    assert.equal(reach.proxyTls?.certificate?.subject, "target.lab.example");
  });

  it("gets no password where its certificate does not prove that it is the proxy", async () => {
    let heard = 0;
    using proxy = await listenTls(pem, (socket) => socket.on("data", () => (heard += 1)));
    const { verdict, reason, phases } = await ask(proxy.port, { protocol: "https", credentials: ME });
    assert.deepEqual([verdict, heard, phases.at(-1)?.name], ["faulty", 0, "tls-proxy"]);
    assert.match(reason, /^no password is given to this proxy: /);
  });

  it("may turn out to speak no TLS", async () => {
    const reach = await askOnce(answering("HTTP/1.1 400 Bad Request\r\n\r\n"), { protocol: "https" });
    assert.equal(reach.verdict, "faulty");
    assert.match(reach.reason, /what answers is not TLS: try http:\/\/$/);
  });
});

describe("a proxy that speaks SOCKS 5", () => {
  const FREE = [5, 0];
  const OPEN = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  const socks = { protocol: "socks5" } as const;

  it("is asked for a name or an address, without a login where it wants none", async () => {
    for (const [to, expected] of [
      [NAMED, [3, 18, ...octets("target.lab.example"), 1, 187]],
      [{ address: LOOPBACK, port: 80 }, [1, 127, 0, 0, 1, 0, 80]],
    ] as const) {
      const heard: Buffer[] = [];
      const reach = await askOnce(scripted([FREE, OPEN], heard), { ...socks, to });
      assert.equal(reach.verdict, "connected", reach.reason);
      assert.deepEqual(
        heard.map((each) => [...each]),
        [
          [5, 1, 0],
          [5, 1, 0, ...expected],
        ],
      );
      assert.deepEqual(phasesOf(reach), ["connect-proxy", "greet", "connect"]);
    }
  });

  it("gets the user and the password where it asks for them", async () => {
    const heard: Buffer[] = [];
    const reach = await askOnce(scripted([[5, 2], [1, 0], OPEN], heard), { ...socks, credentials: ME });
    assert.equal(reach.verdict, "connected", reach.reason);
    assert.deepEqual([...(heard[0] ?? [])], [5, 2, 0, 2]);
    assert.deepEqual([...(heard[1] ?? [])], [1, 2, ...ME.user, 4, ...ME.password]);
  });

  const codes: readonly (readonly [code: number, verdict: ProxyReach["verdict"], words: string])[] = [
    [1, "failed", "general failure"],
    [2, "refused", "not allowed by its rules"],
    [3, "failed", "network unreachable"],
    [4, "failed", "host unreachable"],
    [5, "failed", "connection refused"],
    [6, "failed", "hop limit (TTL) expired"],
    [7, "refused", "it cannot CONNECT"],
    [8, "refused", "it does not know this type of address"],
    [9, "failed", "a reply that RFC 1928 does not know"],
  ];
  for (const [code, verdict, words] of codes) {
    it(`says why not: reply ${code}, even where it sends no more than that`, async () => {
      for (const rest of [[], [0, 1, 0, 0, 0, 0, 0, 0]]) {
        const reach = await askOnce(scripted([FREE, [5, code, ...rest]]), socks);
        assert.deepEqual([reach.verdict, reach.reason], [verdict, `the proxy answers: ${words} (reply ${code})`]);
        assert.equal(reach.answer?.code, code);
      }
    });
  }

  const odd: readonly (readonly [string, readonly (readonly number[])[], ProxyReach["verdict"], RegExp, Ask?])[] = [
    ["takes no login that is offered", [[5, 255]], "refused", /none of the ways to log in/],
    [
      "does not know the user",
      [
        [5, 2],
        [1, 1],
      ],
      "refused",
      /does not take this user/,
      { credentials: ME },
    ],
    ["chooses what was not offered", [[5, 2]], "faulty", /was not offered \(method 2\)/],
    ["is SOCKS 4", [[0, 91]], "faulty", /no SOCKS 5 proxy/],
    ["is HTTP", [[...octets("HTTP/1.1 400 Bad\r\n\r\n")]], "faulty", /it speaks HTTP: try http:\/\/$/],
    ["bounds itself to no known address", [FREE, [5, 0, 0, 9, 1]], "faulty", /no SOCKS 5 proxy/],
    ["bounds itself to a name", [FREE, [5, 0, 0, 3, 2, 104, 105, 0, 80]], "connected", /SOCKS reply 0, succeeded/],
    ["bounds itself to IPv6", [FREE, [5, 0, 0, 4, ...Array.from({ length: 18 }, () => 1)]], "connected", /./],
    ["stops in the middle", [FREE, [5, 0, 0, 1, 1]], "silent", /only a part/, { timeoutMs: IMPATIENT_MS }],
    ["says nothing", [], "silent", /within 0\.15 s$/, { timeoutMs: IMPATIENT_MS }],
  ];
  for (const [what, answers, verdict, reason, options] of odd) {
    it(`is judged as it is: ${what}`, async () => {
      const reach = await askOnce(scripted(answers), { ...socks, ...options });
      assert.equal(reach.verdict, verdict, reach.reason);
      assert.match(reach.reason, reason);
    });
  }
});

describe("no proxy at all", () => {
  it("is told", async () => {
    const gone = await listen(() => undefined);
    gone[Symbol.dispose]();
    const reach = await ask(gone.port);
    assert.deepEqual([reach.verdict, phasesOf(reach)], ["no-proxy", ["connect-proxy!"]]);
    assert.match(reach.reason, /ECONNREFUSED/);
  });

  it("is not waited for once it is stopped, in whatever phase", async () => {
    const stop = new AbortController();
    const conduct = (socket: Socket): void => void socket.once("data", () => stop.abort());
    const reach = await askOnce(conduct, { signal: stop.signal });
    assert.deepEqual([reach.verdict, phasesOf(reach)], ["abandoned", ["connect-proxy", "connect!"]]);
    assert.equal((await ask(9, { signal: stop.signal })).verdict, "abandoned");
  });
});
