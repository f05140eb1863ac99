/** What strerror(3) of the GNU C library says, which the tools print. */
const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAFNOSUPPORT: "Address family not supported by protocol",
  ECONNREFUSED: "Connection refused",
  EHOSTUNREACH: "No route to host",
  EINVAL: "Invalid argument",
  EMFILE: "Too many open files",
  EMSGSIZE: "Message too long",
  ENETDOWN: "Network is down",
  ENETUNREACH: "Network is unreachable",
  ENFILE: "Too many open files in system",
  ENOBUFS: "No buffer space available",
  ENODEV: "No such device",
  ENOMEM: "Cannot allocate memory",
  EPERM: "Operation not permitted",
  EPROTONOSUPPORT: "Protocol not supported",
  ESOCKTNOSUPPORT: "Socket type not supported",
};

/** `null`: the kernel gave no errno for what a rule did, and a tool that saw one would have seen EPERM. */
export function strerror(errno: string | null): string {
  return TEXTS[errno ?? "EPERM"] ?? `Unknown error ${errno}`;
}
