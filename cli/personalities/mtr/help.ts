export const MTR_HELP = `Usage: mtr [OPTIONS] HOST...

  -r, --report  -w, --report-wide     the table, after -c cycles
  -j, --json  -C, --csv  -x, --xml    the same for programs
  -l, --raw  -p, --split              events, lines as they change
  -n, --no-dns  -b, --show-ips        addresses only; names and addresses
  -z, --aslookup  -y, --ipinfo 0-4    networks (AS) of the hops; --asn-db FILE
  -o, --order FIELDS                  of LDRSNBAWVGJMXI (LS NABWV)
  -e, --mpls                          label stacks
  -c, --report-cycles N  -i, --interval SECONDS    rounds (10), their length (1)
  -u, --udp  -T, --tcp  -S, --sctp  -P, --port PORT  -L, --localport PORT
  -f, --first-ttl N  -m, --max-ttl N  -U, --max-unknown N
  -s, --psize OCTETS  -B, --bitpattern N  -Q, --tos N  -M, --mark N
  -G, --gracetime SECONDS  -Z, --timeout SECONDS   waiting (5, 10)
  -I, --interface NAME  -a, --address ADDRESS  -4  -6  -F, --filename FILE
      --fallback    another protocol where this host refuses the one asked for
  -h, --help  -v, --version           MTR_OPTIONS is read first

  mtr -rwb -c 10 example.com
  mtr -rwb example.com -c 10 -T -P 443
`;
