/** Win32 and Winsock errors that say the same as an errno: the rest of the program knows those. */
const ERRNO: Readonly<Record<number, string>> = {
  5: "EACCES",
  8: "ENOMEM",
  50: "EOPNOTSUPP",
  87: "EINVAL",
  1231: "ENETUNREACH",
  1232: "EHOSTUNREACH",
  1450: "ENOBUFS",
  10004: "EINTR",
  10009: "EBADF",
  10013: "EACCES",
  10022: "EINVAL",
  10024: "EMFILE",
  10038: "ENOTSOCK",
  10040: "EMSGSIZE",
  10041: "EPROTOTYPE",
  10042: "ENOPROTOOPT",
  10043: "EPROTONOSUPPORT",
  10044: "ESOCKTNOSUPPORT",
  10045: "EOPNOTSUPP",
  10047: "EAFNOSUPPORT",
  10048: "EADDRINUSE",
  10049: "EADDRNOTAVAIL",
  10050: "ENETDOWN",
  10051: "ENETUNREACH",
  10054: "ECONNRESET",
  10055: "ENOBUFS",
  10060: "ETIMEDOUT",
  10061: "ECONNREFUSED",
  10064: "EHOSTDOWN",
  10065: "EHOSTUNREACH",
};

/** IP_STATUS values (ipexport.h) by which this host itself, no router, says that nothing left it. */
const STATUS: Readonly<Record<number, string>> = {
  11001: "IP_BUF_TOO_SMALL",
  11006: "IP_NO_RESOURCES",
  11007: "IP_BAD_OPTION",
  11008: "IP_HW_ERROR",
  11011: "IP_BAD_REQ",
  11012: "IP_BAD_ROUTE",
  11017: "IP_OPTION_TOO_BIG",
  11018: "IP_BAD_DESTINATION",
  11032: "IP_NEGOTIATING_IPSEC",
  11050: "IP_GENERAL_FAILURE",
};

/** The errno that an error of Windows amounts to, its own name where there is none, or `"error 4711"`. */
export function windowsErrorName(error: number): string {
  return ERRNO[error] ?? STATUS[error] ?? `error ${error}`;
}
