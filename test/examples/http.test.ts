import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { auto, type Reply, type ReplyEvent, trace, UsageError } from "nettrace";
import { probe } from "../../core/conformance/session.ts";
import { UNPRIVILEGED } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain } from "../../core/sim/topologies.ts";
import type { StreamService, Target, Topology } from "../../core/sim/topology.ts";
import http from "../../examples/plugins/http.ts";
import { icmp } from "../../plugins/icmp.ts";
import { webServer } from "./services.ts";

const encode = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

function served(tcp: Target["tcp"]): Topology {
  const topology = plain(3);
  return { ...topology, target: { ...topology.target, ...(tcp && { tcp }) } };
}

interface Asked {
  readonly port?: number;
  readonly family?: 4 | 6;
  readonly options?: Record<string, string>;
}

/** The octets of one request, and what the plugin makes of the pieces of an answer to it. */
async function asked(
  pieces: readonly string[],
  { port = 80, family = 4, options = {} }: Asked = {},
): Promise<{ readonly request: string; readonly replies: readonly (Reply | undefined)[] }> {
  let request = "";
  const hear: StreamService = (said) => {
    request += String.fromCharCode(...said);
    return undefined;
  };
  const topology = served({ ports: { [port]: hear } });
  using network = createSimNetwork(topology);
  using session = http.open(network, endpointOf(topology, family, port), { plugin: { path: "/", ...options } });
  session.send(probe({ sequence: 4711, hopLimit: 30 }));
  for (let arrival = await network.receive(50); arrival !== undefined; arrival = await network.receive(50)) {
    assert.equal(session.match(arrival), undefined);
    if (arrival.kind !== "handshake") continue;
    const { socket, from, atMs } = arrival;
    while ((await network.receive(50)) !== undefined);
    const replies = pieces.map((piece) => {
      const bytes = encode(piece);
      return session.match({ kind: "data", socket, from, atMs, bytes, ...(piece === "" && { end: "closed" }) });
    });
    return { request, replies };
  }
  assert.fail("no handshake");
}

/** What the last piece shows; the pieces before it show nothing. */
async function shown(...pieces: readonly string[]): Promise<string> {
  const { replies } = await asked(pieces);
  const last = replies.at(-1);
  assert.ok(
    replies.slice(0, -1).every((each) => each === undefined),
    `${pieces[0]} showed something too early`,
  );
  return last === undefined ? "nothing" : `${last.effect} ${last.mark}`;
}

