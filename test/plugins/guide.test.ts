import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createPlace, executable, type Place, root } from "./place.ts";

const guide = readFileSync(join(root, "docs", "writing-plugins.md"), "utf8");
const blocks = [...guide.matchAll(/^```(\S*) ?(.*)\n([\s\S]*?)^```$/gm)].map(([, language, file = "", text = ""]) => ({
  language,
  file,
  text,
}));

/** RFC 5905 §7.3: the client's transmit timestamp becomes the server's origin timestamp. */
function ntpAnswer(request: Uint8Array): Uint8Array {
  const answer = new Uint8Array(48);
  answer.set([((request[0] ?? 0) & 0x38) | 4, 2]);
  answer.set(request.subarray(40, 48), 24);
  return answer;
}

describe("docs/writing-plugins.md", () => {
  let place: Place;
  before(() => {
    place = createPlace();
    place.install();
    // Several blocks of one file follow each other in it.
    const files = Map.groupBy(blocks, ({ file }) => file);
    for (const [file, parts] of files) {
      if (file !== "") place.write(file, parts.map(({ text }) => text).join("\n"));
    }
  });
  after(() => place[Symbol.dispose]());

  it("has code of known kinds only", () => {
    assert.deepEqual([...new Set(blocks.map(({ language, file }) => `${language} ${file}`.trim()))].sort(), [
      "sh",
      "text",
      "ts ntp.ts",
      "ts ssh.ts",
    ]);
  });

  it("makes a plugin that reaches a server by the server's own answer", async () => {
    const server = createSocket("udp4", (request, { port, address }) => {
      server.send(ntpAnswer(request), port, address);
    });
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    const args = ["trace", "127.0.0.1", "-n", "--plugin", "./ntp.ts", "-P", `ntp:${server.address().port}`];
    const { code, stdout } = await place.start(args);
    server.close();
    assert.match(stdout, /^ntp:\d+ +error-queue +reached +1 .* stratum 2$/m);
    assert.match(stdout, /^ 1 {2}127\.0\.0\.1 {2}[\d.]+ ms .*stratum 2$/m);
    assert.equal(code, 0);
  });

  it("makes a plugin that reaches a server by what it says in a TCP connection, and nothing else", async () => {
    for (const [said, code, shown] of [
      ["SSH-2.0-OpenSSH_9.2p1\r\n", 0, /^ 1 {2}127\.0\.0\.1 {2}[\d.]+ ms .*SSH-2\.0$/m],
      ["220 ready\r\n", 1, /^ 1 {2}127\.0\.0\.1 {2}[\d.]+ ms .*open, no SSH$/m],
    ] as const) {
      const server = createServer((socket) => void socket.on("error", () => undefined).end(said));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const bound = server.address();
      const port = typeof bound === "object" ? bound?.port : undefined;
      const run = await place.start(["trace", "127.0.0.1", "-n", "--plugin", "./ssh.ts", "-P", `ssh:${port}`]);
      server.close();
      assert.match(run.stdout, shown);
      assert.equal(run.code, code);
    }
  });

  for (const [at, { language, text }] of blocks.entries()) {
    if (language !== "sh") continue;
    it(`has commands that work as they stand, against this host: block ${at + 1}`, () => {
      // Before any block: each one stands by itself here, but for the folder that an earlier one made.
      const script = text.replaceAll("pool.ntp.org", "127.0.0.1");
      const path = [dirname(executable), join(root, "node_modules", ".bin"), process.env["PATH"]].join(":");
      const { status, stderr } = spawnSync("sh", ["-e"], {
        cwd: place.path,
        encoding: "utf8",
        input: script,
        env: { HOME: join(place.path, "home"), PATH: path },
      });
      assert.equal(status, 0, stderr);
    });
  }
});
