/**
 * A program: `wake-up.ts COUNT` waits for UDP datagrams on loopback, which another process sends every 10 ms or so, and
 * prints as a JSON array how many microseconds after the kernel's receive stamp each came out of `Network.receive`.
 * `wake-up.ts send PORT COUNT` is that other process.
 */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import { openSystemNetwork } from "../core/mod.ts";
import { runtime } from "../test/lab/command.ts";

/** What the runtime has not compiled yet says little about it. */
const WARM_UP = 50;

async function send(port: number, count: number): Promise<void> {
  const socket = createSocket("udp4");
  for (let i = 0; i < count; i++) {
    await sleep(8 + (i % 5));
    await new Promise((resolve) => socket.send("nettrace", port, "127.0.0.1", resolve));
  }
  socket.close();
}

async function wait(count: number): Promise<number[]> {
  using network = await openSystemNetwork();
  using socket = network.open({ type: "udp" }, 4);
  const [file = "", ...rest] = runtime(new URL("./wake-up.ts", import.meta.url));
  spawn(file, [...rest, "send", String(socket.localPort), String(count + WARM_UP)], { stdio: "inherit" });
  const latenciesUs: number[] = [];
  while (latenciesUs.length < count + WARM_UP) {
    const arrival = await network.receive(network.nowMs() + 3000);
    if (arrival === undefined) throw new Error(`Cannot measure: ${latenciesUs.length} of ${count} datagrams came`);
    if (arrival.kind === "packet") latenciesUs.push((network.nowMs() - arrival.atMs) * 1000);
  }
  return latenciesUs.slice(WARM_UP);
}

const [first = "", ...rest] = process.argv.slice(2);
if (first === "send") await send(Number(rest[0]), Number(rest[1]));
else console.log(JSON.stringify(await wait(Number(first))));
