import type { IpAddress } from "../../address.ts";
import type { ErrorArrival, ProbeSocket } from "../../network.ts";
import { ORIGIN } from "./abi.ts";
import type { Control, ExtendedError } from "./control.ts";
import type { Kernel } from "./kernel.ts";
import { readSockaddr } from "./sockaddr.ts";

const NOTHING = new Uint8Array(0);

/** SO_EE_RFC4884_FLAG_INVALID: the extension structure's checksum or lengths are wrong. */
const INVALID = 1;

/** ICMP "fragmentation needed" and ICMPv6 "packet too big", which carry an MTU. */
const FRAGMENTATION_NEEDED = { type: 3, code: 4 } as const;
const PACKET_TOO_BIG = 2;

/** What the error queue's current message is about, beside the message itself. */
export interface ErrorContext {
  readonly socket: ProbeSocket;
  readonly atMs: number;
  /** Where the failed packet went; absent: as the message's own name says. */
  readonly target?: IpAddress;
  /** Whether what follows the extended error is to be shown: TCP's is the segment's header. */
  readonly quotes: boolean;
  readonly retransmitted: boolean;
}

/** Whether an extended error is an ICMP message from the network, and not this host's own (EMSGSIZE on sending). */
function isIcmp(error: ExtendedError): boolean {
  return error.origin === ORIGIN.icmp || error.origin === ORIGIN.icmp6;
}

/**
 * The ICMP error in the message just received with MSG_ERRQUEUE (ip(7), RFC 3542 §11.2); undefined where it is none
 * or names no offender.
 */
export function errorArrival(
  kernel: Kernel,
  from: { readonly name: Kernel["incoming"]["name"]; payload(): Uint8Array },
  control: Control,
  context: ErrorContext,
): ErrorArrival | undefined {
  const { error } = control;
  if (error?.offender === undefined || !isIcmp(error)) return undefined;
  const { interfaces } = kernel;
  const to = readSockaddr(from.name, 0, (index) => interfaces.zoneName(index));
  const target = context.target ?? to?.address;
  const offender = error.offender.address;
  const bytes = from.payload();
  // The kernel has checked version, checksum and lengths (ip_icmp_error_rfc4884); the offset counts from the payload.
  const invalid = ((error.data >>> 16) & INVALID) !== 0;
  const offset = invalid ? 0 : Math.min(error.data & 0xffff, bytes.length);
  return {
    kind: "error",
    socket: context.socket,
    atMs: context.atMs,
    offender,
    icmp: { type: error.type, code: error.code },
    ...(target !== undefined && { to: target }),
    toPort: to?.port ?? 0,
    quoted: context.quotes ? (offset === 0 ? bytes : bytes.subarray(0, offset)) : NOTHING,
    extensions: offset === 0 ? NOTHING : bytes.subarray(offset),
    ...(control.hopLimit === undefined ? {} : { replyHopLimit: control.hopLimit }),
    ...(carriesMtu(error) && error.info > 0 ? { mtu: error.info } : {}),
    local: target !== undefined && interfaces.isOwn(offender) && !interfaces.isOwn(target),
    retransmitted: context.retransmitted,
  };
}

function carriesMtu(error: ExtendedError): boolean {
  if (error.origin === ORIGIN.icmp6) return error.type === PACKET_TOO_BIG;
  return error.type === FRAGMENTATION_NEEDED.type && error.code === FRAGMENTATION_NEEDED.code;
}
