/**
 * What listens on the target, a program for a namespace: `target-server.ts tcp=443,80 udp=53`. Takes connections,
 * answers in them as `echo.ts` says and closes them when the other side does; sends datagrams back. Says "ready" once all ports are bound, and ends when its
 * input ends, so that it never outlives the lab.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { echoAnswer } from "../contract/echo.ts";

function portsOf(kind: "tcp" | "udp"): number[] {
  const list = process.argv.find((argument) => argument.startsWith(`${kind}=`))?.slice(4) ?? "";
  return list.split(",").filter(Boolean).map(Number);
}

async function listenTcp(port: number): Promise<void> {
  const server = createServer((socket) => {
    // A tracer resets its connections; that is no error here.
    socket.on("error", () => socket.destroy()).on("end", () => socket.end());
    socket.on("data", (said) => {
      const { bytes, end } = echoAnswer(said);
      if (bytes.length > 0) socket.write(bytes);
      if (end === "closed") socket.end();
      if (end === "reset") socket.resetAndDestroy();
    });
  });
  server.listen({ port, host: "::" });
  await once(server, "listening");
}

async function echoUdp(port: number): Promise<void> {
  const socket = createSocket({ type: "udp6", ipv6Only: false });
  socket.on("message", (message, from) => socket.send(message, from.port, from.address));
  socket.bind(port, "::");
  await once(socket, "listening");
}

if (import.meta.main) {
  await Promise.all([...portsOf("tcp").map(listenTcp), ...portsOf("udp").map(echoUdp)]);
  process.stdout.write("ready\n");
  process.stdin.on("end", () => process.exit(0)).resume();
}
