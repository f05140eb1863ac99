import type { SocketError } from "../../../core/mod.ts";
import { strerror } from "../strerror.ts";
import type { TracerouteOptions } from "./options.ts";

/** The library call of the real tool at which a host refuses. */
const CALLS: Readonly<Record<SocketError["stage"], string>> = {
  socket: "socket",
  route: "connect",
  bind: "bind",
  send: "send",
  connect: "send",
  "local-reject": "send",
};

/** What the real tool prints where it can send no further. */
export function refusalText(error: SocketError, options: TracerouteOptions): string {
  const { stage, errno } = error;
  if (isMarkRefused(error, options)) return `\nsetsockopt SO_MARK: ${strerror(errno)}\n`;
  if (isDebugRefused(error, options)) return `\nsetsockopt SO_DEBUG: ${strerror(errno)}\n`;
  if (isDeviceMissing(error, options)) return `\nsetsockopt SO_BINDTODEVICE: ${strerror(errno)}\n`;
  if (isPingSocketRefused(error, options)) return `\nsocket: ${strerror(errno)}\n`;
  if (stage === "socket" && (errno === "EPERM" || errno === "EACCES")) {
    return `You do not have enough privileges to use this traceroute method.\nsocket: ${strerror("EPERM")}\n`;
  }
  const call = stage === "connect" && errno !== null ? "connect" : CALLS[stage];
  return `\n${call}: ${strerror(stage === "local-reject" ? "EPERM" : errno)}\n`;
}

/** A refusal that `-s`, `-i`, `-d` or `--fwmark` brought about. */
export function isOwnMistake(error: SocketError, options: TracerouteOptions): boolean {
  const isSource = options.source !== undefined && error.errno === "EADDRNOTAVAIL";
  return isSource || isMarkRefused(error, options) || isDebugRefused(error, options) || isDeviceMissing(error, options);
}

/** `-O dgram`: no raw socket was asked for, which privilege would give. */
export function isPingSocketRefused({ stage, errno }: SocketError, { module }: TracerouteOptions): boolean {
  return stage === "socket" && errno === "EACCES" && module.values["socket"] === "ping";
}

function isDebugRefused({ stage, errno, evidence }: SocketError, { debug }: TracerouteOptions): boolean {
  return debug && stage === "socket" && errno === "EACCES" && /\bdebugging\b/.test(evidence ?? "");
}

function isMarkRefused({ stage, errno, evidence }: SocketError, { mark }: TracerouteOptions): boolean {
  return mark !== undefined && stage === "socket" && errno === "EPERM" && /\bmark\b/.test(evidence ?? "");
}

function isDeviceMissing({ errno }: SocketError, { device }: TracerouteOptions): boolean {
  return device !== undefined && errno === "ENODEV";
}
