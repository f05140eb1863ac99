import { SocketError, type Stage } from "../../errors.ts";

/** strerror(3) of glibc in the C locale, which Node never leaves, for what socket calls fail with. */
const ERRNO_BY_WORDS: Readonly<Record<string, string>> = {
  "Operation not permitted": "EPERM",
  "Permission denied": "EACCES",
  "Invalid argument": "EINVAL",
  "Too many open files": "EMFILE",
  "Too many open files in system": "ENFILE",
  "No such device": "ENODEV",
  "Message too long": "EMSGSIZE",
  "Protocol not supported": "EPROTONOSUPPORT",
  "Socket type not supported": "ESOCKTNOSUPPORT",
  "Address family not supported by protocol": "EAFNOSUPPORT",
  "Cannot assign requested address": "EADDRNOTAVAIL",
  "Network is down": "ENETDOWN",
  "Network is unreachable": "ENETUNREACH",
  "No route to host": "EHOSTUNREACH",
  "Host is down": "EHOSTDOWN",
  "No buffer space available": "ENOBUFS",
  "Cannot allocate memory": "ENOMEM",
  "Resource temporarily unavailable": "EAGAIN",
};

/** The symbolic name in an error of the addon; undefined for words that are not known. */
function errnoOf(error: unknown): string | undefined {
  return ERRNO_BY_WORDS[error instanceof Error ? error.message : ""];
}

/** An error of the addon as ours. */
export function asSocketError(stage: Stage, error: unknown, action: string): SocketError {
  const errno = errnoOf(error);
  if (errno !== undefined) return new SocketError(stage, errno, action);
  return new SocketError(stage, null, action, error instanceof Error ? error.message : String(error));
}
