import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { type Family, type IpAddress, parseAddress } from "../../address.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Arena, Region } from "./arena.ts";

/** How long the list of this host's addresses is believed. */
const FRESH_MS = 1000;
/** IFNAMSIZ with room for the zero octet. */
const NAME_SPACE = 32;

interface OwnAddress {
  readonly name: string;
  readonly info: NetworkInterfaceInfo;
}

/** This host's interfaces: their indexes, names and addresses. */
export class Interfaces {
  readonly #libc: Pick<Libc, "ifNametoindex">;
  readonly #name: Region;
  readonly #nowMs: () => number;
  readonly #indexes = new Map<string, number>();
  readonly #own = new Map<Family, { readonly addresses: ReadonlyMap<string, OwnAddress>; readonly readAtMs: number }>();

  constructor(libc: Pick<Libc, "ifNametoindex">, arena: Arena, nowMs: () => number) {
    this.#libc = libc;
    this.#name = arena.take(NAME_SPACE);
    this.#nowMs = nowMs;
  }

  /** The index of an interface given by name or number; undefined where there is none of that name. */
  index(zone: string): number | undefined {
    const known = this.#indexes.get(zone);
    if (known !== undefined) return known;
    const index = /^\d{1,9}$/.test(zone) ? Number(zone) : this.#lookUp(zone);
    if (index === 0) return undefined;
    this.#indexes.set(zone, index);
    return index;
  }

  /** The interface of an index as `index` takes it: its name where one of its addresses tells, else the number. */
  zoneName(index: number): string {
    for (const { name, info } of this.#addresses(6).values()) {
      if (info.family === "IPv6" && info.scopeid === index) return name;
    }
    return String(index);
  }

  /** The interface that carries one of this host's addresses. */
  nameOf(address: IpAddress): string | undefined {
    return this.#addresses(address.family).get(address.text)?.name;
  }

  /** Whether packets to an address never leave this host. */
  isOwn(address: IpAddress): boolean {
    return (address.family === 4 && address.bytes[0] === 127) || this.#addresses(address.family).has(address.text);
  }

  #lookUp(name: string): number {
    const encoded = new TextEncoder().encode(name);
    if (encoded.length >= NAME_SPACE) return 0;
    this.#name.bytes.fill(0);
    this.#name.bytes.set(encoded);
    return this.#libc.ifNametoindex(this.#name.bytes);
  }

  #addresses(family: Family): ReadonlyMap<string, OwnAddress> {
    const nowMs = this.#nowMs();
    const known = this.#own.get(family);
    if (known !== undefined && nowMs - known.readAtMs <= FRESH_MS) return known.addresses;
    const addresses = ownAddresses(family);
    this.#own.set(family, { addresses, readAtMs: nowMs });
    return addresses;
  }
}

/** This host's addresses of a family by their text, each with its first interface. */
export function ownAddresses(family: Family): ReadonlyMap<string, OwnAddress> {
  const own = new Map<string, OwnAddress>();
  for (const [name, infos] of Object.entries(listInterfaces())) {
    for (const info of infos ?? []) {
      if (info.family !== (family === 4 ? "IPv4" : "IPv6")) continue;
      // As the runtime writes it, IPv4 has one text only; to read it takes a while for the first time.
      const text = family === 4 ? info.address : parseAddress(info.address)?.text;
      // The first interface wins: an address that several carry names none of them for certain.
      if (text !== undefined && !own.has(text)) own.set(text, { name, info });
    }
  }
  return own;
}

function listInterfaces(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces();
  } catch {
    // A sandbox without netlink: addresses and names stay unknown.
    return {};
  }
}
