/**
 * Traces with client requests to a time server, which answers with our transmit timestamp as its origin timestamp. The
 * timestamp is random but for the sequence in it: it tells nobody our clock, and nobody who has not seen it can answer.
 * The mark is the server's stratum, `unsynchronised`, or its kiss of death.
 */
import { definePlugin, equalBytes, openUdpService, UDP_SERVICE_MODES, wire } from "nettrace";

export default definePlugin({
  name: "ntp",
  summary: "NTP client requests, answered by a time server",
  api: "^1.0",
  defaultPort: 123,
  modes: UDP_SERVICE_MODES,
  open(network, target, options) {
    const request = new Uint8Array(LENGTH);
    request[0] = VERSION_4 | CLIENT;
    crypto.getRandomValues(request.subarray(TRANSMIT_AT));
    const token = request.slice(TRANSMIT_AT, TRANSMIT_AT + TOKEN);

    /** The sequence in a timestamp of ours that begins there. */
    const sequenceAt = (bytes: Uint8Array, at: number): number | undefined => {
      const isOurs = bytes.length >= at + TIMESTAMP && equalBytes(bytes.subarray(at, at + TOKEN), token);
      return isOurs ? wire.readU16(bytes, at + TOKEN) : undefined;
    };

    return openUdpService(network, target, options, {
      encode(sequence) {
        wire.writeU16(request, TRANSMIT_AT + TOKEN, sequence);
        return request;
      },
      read: (quoted) => sequenceAt(quoted, TRANSMIT_AT),
      readAnswer(bytes) {
        if (bytes.length < LENGTH || ((bytes[0] ?? 0) & MODE) !== SERVER) return undefined;
        const sequence = sequenceAt(bytes, ORIGIN_AT);
        return sequence === undefined ? undefined : { sequence, mark: markOf(bytes) };
      },
    });
  },
});

/** What a target answers to `nettrace plugin check`: a server of stratum 2. */
export function service(request: Uint8Array): Uint8Array {
  const response = new Uint8Array(LENGTH);
  response[0] = VERSION_4 | SERVER;
  response[STRATUM_AT] = 2;
  response.set(request.subarray(TRANSMIT_AT, TRANSMIT_AT + TIMESTAMP), ORIGIN_AT);
  return response;
}

// RFC 5905 §7.3
const LENGTH = 48;
const VERSION_4 = 4 << 3;
const MODE = 0x07;
const CLIENT = 3;
const SERVER = 4;
const STRATUM_AT = 1;
const REFERENCE_ID_AT = 12;
const ORIGIN_AT = 24;
const TRANSMIT_AT = 40;
const TIMESTAMP = 8;
/** The octets of our timestamp that all probes share; the sequence is in the two behind them. */
const TOKEN = 6;
const MAX_STRATUM = 15;

function markOf(bytes: Uint8Array): string {
  const stratum = bytes[STRATUM_AT] ?? 0;
  // RFC 5905 §7.4: stratum 0 brings four letters, such as RATE or DENY; a server without a clock sends zeros there.
  const kiss = String.fromCharCode(...bytes.subarray(REFERENCE_ID_AT, REFERENCE_ID_AT + 4));
  if (stratum === 0 && /^[A-Z]{4}$/.test(kiss)) return `kiss-${kiss}`;
  const isUnsynchronised = stratum === 0 || stratum > MAX_STRATUM || (bytes[0] ?? 0) >>> 6 === 3;
  return isUnsynchronised ? "unsynchronised" : `stratum-${stratum}`;
}