describe("http", () => {
  it("asks for a head as RFC 9112 has it, of the host and the path that its options say", async () => {
    const { request } = await asked([]);
    const fields = ["Host: 198.51.100.10", "User-Agent: nettrace", "Accept: */*", "Connection: close"];
    assert.equal(request, ["HEAD / HTTP/1.1", ...fields, "", ""].join("\r\n"));
    const named = await asked([], { options: { host: "www.example.com", path: "/a?b=c" } });
    assert.match(named.request, /^HEAD \/a\?b=c HTTP\/1\.1\r\nHost: www\.example\.com\r\n/);
    assert.match((await asked([], { family: 6 })).request, /\r\nHost: \[2001:db8:ffff::10\]\r\n/);
    assert.match((await asked([], { port: 8080, family: 6 })).request, /\r\nHost: \[2001:db8:ffff::10\]:8080\r\n/);
    assert.match((await asked([], { port: 8080 })).request, /\r\nHost: 198\.51\.100\.10:8080\r\n/);
  });

  it("refuses a host or path that would break out of its line, and a path that is too long", async () => {
    for (const host of ["", "a b", "a\r\nX: y", "ä.example"]) {
      await assert.rejects(asked([], { options: { host } }), UsageError, JSON.stringify(host));
    }
    for (const path of ["", "x", "/a b", "/\r\n\r\nDELETE / HTTP/1.1", "/ä", `/${"x".repeat(1200)}`]) {
      await assert.rejects(asked([], { options: { path } }), UsageError, JSON.stringify(path));
    }
  });

  it("takes any status line for the server's answer, and its code for the mark", async () => {
    for (const [line, mark] of [
      ["HTTP/1.1 200 OK\r\n", "200"],
      ["HTTP/1.0 404 Not Found\r\n", "404"],
      ["HTTP/1.1 204 \r\n", "204"],
      ["HTTP/1.1 503\r\n", "503"],
      ["HTTP/1.1 301 Moved\n", "301"],
      ["HTTP/1.1 200 \xe9t\xe9\tx\r\nServer: \x1b[31m\r\n", "200"],
      ["HTTP/1.1 999 Request denied\r\n\r\n", "999"],
    ] as const) {
      assert.equal(await shown(line), `reached ${mark}`, line);
    }
  });

  it("reads a status line in pieces, wherever they are cut", async () => {
    const line = "HTTP/1.1 200 OK\r\n";
    assert.equal(await shown(...line), "reached 200");
    for (let at = 1; at < line.length; at++) {
      assert.equal(await shown(line.slice(0, at), line.slice(at)), "reached 200");
    }
  });

  it("calls a port open, no HTTP, where anything else is said, as soon as that is sure", async () => {
    for (const said of [
      "\x15\x03\x01\x00\x02\x02\x46",
      "SSH-2.0-OpenSSH_9.2p1\r\n",
      "220 mail.example ESMTP\r\n",
      "HTTQ",
      "http/1.1 200 OK\r\n",
      "HTTP/1.1 20 OK\r\n",
      "HTTP/1.1 2000 OK\r\n",
      "HTTP/1.1  200 OK\r\n",
      "HTTP/x.1 200 OK\r\n",
      "HTTP/1.1 200 \x1b[2J\r\n",
      "HTTP/1.1 200 a\rb\r\n",
      "HTTP/1.1 200 \x00\r\n",
      "\r\n",
      "\n",
      `HTTP/1.1 200 ${"A".repeat(5000)}`,
      `HTTP/1.1 200 ${"A".repeat(500)}\r\n`,
    ]) {
      assert.equal(await shown(said), "unreachable open, no HTTP", JSON.stringify(said.slice(0, 40)));
    }
  });

  it("calls a port open, no HTTP, where the server closes in the middle of the line, or at once", async () => {
    assert.equal(await shown(""), "unreachable open, no HTTP");
    assert.equal(await shown("HTTP/1.1 20", ""), "unreachable open, no HTTP");
  });

  it("gives up a line that never ends after 512 octets, however slowly they drip", async () => {
    const drops = [..."HTTP/1.1 200 ".padEnd(600, "A")];
    const { replies } = await asked(drops);
    const first = replies.findIndex((each) => each !== undefined);
    assert.equal(replies[first]?.mark, "open, no HTTP");
    assert.equal(first, 511);
    assert.ok(
      replies.slice(first + 1).every((each) => each === undefined),
      "one reply to a probe",
    );
  });

  it("tells the time of the handshake, not that of the server's words", async () => {
    const topology = served({ ports: { 80: webServer("403 Forbidden") } });
    using network = createSimNetwork(topology, { host: UNPRIVILEGED });
    const replies: ReplyEvent[] = [];
    for await (const event of trace(network, { plugin: http, target: endpointOf(topology, 6, 80) })) {
      if (event.type === "reply" && event.reply.effect === "reached") replies.push(event);
    }
    assert.ok(replies.length >= 3);
    for (const { rttMs, reply, probe: sent } of replies) {
      assert.deepEqual([rttMs, reply.mark], [6, "403"]);
      assert.ok(sent.hopLimit >= 3);
    }
  });

  it("leaves the ladder to the next protocol where nobody speaks HTTP, and says what is there", async () => {
    for (const [state, verdicts, reason] of [
      ["open", ["unreachable", "reached"], "hop 3 (198.51.100.10): open, silent"],
      [() => ({ end: "reset" }) as const, ["unreachable", "reached"], "hop 3 (198.51.100.10): open, no HTTP"],
      ["closed", ["reached"], "port closed"],
      ["silent", ["filtered", "reached"], "silent after hop 2 (10.0.2.1)"],
    ] as const) {
      const topology = served({ ports: { 80: state } });
      using network = createSimNetwork(topology);
      const target = endpointOf(topology, 4, 0).address;
      const ladder = [
        { plugin: http, port: 80 },
        { plugin: icmp, port: 0 },
      ];
      for await (const event of auto(network, { target, ladder })) {
        if (event.type !== "finished") continue;
        assert.deepEqual(
          event.attempts.map(({ verdict }) => verdict),
          verdicts,
        );
        assert.equal(event.attempts[0]?.reason, reason);
      }
    }
  });
});
