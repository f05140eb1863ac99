/**
 * A simulated path behind a TUN device: `path.ts DEVICE TOPOLOGY.json SEED RECORD`. Whatever the kernel routes into the
 * device goes through the topology in real time; answers come back when they are due. Blocks its thread: a process of
 * its own. Prints `ready` when the device is there, and notes each packet that came in (record.ts).
 */
import { openSync, readFileSync } from "node:fs";
import { createEngine } from "../../../core/sim/engine.ts";
import type { Topology } from "../../../core/sim/topology.ts";
import { openArrivals } from "./arrivals.ts";
import { openTun } from "./device.ts";
import { openLibc } from "./libc.ts";
import { createPassage } from "./passage.ts";
import { createRecorder, writeWhole } from "./record.ts";
import { createThread, keepAwake, runFirst } from "./thread.ts";
import { warmUp } from "./warm-up.ts";

const [name = "", topologyFile = "", seed = "1", recordFile = ""] = process.argv.slice(2);
const topology = JSON.parse(readFileSync(topologyFile, "utf8")) as Topology;
const libc = openLibc();
const device = openTun(libc, name);
const arrivals = openArrivals(libc, name);
const thread = createThread(libc, arrivals.fd);
const record = openSync(recordFile, "w");
const recorder = createRecorder((bytes) => writeWhole(record, bytes));
const engine = createEngine(topology, Number(seed));
const passage = createPassage({ engine, device, arrivals, thread, recorder });

warmUp(topology, thread);
keepAwake(libc);
runFirst(libc);
process.stdout.write("ready\n");
for (;;) passage.step();
