import { AF, ERRNO, MSG, SOCK } from "./abi.ts";
import type { Region } from "./arena.ts";
import type { Kernel } from "./kernel.ts";

/** linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h */
const NETLINK_NETFILTER = 12;
const GET_TABLE = (10 << 8) | 1;
const REQUEST_DUMP = 0x1 | 0x300;
const ERROR = 2;
const DONE = 3;
/** nlmsghdr and nfgenmsg. */
const REQUEST_SPACE = 20;

/** struct msghdr, iovec and the request, one after the other. */
const IOV_AT = 64;
const REQUEST_AT = 80;

/**
 * Whether rules of netfilter may stand between this host's sockets and its wire: whether any table exists. True where it
 * cannot be told. Asking takes some ten microseconds and needs CAP_NET_ADMIN (as reading the rules does).
 */
export function mayFilter(kernel: Kernel): boolean {
  return kernel.counters.hasLegacyTables() !== false || hasTables(kernel) !== false;
}

/** Tables of nf_tables, to which iptables' rules belong today; undefined where it cannot be told. */
function hasTables(kernel: Kernel): boolean | undefined {
  const { libc } = kernel;
  const fd = libc.socket(AF.netlink, SOCK.raw | SOCK.nonblock | SOCK.cloexec, NETLINK_NETFILTER);
  // Without nfnetlink in the kernel there are no tables.
  if (fd < 0) return libc.errno() === ERRNO.EPROTONOSUPPORT ? false : undefined;
  try {
    if (libc.sendmsg(fd, dumpRequest(kernel.arena.take(REQUEST_AT + REQUEST_SPACE)), MSG.dontwait) < 0)
      return undefined;
    if (kernel.aside.receive(libc, fd, 0) !== 0) return undefined;
    return readAnswer(kernel.aside.payload());
  } finally {
    libc.close(fd);
  }
}

function dumpRequest({ bytes, view, address }: Region): Uint8Array {
  bytes.fill(0);
  view.setBigUint64(16, address + BigInt(IOV_AT), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(IOV_AT, address + BigInt(REQUEST_AT), true);
  view.setBigUint64(IOV_AT + 8, BigInt(REQUEST_SPACE), true);
  view.setUint32(REQUEST_AT, REQUEST_SPACE, true);
  view.setUint16(REQUEST_AT + 4, GET_TABLE, true);
  view.setUint16(REQUEST_AT + 6, REQUEST_DUMP, true);
  return bytes;
}

function readAnswer(answer: Uint8Array): boolean | undefined {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  if (answer.length < REQUEST_SPACE) return undefined;
  const type = view.getUint16(4, true);
  if (type === DONE) return false;
  if (type !== ERROR) return true;
  // EINVAL: nfnetlink is there, nf_tables is not.
  return view.getInt32(16, true) === -ERRNO.EINVAL ? false : undefined;
}
