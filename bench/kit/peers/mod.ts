import { dublin } from "./dublin.ts";
import { mtrs } from "./mtr.ts";
import type { Peer } from "./peer.ts";
import { scampers } from "./scamper.ts";
import { tcptraceroute, tracepath, traceroutes } from "./traceroute.ts";

/** Every tool of which this knows the output. */
export const PEERS: readonly Peer[] = [...traceroutes, ...mtrs, ...scampers, tcptraceroute, dublin, tracepath];
