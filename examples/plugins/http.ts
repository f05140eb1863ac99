/**
 * Traces with a TCP handshake and, where that succeeds, asks for the head of a page. Only a status line shows that the
 * target was reached, whatever its code, which is the mark: firewalls, proxies and load balancers complete handshakes in
 * the name of others. The RTT is the handshake's, the network's own: how long the server thinks has no part in it.
 *
 * A port that is open and does not speak HTTP ends the path, but is not reached: `open, no HTTP` where it says something
 * else or closes, `open, silent` where it says nothing in its time. A port that is closed counts as reached, as in all
 * protocols: it is the target's own word. Each probe that gets so far is a request in the server's log.
 */
import { definePlugin, type Endpoint, openTcpService, TCP_SERVICE_MODES, type TcpAnswer, UsageError } from "nettrace";

export default definePlugin({
  name: "http",
  summary: "TCP handshakes and HEAD requests, answered by a web server",
  api: "^1.1",
  defaultPort: 80,
  modes: TCP_SERVICE_MODES,
  options: [
    { name: "host", type: "string", description: "the Host field; absent: the target's address" },
    { name: "path", type: "string", description: "what is asked for", default: "/" },
  ],
  open(network, target, options) {
    const { host = authorityOf(target), path } = options.plugin;
    return openTcpService(network, target, options, { name: "HTTP", request: encodeHead(host, path), read });
  },
});

/** RFC 9110 §7.2: without the port where it is the scheme's own. */
function authorityOf({ address: { family, text }, port }: Endpoint): string {
  return `${family === 6 ? `[${text}]` : text}${port === 80 ? "" : `:${port}`}`;
}

const LONGEST_REQUEST = 1200;

/** RFC 9112 §3. Throws UsageError where an option would break out of its line. */
function encodeHead(host: string, path: string): Uint8Array {
  if (!/^[\x21-\x7e]+$/.test(host)) {
    throw new UsageError(`Cannot ask ${JSON.stringify(host)}: it is no host name in ASCII`);
  }
  if (!/^\/[\x21-\x7e]*$/.test(path)) {
    throw new UsageError(`Cannot ask for ${JSON.stringify(path)}: it is no path in ASCII that begins with /`);
  }
  const lines = [`HEAD ${path} HTTP/1.1`, `Host: ${host}`, "User-Agent: nettrace", "Accept: */*", "Connection: close"];
  const request = new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
  if (request.length > LONGEST_REQUEST) {
    throw new UsageError(`Cannot ask for so long a path: the request has ${request.length} octets`);
  }
  return request;
}

/** A reason phrase is a few words; whoever sends more octets without an end of line is no server. */
const LONGEST_LINE = 512;
const LINE_FEED = 0x0a;

/** RFC 9112 §4; §2.2 lets a line end without the carriage return. */
function read(heard: Uint8Array): TcpAnswer {
  const end = heard.indexOf(LINE_FEED);
  const line = String.fromCharCode(...heard.subarray(0, end < 0 ? LONGEST_LINE : Math.min(end, LONGEST_LINE)));
  const [, code] = /^HTTP\/\d\.\d (\d{3})(?: [\t\x20-\x7e\x80-\xff]*)?\r?$/.exec(line) ?? [];
  if (end >= 0 && end <= LONGEST_LINE) return code === undefined ? "foreign" : { mark: code };
  const couldBe = "HTTP/".startsWith(line.slice(0, 5)) && line.length < LONGEST_LINE;
  return couldBe ? "more" : "foreign";
}
