import { type Family, formatAddress, type IpAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { type Handle, INVALID_HANDLE } from "../../ffi/winapi.ts";
import type { Arrival } from "../../network.ts";
import { Arena, type Region } from "../linux/arena.ts";
import { anyAddress, SOCKADDR_SPACE, writeSockaddr } from "../linux/sockaddr.ts";
import { ERROR } from "./abi.ts";
import { type EchoReply, parseEchoReply, replySpace } from "./echo-reply.ts";
import { windowsErrorName } from "./errors.ts";
import type { Pending, PendingSet } from "./pending.ts";
import { HEADS, type Winsock } from "./winsock.ts";

/** For how long Windows listens for an answer: longer than any probe is waited for, so that late ones are told. */
const LISTEN_MS = 10_000;
/** As many requests may be under way at once. */
const MAX_REQUESTS = 512;
/** IP_OPTION_INFORMATION with 64-bit pointers. */
const OPTIONS_SPACE = 16;
const DONT_FRAGMENT = 2;
const LEAST_DATA_SPACE = 256;

/** Memory that Windows works in while a request is under way, with the event that it signals. */
interface Slot {
  readonly event: Handle;
  readonly capacity: number;
  readonly data: Region;
  readonly options: Region;
  readonly source: Region;
  readonly destination: Region;
  readonly reply: Region;
}

export interface EchoRequest {
  readonly data: Uint8Array;
  readonly to: IpAddress;
  readonly hopLimit: number;
  /** Called when it is finished. */
  readonly answered: (reply: EchoReply, atMs: number) => Arrival | undefined;
}

/** The echo requests of one network: IcmpSendEcho2Ex and Icmp6SendEcho2, asynchronous by events. */
export class EchoRequests {
  readonly #winsock: Winsock;
  readonly #pending: PendingSet;
  readonly #handles = new Map<Family, Handle>();
  readonly #underWay = new Map<Slot, Pending>();
  #free: Slot[] = [];

  constructor(winsock: Winsock, pending: PendingSet) {
    this.#winsock = winsock;
    this.#pending = pending;
  }

  /** Makes sure that requests of a family can be sent. Throws SocketError (stage `socket`). */
  open(family: Family): void {
    this.#handle(family);
  }

  /** Throws SocketError (stage `send`). */
  send(request: EchoRequest): void {
    const { api } = this.#winsock;
    const { family } = request.to;
    const action = `send to ${formatAddress(request.to)}`;
    if (this.#underWay.size >= MAX_REQUESTS) {
      throw new SocketError("send", "ENOBUFS", action, `${MAX_REQUESTS} echo requests are under way`);
    }
    const slot = this.#take(request.data.length);
    const result = family === 4 ? this.#send4(slot, request) : this.#send6(slot, request);
    const error = result === 0 ? api.lastError() : result;
    // Asked for asynchrony, it says "pending" by the error; a first version said it by the result.
    if (error !== ERROR.ioPending) {
      this.#free.push(slot);
      throw new SocketError("send", windowsErrorName(error), action);
    }
    const pending: Pending = {
      event: slot.event,
      finish: (atMs) => {
        this.#underWay.delete(slot);
        this.#free.push(slot);
        const reply = this.#read(slot, family, request.data.length);
        const arrival = reply && request.answered(reply, atMs);
        return { arrivals: arrival === undefined ? [] : [arrival], isPending: false };
      },
    };
    this.#underWay.set(slot, pending);
    this.#pending.add(pending);
  }

  close(): void {
    const { api } = this.#winsock;
    for (const handle of this.#handles.values()) api.icmpCloseHandle(handle);
    for (const { event } of this.#free) api.closeHandle(event);
    for (const pending of this.#underWay.values()) this.#pending.delete(pending);
    // Windows may still write into the memory of what is under way: it stays until no answer is listened for.
    const lent = [...this.#underWay.keys()];
    if (lent.length > 0) {
      setTimeout(() => {
        for (const { event } of lent) api.closeHandle(event);
      }, LISTEN_MS).unref();
    }
    this.#handles.clear();
    this.#underWay.clear();
    this.#free = [];
  }

  #handle(family: Family): Handle {
    const known = this.#handles.get(family);
    if (known !== undefined) return known;
    const { api } = this.#winsock;
    const handle = family === 4 ? api.icmpCreateFile() : api.icmp6CreateFile();
    if (handle === INVALID_HANDLE) {
      const error = api.lastError();
      const isMissing = family === 6 && error === 0;
      const name = isMissing ? "EAFNOSUPPORT" : windowsErrorName(error);
      const evidence = isMissing ? "this Windows lets programs send no ICMPv6 (Icmp6SendEcho2)" : undefined;
      throw new SocketError("socket", name, `open Windows' ICMP for IPv${family}`, evidence);
    }
    this.#handles.set(family, handle);
    return handle;
  }

  #take(length: number): Slot {
    const at = this.#free.findIndex(({ capacity }) => capacity >= length);
    const [slot] = at < 0 ? [] : this.#free.splice(at, 1);
    const taken = slot ?? this.#create(length);
    this.#winsock.api.resetEvent(taken.event);
    taken.reply.bytes.fill(0);
    return taken;
  }

  /** Throws SocketError (stage `send`). */
  #create(length: number): Slot {
    const { api } = this.#winsock;
    const event = api.createEvent();
    if (event === 0n) throw new SocketError("send", windowsErrorName(api.lastError()), "make an event");
    const capacity = Math.max(length, LEAST_DATA_SPACE);
    const reply = replySpace(4, capacity);
    const arena = new Arena(api, capacity + reply + OPTIONS_SPACE + 2 * SOCKADDR_SPACE + 5 * 16);
    return {
      event,
      capacity,
      data: arena.take(capacity),
      options: arena.take(OPTIONS_SPACE),
      source: arena.take(SOCKADDR_SPACE),
      destination: arena.take(SOCKADDR_SPACE),
      reply: arena.take(reply),
    };
  }

  #fill({ data, options }: Slot, request: EchoRequest): void {
    data.bytes.set(request.data);
    options.bytes.fill(0);
    options.bytes[0] = request.hopLimit;
    if (request.to.family === 4) options.bytes[2] = DONT_FRAGMENT;
  }

  #send4(slot: Slot, request: EchoRequest): number {
    this.#fill(slot, request);
    const source = this.#winsock.source(4);
    const from = source === undefined ? 0 : asNumber(source);
    const to = asNumber(request.to);
    const { data, options, reply, event } = slot;
    const length = request.data.length;
    return this.#winsock.api.icmpSendEcho(
      this.#handle(4),
      event,
      from,
      to,
      data.bytes,
      length,
      options.bytes,
      reply.bytes,
      reply.bytes.length,
      LISTEN_MS,
    );
  }

  #send6(slot: Slot, request: EchoRequest): number {
    this.#fill(slot, request);
    const source = this.#winsock.source(6);
    const { data, options, reply, event } = slot;
    const from = source === undefined ? 0 : this.#winsock.scope("send", source);
    writeSockaddr(slot.source, source ?? anyAddress(6), 0, from, HEADS);
    writeSockaddr(slot.destination, request.to, 0, this.#winsock.scope("send", request.to), HEADS);
    return this.#winsock.api.icmp6SendEcho(
      this.#handle(6),
      event,
      slot.source.bytes,
      slot.destination.bytes,
      data.bytes,
      request.data.length,
      options.bytes,
      reply.bytes,
      reply.bytes.length,
      LISTEN_MS,
    );
  }

  #read({ reply }: Slot, family: Family, length: number): EchoReply | undefined {
    const { api } = this.#winsock;
    // Its result is not asked for: it counts some errors as no reply, whose status is in the buffer all the same.
    if (family === 4) api.icmpParseReplies(reply.bytes, reply.bytes.length);
    else api.icmp6ParseReplies(reply.bytes, reply.bytes.length);
    return parseEchoReply(family, reply, length);
  }
}

function asNumber({ bytes }: IpAddress): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
}
