import type { Libc } from "../../ffi/libc.ts";
import { AF, MSG, SCM_RIGHTS, SOCK, SOL } from "./abi.ts";
import { Arena } from "./arena.ts";

/** struct msghdr, iovec, an octet, struct cmsghdr with two descriptors, sockaddr_un, socklen_t: 16-octet places each. */
const [HEADER, IOV, CONTROL, NAME, LENGTH] = [56, 16, 24, 112, 4];
const SPACE = 256;
/** An autobound name (unix(7)): the family, a zero octet, and five digits. */
const FAMILY_LENGTH = 2;

/**
 * Closes a packet socket without waiting for that: close(2), and likewise the process's end, takes some ten milliseconds
 * (packet_release in net/packet/af_packet.c calls synchronize_net). So the descriptor is sent (SCM_RIGHTS) to a socket
 * which is itself sent along. Closed, nobody can reach either, and the kernel's collector of such sockets
 * (net/unix/garbage.c) closes them on a thread of its own. Where that cannot be, or an old kernel collects in the
 * caller's time, it takes as long as close(2).
 */
export function letGo(libc: Libc, fd: number): void {
  const holder = libc.socket(AF.unix, SOCK.dgram | SOCK.nonblock | SOCK.cloexec, 0);
  const sender = libc.socket(AF.unix, SOCK.dgram | SOCK.nonblock | SOCK.cloexec, 0);
  if (holder >= 0 && sender >= 0) send(libc, sender, holder, [fd, holder]);
  libc.close(fd);
  if (holder >= 0) libc.close(holder);
  // The end of a socket that can be reached starts the collector.
  if (sender >= 0) libc.close(sender);
}

/** Whether the descriptors are on their way does not matter to the caller: it closes them anyhow. */
function send(libc: Libc, from: number, to: number, descriptors: readonly [number, number]): void {
  const arena = new Arena(libc, SPACE);
  const [header, iov, control, name, length] = [HEADER, IOV, CONTROL, NAME, LENGTH].map((each) => arena.take(each));
  if (!header || !iov || !control || !name || !length) return;
  name.view.setUint16(0, AF.unix, true);
  if (libc.bind(to, name.bytes, FAMILY_LENGTH) < 0) return;
  length.view.setUint32(0, NAME, true);
  if (libc.getsockname(to, name.bytes, length.bytes) < 0) return;
  header.view.setBigUint64(0, name.address, true);
  header.view.setUint32(8, length.view.getUint32(0, true), true);
  header.view.setBigUint64(16, iov.address, true);
  header.view.setBigUint64(24, 1n, true);
  header.view.setBigUint64(32, control.address, true);
  header.view.setBigUint64(40, BigInt(CONTROL), true);
  // One octet must go along; any will do.
  iov.view.setBigUint64(0, iov.address, true);
  iov.view.setBigUint64(8, 1n, true);
  control.view.setBigUint64(0, BigInt(CONTROL), true);
  control.view.setInt32(8, SOL.socket, true);
  control.view.setInt32(12, SCM_RIGHTS, true);
  descriptors.forEach((descriptor, index) => {
    control.view.setInt32(16 + 4 * index, descriptor, true);
  });
  libc.sendmsg(from, header.bytes, MSG.dontwait | MSG.nosignal);
}
