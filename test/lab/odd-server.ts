/**
 * Servers on the target that are no web servers, or odd ones, a program for a namespace: `odd-server.ts silent=8001
 * close=8002`… Each takes connections on its port, in both families. Ends when its input ends.
 */
import { createServer, type Socket } from "node:net";

const AFTER_MS = 700;

/** What each does with a connection. */
const ODDITIES: Readonly<Record<string, (socket: Socket) => void>> = {
  silent: (socket) => void socket.resume(),
  close: (socket) => void socket.end(),
  reset: (socket) => void socket.resetAndDestroy(),
  /** Resets it once something was said. */
  hangup: (socket) => void socket.once("data", () => socket.resetAndDestroy()),
  /** A status line that never ends. */
  endless: (socket) => {
    const more = "A".repeat(16_384);
    const drip = (): void => {
      while (!socket.destroyed && socket.write(more));
    };
    socket.on("drain", drip).write("HTTP/1.1 200 ");
    drip();
  },
  escape: (socket) => void socket.end("HTTP/1.1 200 \x1b[2J\x1b]0;owned\x07\r\n\r\n"),
  ssh: (socket) => void socket.write("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
  /** Takes its time. */
  late: (socket) => void setTimeout(() => socket.end("HTTP/1.1 200 OK\r\n\r\n"), AFTER_MS),
  /** Each octet by itself. */
  drip: (socket) => {
    socket.setNoDelay(true);
    const left = [..."HTTP/1.0 418 I'm a teapot\r\n\r\n"];
    const timer = setInterval(() => {
      const next = left.shift();
      if (next === undefined || socket.destroyed) clearInterval(timer);
      else socket.write(next);
    }, 1);
  },
};

if (import.meta.main) {
  for (const argument of process.argv.slice(2)) {
    const [oddity = "", port] = argument.split("=");
    const server = createServer((socket) => {
      // A tracer resets its connections; that is no error here.
      socket.on("error", () => socket.destroy());
      ODDITIES[oddity]?.(socket);
    });
    server.listen({ port: Number(port), host: "::" });
  }
  process.stdin.on("end", () => process.exit(0)).resume();
}
