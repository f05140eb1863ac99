import { VERSION_LINE } from "../../help.ts";

/** What `-h` says: iputils' ping has its own text there, on stderr, with exit status 2. */
export const HELP = `Usage: ping [OPTIONS] HOST

  -c COUNT  -w SECONDS     end after so many replies, or so long
  -i SECONDS  -A  -f       interval (1), that of the round trip, or flood
  -W SECONDS               wait at the end where nothing answered (10)
  -l COUNT                 send so many at once at the start
  -s OCTETS  -p HEX        data in a packet (56), and what is in it
  -t HOPS  -Q TOS  -m MARK  -r   hop limit, traffic class, mark, no gateway
  -M do|want|dont  -F LABEL      fragmentation; IPv6 flow label
  -4  -6  -I ADDRESS|INTERFACE  -B   family; what to send from
  -n  -q  -D  -O  -a  -v   numbers only, quiet, times, missing replies, bell
  -V  -h                   version, help

      --tcp PORT           a TCP handshake in place of an echo
      --udp PORT           a UDP datagram
      --fallback           by TCP where this host refuses ICMP

  ping -c 3 -i 0.2 -W 1 example.com
  ping -M do -s 1472 example.com
  ping --tcp 443 example.com
`;

export const USAGE = `\n${HELP}`;

export function versionText(): string {
  return `ping from ${VERSION_LINE}, after iputils 20221126\n`;
}
