export * from "./checksum.ts";
export * from "./extensions.ts";
export * from "./icmp.ts";
export * from "./ip.ts";
export { readU16, readU32, writeU16, writeU32 } from "./octets.ts";
export * from "./quote.ts";
export * from "./tcp.ts";
export * from "./transport.ts";
export * from "./udp.ts";
