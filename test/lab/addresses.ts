/**
 * Where everything is. Position N of the path is a network of its own: 198.18.N.0/24 (RFC 2544) and 2001:db8:0:N::/64
 * (RFC 3849). Its routers, as the tracer sees them, are .1 .2 .3…; the routers (or the host) before it are .254 .253….
 */
export interface Addresses {
  readonly v4: string;
  readonly v6: string;
}

export const PRIVATE_HOST: Addresses = { v4: "10.77.0.2", v6: "fd00:77::2" };
export const PRIVATE_NETWORK: Addresses = { v4: "10.77.0.0/24", v6: "fd00:77::/64" };
export const NAME_SERVER: Addresses = { v4: "10.77.0.53", v6: "fd00:77::53" };
/** The other way from the name server's machine to the target, for labs with a private uplink. */
export const UPLINK_NEAR: Addresses = { v4: "10.78.0.1", v6: "fd00:78::1" };
export const UPLINK_FAR: Addresses = { v4: "10.78.0.2", v6: "fd00:78::2" };
export const TARGET: Addresses = { v4: "203.0.113.10", v6: "2001:db8:ffff::10" };
export const ZONE = "lab.example";

/** Of a router at a position (both count from 0), on the side towards the host. */
export function nearSide(position: number, router: number): Addresses {
  return { v4: `198.18.${position + 1}.${router + 1}`, v6: `2001:db8:0:${hex(position + 1)}::${hex(router + 1)}` };
}

/** Of a router of the position before (or the host), on the network of this position. */
export function farSide(position: number, router: number): Addresses {
  return { v4: `198.18.${position + 1}.${254 - router}`, v6: `2001:db8:0:${hex(position + 1)}::${hex(254 - router)}` };
}

export const HOST: Addresses = farSide(0, 0);
export const HOST_NETWORK: Addresses = { v4: "198.18.1.0/24", v6: "2001:db8:0:1::/64" };

/** `r5`, or `r5a`, `r5b`… where a position has several: the name of namespace and router. Positions count from 0. */
export function routerName(position: number, router: number, width: number): string {
  return `r${position + 1}${width > 1 ? String.fromCharCode(97 + router) : ""}`;
}

/** The name under in-addr.arpa (RFC 1035 §3.5) or ip6.arpa (RFC 3596 §2.5). */
export function reverseName(address: string): string {
  if (!address.includes(":")) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  const [head = "", tail = ""] = address.split("::");
  const left = head.split(":").filter(Boolean);
  const right = tail.split(":").filter(Boolean);
  const middle = Array<string>(8 - left.length - right.length).fill("0");
  const digits = [...left, ...middle, ...right].map((group) => group.padStart(4, "0")).join("");
  return `${[...digits].reverse().join(".")}.ip6.arpa`;
}

function hex(value: number): string {
  return value.toString(16);
}
