import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { type Endpoint, formatAddress, type IpAddress, parseAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Arrival, HandshakeArrival, ProbeSocket } from "../../network.ts";
import { readHostCounters } from "./counters.ts";
import { type ConnectFailure, readConnectFailure } from "./verdict.ts";

/** What a dialled socket needs of its network. */
export interface DialHost {
  nowMs(): number;
  enqueue(arrival: Arrival): void;
  forget(socket: ProbeSocket): void;
}

/** The kernel repeats a SYN after one second (RFC 6298 §2.1), a little less by its coarse timers. */
const RETRANSMITTED_AFTER_MS = 980;
/** How often a refusal is sought anew that this host may have made itself, while other packets came in. */
const MAX_TRIES = 5;

/**
 * A TCP handshake by the runtime's own client, with this host's hop limit and a local port of the kernel's choice. RTTs are
 * by the process's own clock. Throws SocketError (stage `connect`).
 */
export function dialByRuntime(host: DialHost, to: Endpoint, tag: number | undefined): ProbeSocket {
  const { address, port } = to;
  const action = `connect to ${formatAddress(address)} port ${port}`;
  const isOwnTarget = isOwn(address);
  const startedAtMs = host.nowMs();
  let client: Socket;
  let tries = 0;
  let isOver = false;
  /** Of the first try, whatever further ones are needed to understand it. */
  let endedAtMs: number | undefined;

  const begin = (): Socket => {
    tries += 1;
    const before = readHostCounters(address.family);
    const started = connect({ host: formatAddress(address), port });
    started.on("connect", () => end({ state: "open" }));
    started.on("error", (error) => {
      const errno = errnoOf(error);
      // Its own giving up, after minutes, tells nothing that silence has not told.
      if (errno === "ETIMEDOUT" || isOver) return;
      endedAtMs ??= host.nowMs();
      const after = readHostCounters(address.family);
      const how = readConnectFailure(errno, action, before, after, { isOwnTarget, isLastTry: tries >= MAX_TRIES });
      if (how !== undefined) end(how);
      else client = begin();
    });
    return started;
  };

  const end = (how: ConnectFailure | { readonly state: "open" }): void => {
    if (isOver) return;
    isOver = true;
    const atMs = endedAtMs ?? host.nowMs();
    const retransmitted = atMs - startedAtMs >= RETRANSMITTED_AFTER_MS;
    const base = { kind: "handshake", socket, atMs, from: address, retransmitted } as const;
    const arrival: HandshakeArrival =
      "refusal" in how
        ? { ...base, state: "closed", local: true, refusal: how.refusal }
        : { ...base, state: how.state, local: false };
    host.enqueue(arrival);
  };

  const socket: ProbeSocket = {
    type: "tcp-connect",
    localPort: 0,
    send() {
      throw new SocketError("send", "EOPNOTSUPP", "speak in a connection of the runtime's client");
    },
    [Symbol.dispose]() {
      isOver = true;
      host.forget(socket);
      // A reset leaves no TIME_WAIT behind.
      if (client.connecting || typeof client.resetAndDestroy !== "function") client.destroy();
      else client.resetAndDestroy();
    },
  };
  try {
    client = begin();
  } catch (error) {
    throw new SocketError("connect", errnoOf(error), action, textOf(error));
  }
  if (tag !== undefined) host.enqueue({ kind: "departure", socket, atMs: startedAtMs, tag });
  return socket;
}

function errnoOf(error: unknown): string | null {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^E[A-Z0-9]+$/.test(code) ? code : null;
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}

function isOwn({ text, bytes, family }: IpAddress): boolean {
  if (family === 4 ? bytes[0] === 127 : text === "::1") return true;
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return own.some(({ address }) => parseAddress(address)?.text === text);
}
