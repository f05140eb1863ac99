/**
 * The lab's name server, a program for a namespace: `dns-server.ts FILE`, the file a JSON `ServedZone`. Unlike dnsmasq
 * it can stay silent and can send names with any octets in them. Says "ready" once, and ends when its input ends, so
 * that it never outlives the lab.
 */
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { encodeAnswer, parseQuestion, TYPE } from "./dns-wire.ts";
import type { DnsRecord } from "./spec.ts";

export interface ServedZone {
  readonly silent: boolean;
  readonly silentNames: readonly string[];
  readonly records: readonly DnsRecord[];
}

function lookUp(zone: ServedZone, name: string, type: number): readonly DnsRecord[] | undefined {
  const owned = zone.records.filter((record) => record.name.toLowerCase() === name);
  if (owned.length === 0) return undefined;
  const alias = owned.find((record) => record.type === "CNAME");
  if (alias === undefined) return owned.filter((record) => TYPE[record.type] === type);
  return [alias, ...(alias.value === name ? [] : (lookUp(zone, alias.value.toLowerCase(), type) ?? []))];
}

function serve(zone: ServedZone): void {
  const socket = createSocket({ type: "udp6", ipv6Only: false });
  socket.on("message", (message, from) => {
    const question = parseQuestion(message);
    if (question === undefined || zone.silent || zone.silentNames.includes(question.name)) return;
    socket.send(encodeAnswer(question, lookUp(zone, question.name, question.type)), from.port, from.address);
  });
  socket.bind(53, "::", () => process.stdout.write("ready\n"));
  process.stdin.on("end", () => process.exit(0)).resume();
}

if (import.meta.main) {
  const file = process.argv[2];
  if (file === undefined) throw new TypeError("Cannot serve names: no zone file given");
  serve(JSON.parse(readFileSync(file, "utf8")) as ServedZone);
}
