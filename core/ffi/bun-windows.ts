import { dlopen, ptr } from "bun:ffi";
import { INVALID_HANDLE, type Winapi } from "./winapi.ts";

// HANDLE and SOCKET are as wide as pointers. BOOL, DWORD and int are i32 or u32; no length here comes near 2^31.
const KERNEL32 = {
  GetLastError: { args: [], returns: "u32" },
  CreateEventW: { args: ["ptr", "i32", "i32", "ptr"], returns: "u64" },
  ResetEvent: { args: ["u64"], returns: "i32" },
  CloseHandle: { args: ["u64"], returns: "i32" },
  WaitForMultipleObjects: { args: ["u32", "ptr", "i32", "u32"], returns: "u32" },
} as const;

const ECHO = ["ptr", "u16", "ptr", "ptr", "u32", "u32"] as const;

const IPHLPAPI = {
  IcmpCreateFile: { args: [], returns: "u64" },
  IcmpCloseHandle: { args: ["u64"], returns: "i32" },
  IcmpSendEcho2Ex: { args: ["u64", "u64", "ptr", "ptr", "u32", "u32", ...ECHO], returns: "u32" },
  IcmpParseReplies: { args: ["ptr", "u32"], returns: "u32" },
} as const;

const IPHLPAPI_V6 = {
  Icmp6CreateFile: { args: [], returns: "u64" },
  Icmp6SendEcho2: { args: ["u64", "u64", "ptr", "ptr", "ptr", "ptr", ...ECHO], returns: "u32" },
  Icmp6ParseReplies: { args: ["ptr", "u32"], returns: "u32" },
} as const;

const WS2_32 = {
  WSAStartup: { args: ["u16", "ptr"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "u64" },
  closesocket: { args: ["u64"], returns: "i32" },
  bind: { args: ["u64", "ptr", "i32"], returns: "i32" },
  connect: { args: ["u64", "ptr", "i32"], returns: "i32" },
  send: { args: ["u64", "ptr", "i32", "i32"], returns: "i32" },
  recv: { args: ["u64", "ptr", "i32", "i32"], returns: "i32" },
  getsockname: { args: ["u64", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["u64", "i32", "i32", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["u64", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  WSAEventSelect: { args: ["u64", "u64", "i32"], returns: "i32" },
  WSAEnumNetworkEvents: { args: ["u64", "u64", "ptr"], returns: "i32" },
} as const;

/** Windows through `bun:ffi`. Throws an Error where a library or one of its functions cannot be had. */
export function openWinapi(systemRoot: string): Winapi {
  // Absolute: of a bare name Windows would also look beside the executable and in the working directory.
  const library = (name: string): string => `${systemRoot}\\System32\\${name}.dll`;
  const kernel32 = dlopen(library("kernel32"), KERNEL32).symbols;
  const iphlpapi = dlopen(library("iphlpapi"), IPHLPAPI).symbols;
  const ws2 = dlopen(library("ws2_32"), WS2_32).symbols;
  const v6 = openV6(library("iphlpapi"));
  return {
    addressOf: (buffer) => BigInt(ptr(buffer)),
    lastError: kernel32.GetLastError,
    createEvent: () => kernel32.CreateEventW(null, 1, 0, null),
    resetEvent: kernel32.ResetEvent,
    closeHandle: kernel32.CloseHandle,
    waitForAny: (count, handles, timeoutMs) => kernel32.WaitForMultipleObjects(count, handles, 0, timeoutMs),
    icmpCreateFile: iphlpapi.IcmpCreateFile,
    icmp6CreateFile: () => v6?.Icmp6CreateFile() ?? INVALID_HANDLE,
    icmpCloseHandle: iphlpapi.IcmpCloseHandle,
    icmpSendEcho: (handle, event, ...rest) => iphlpapi.IcmpSendEcho2Ex(handle, event, null, null, ...rest),
    icmp6SendEcho: (handle, event, ...rest) => v6?.Icmp6SendEcho2(handle, event, null, null, ...rest) ?? 0,
    icmpParseReplies: iphlpapi.IcmpParseReplies,
    icmp6ParseReplies: (reply, length) => v6?.Icmp6ParseReplies(reply, length) ?? 0,
    wsaStartup: ws2.WSAStartup,
    socket: ws2.socket,
    closesocket: ws2.closesocket,
    bind: ws2.bind,
    connect: ws2.connect,
    send: ws2.send,
    recv: ws2.recv,
    getsockname: ws2.getsockname,
    setsockopt: ws2.setsockopt,
    getsockopt: ws2.getsockopt,
    wsaEventSelect: ws2.WSAEventSelect,
    wsaEnumNetworkEvents: ws2.WSAEnumNetworkEvents,
  };
}

/** Wine has no Icmp6ParseReplies: IPv4 must work all the same. */
function openV6(path: string) {
  try {
    return dlopen(path, IPHLPAPI_V6).symbols;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
