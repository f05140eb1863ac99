/**
 * Traces with real DNS queries to a name server. Any answer to our query id shows that the target was reached: an
 * unknown name, SERVFAIL and REFUSED too. The mark is the response code.
 */
import {
  definePlugin,
  equalBytes,
  openUdpService,
  type ServiceAnswer,
  UDP_SERVICE_MODES,
  UsageError,
  wire,
} from "nettrace";

export default definePlugin({
  name: "dns",
  summary: "DNS queries, answered by a name server",
  api: "^1.0",
  defaultPort: 53,
  modes: UDP_SERVICE_MODES,
  options: [{ name: "qname", type: "string", description: "the name asked for (type A)", default: "example.com" }],
  open(network, target, options) {
    const query = encodeQuery(options.plugin.qname);
    const question = query.subarray(HEADER);
    // An id that starts anywhere is harder to forge an answer to; the ids count on from there.
    const firstId = Math.floor(Math.random() * 0x10000);
    const sequenceOf = (id: number): number => (id - firstId) & 0xffff;
    return openUdpService(network, target, options, {
      encode(sequence) {
        wire.writeU16(query, ID_AT, firstId + sequence);
        return query;
      },
      read(quoted) {
        if (quoted.length < FLAGS_AT) return undefined;
        const isOurs = equalBytes(quoted.subarray(FLAGS_AT, query.length), query.subarray(FLAGS_AT, quoted.length));
        return isOurs ? sequenceOf(wire.readU16(quoted, ID_AT)) : undefined;
      },
      readAnswer(bytes): ServiceAnswer | undefined {
        if (bytes.length < HEADER) return undefined;
        const flags = wire.readU16(bytes, FLAGS_AT);
        if ((flags & (RESPONSE | OPCODE)) !== RESPONSE) return undefined;
        // A server that refuses may leave the question out; any other question than ours is not our answer.
        const questions = wire.readU16(bytes, QUESTIONS_AT);
        const echoed = bytes.subarray(HEADER, HEADER + question.length);
        if (questions > 1 || (questions === 1 && !equalBytes(echoed.map(lowerCase), question.map(lowerCase)))) {
          return undefined;
        }
        const rcode = flags & 0xf;
        return { sequence: sequenceOf(wire.readU16(bytes, ID_AT)), mark: RCODES[rcode] ?? `RCODE${rcode}` };
      },
    });
  },
});

/** What a target answers to `nettrace plugin check`: it knows no name. */
export function service(query: Uint8Array): Uint8Array {
  const response = query.slice();
  wire.writeU16(response, FLAGS_AT, RESPONSE | RECURSION_DESIRED | RCODES.indexOf("NXDOMAIN"));
  return response;
}

// RFC 1035 §4.1.1
const HEADER = 12;
const ID_AT = 0;
const FLAGS_AT = 2;
const QUESTIONS_AT = 4;
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const RECURSION_DESIRED = 0x0100;
/** RFC 1035 §4.1.1, RFC 2136 §2.2 */
const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN"];
const TYPE_A = 1;
const CLASS_IN = 1;
const LONGEST_LABEL = 63;
const LONGEST_NAME = 255;

/** The query for the addresses of a name, with id 0. Throws UsageError where it is no domain name. */
function encodeQuery(qname: string): Uint8Array {
  const labels = qname === "." ? [] : qname.replace(/\.$/, "").split(".");
  const isName = labels.every((label) => /^[\x21-\x7e]+$/.test(label) && label.length <= LONGEST_LABEL);
  const name = [...labels.flatMap((label) => [label.length, ...new TextEncoder().encode(label)]), 0];
  if (!isName || name.length > LONGEST_NAME) {
    throw new UsageError(`Cannot ask for ${JSON.stringify(qname)}: it is no domain name in ASCII`);
  }
  const query = new Uint8Array(HEADER + name.length + 4);
  wire.writeU16(query, FLAGS_AT, RECURSION_DESIRED);
  wire.writeU16(query, QUESTIONS_AT, 1);
  query.set(name, HEADER);
  wire.writeU16(query, HEADER + name.length, TYPE_A);
  wire.writeU16(query, HEADER + name.length + 2, CLASS_IN);
  return query;
}

/** Some servers echo the name in letters of another case. */
function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
}
