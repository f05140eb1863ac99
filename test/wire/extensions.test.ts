import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checksum, encodeMplsExtensions, type MplsLabel, parseExtensions } from "../../core/wire/mod.ts";
import { capturedPacket } from "./captures.ts";

const LABELS: readonly MplsLabel[] = [
  { label: 339234, trafficClass: 0, bottomOfStack: false, ttl: 1 },
  { label: 16, trafficClass: 5, bottomOfStack: true, ttl: 254 },
];

/** An extension structure of these objects, with its checksum. */
function structure(...objects: readonly (readonly number[])[]): Uint8Array {
  const bytes = Uint8Array.from([0x20, 0, 0, 0, ...objects.flat()]);
  const sum = checksum(bytes);
  bytes.set([sum >>> 8, sum & 0xff], 2);
  return bytes;
}

function object(classNumber: number, type: number, payload: readonly number[]): readonly number[] {
  return [0, 4 + payload.length, classNumber, type, ...payload];
}

const ONE_LABEL = object(1, 1, [0x04, 0xbb, 0x41, 0x01]);
const ONE = [{ label: 19380, trafficClass: 0, bottomOfStack: true, ttl: 1 }];

describe("an extension structure", () => {
  it("of a captured error gives labels and interfaces of all its objects, past an unknown class", () => {
    const extensions = parseExtensions(capturedPacket("manyObjects4").payload.subarray(8 + 128));
    assert.deepEqual(extensions?.mpls, [...LABELS, ...LABELS]);
    assert.deepEqual(extensions?.interfaces, [
      {
        role: "incoming",
        index: 7,
        address: Uint8Array.of(192, 0, 2, 2),
        name: "ge-0/0/1.5",
        mtu: 1500,
      },
      {
        role: "outgoing",
        address: Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2),
      },
    ]);
  });

  it("without objects is sound and empty", () => {
    assert.deepEqual(parseExtensions(structure()), { mpls: [], interfaces: [] });
  });

  it("of another version is refused", () => {
    for (const version of [0, 1, 3, 15]) {
      const bytes = structure(ONE_LABEL);
      bytes[0] = version << 4;
      bytes.set([0, 0], 2);
      assert.equal(parseExtensions(bytes), undefined, `version ${version}`);
    }
  });

  it("with a wrong checksum is refused, and with none is read", () => {
    const bytes = structure(ONE_LABEL);
    assert.deepEqual(parseExtensions(bytes)?.mpls, ONE);
    bytes[2] = (bytes[2] ?? 0) ^ 1;
    assert.equal(parseExtensions(bytes), undefined);
    bytes.set([0, 0], 2);
    assert.deepEqual(parseExtensions(bytes)?.mpls, ONE);
  });

  it("is refused where the lengths of its objects do not add up", () => {
    for (const length of [0, 1, 3, 7, 9, 12, 0xff]) {
      assert.equal(parseExtensions(structure([0, length, ...ONE_LABEL.slice(2)])), undefined, `length ${length}`);
    }
    assert.equal(parseExtensions(structure([0xff, 0xff, ...ONE_LABEL.slice(2)])), undefined);
    assert.equal(parseExtensions(structure(ONE_LABEL, [0, 4])), undefined);
    assert.equal(parseExtensions(structure(ONE_LABEL, [0, 4, 1])), undefined);
  });

  it("is refused below 4 octets", () => {
    for (let length = 0; length < 4; length++) {
      assert.equal(parseExtensions(Uint8Array.of(0x20, 0, 0, 0).subarray(0, length)), undefined);
    }
  });
});

describe("MPLS labels (RFC 4950)", () => {
  it("of several objects follow each other", () => {
    const bytes = structure(ONE_LABEL, object(1, 1, []), object(1, 1, [0xff, 0xff, 0xff, 0xff]));
    const all = { label: 1048575, trafficClass: 7, bottomOfStack: true, ttl: 255 };
    assert.deepEqual(parseExtensions(bytes)?.mpls, [...ONE, all]);
  });

  it("of a stack that is no whole number of entries are left out, and the next object is read", () => {
    assert.deepEqual(parseExtensions(structure(object(1, 1, [1, 2, 3, 4, 5, 6]), ONE_LABEL))?.mpls, ONE);
  });

  it("are not read from another type of their class", () => {
    assert.deepEqual(parseExtensions(structure(object(1, 2, [1, 2, 3, 4])))?.mpls, []);
  });

  it("are made as scapy makes them", () => {
    assert.deepEqual(encodeMplsExtensions(LABELS), capturedPacket("mplsLength32").payload.subarray(8 + 128));
  });

  it("come back from their encoding, at the edges of their ranges and in a deep stack", () => {
    const deep = Array.from({ length: 300 }, (_, at) => ({
      label: (at * 3533) % 1048576,
      trafficClass: at % 8,
      bottomOfStack: at === 299,
      ttl: at % 256,
    }));
    const zero = { label: 0, trafficClass: 0, bottomOfStack: false, ttl: 0 };
    const full = { label: 1048575, trafficClass: 7, bottomOfStack: true, ttl: 255 };
    for (const labels of [[], [zero], [full], [zero, full], deep]) {
      assert.deepEqual(parseExtensions(encodeMplsExtensions(labels))?.mpls, labels);
    }
  });

  it("are refused out of their ranges", () => {
    const good = { label: 16, trafficClass: 0, bottomOfStack: true, ttl: 1 };
    assert.throws(() => encodeMplsExtensions([{ ...good, label: 1048576 }]), {
      name: "RangeError",
      message: "Cannot encode MPLS labels: label 1048576 is not an integer of 0-1048575",
    });
    assert.throws(() => encodeMplsExtensions([{ ...good, trafficClass: 8 }]), RangeError);
    assert.throws(() => encodeMplsExtensions([{ ...good, ttl: 256 }]), RangeError);
    assert.throws(() => encodeMplsExtensions(Array.from({ length: 16384 }, () => good)), RangeError);
  });
});

describe("interface information (RFC 5837)", () => {
  const interfacesOf = (type: number, payload: readonly number[]) =>
    parseExtensions(structure(object(2, type, payload)))?.interfaces;
  const address4 = [0, 1, 0, 0, 192, 0, 2, 2];

  it("tells the four roles", () => {
    const roles = [0x00, 0x40, 0x80, 0xc0].map((type) => interfacesOf(type, []));
    assert.deepEqual(roles, [
      [{ role: "incoming" }],
      [{ role: "incoming-sub-ip" }],
      [{ role: "outgoing" }],
      [{ role: "next-hop" }],
    ]);
  });

  it("reads each part alone and any two in their order", () => {
    assert.deepEqual(interfacesOf(0x08, [0, 1, 0, 0]), [{ role: "incoming", index: 65536 }]);
    assert.deepEqual(interfacesOf(0x01, [0, 0, 0x23, 0x28]), [{ role: "incoming", mtu: 9000 }]);
    assert.deepEqual(interfacesOf(0x02, [4, 0x65, 0x74, 0x68]), [{ role: "incoming", name: "eth" }]);
    const address = Uint8Array.of(192, 0, 2, 2);
    assert.deepEqual(interfacesOf(0x05, [...address4, 0, 0, 5, 220]), [{ role: "incoming", address, mtu: 1500 }]);
  });

  it("strips the zeros that pad a name, and replaces malformed UTF-8", () => {
    assert.equal(interfacesOf(0x02, [8, 0x65, 0x74, 0x68, 0x30, 0, 0, 0])?.[0]?.name, "eth0");
    assert.equal(interfacesOf(0x02, [4, 0xff, 0x41, 0])?.[0]?.name, "\ufffdA");
    assert.equal(interfacesOf(0x02, [4, 0, 0, 0])?.[0]?.name, "");
  });

  it("takes a name of 63 octets and none longer", () => {
    const name = (length: number) => [length, ...Array.from({ length: length - 1 }, () => 0x61)];
    assert.equal(interfacesOf(0x02, name(64))?.[0]?.name, "a".repeat(63));
    assert.deepEqual(interfacesOf(0x02, name(68)), []);
  });

  it("is left out where its parts are cut or malformed, and the labels beside it are kept", () => {
    const broken: readonly (readonly [number, readonly number[]])[] = [
      [0x08, []],
      [0x08, [0, 0, 1]],
      [0x01, [0, 0]],
      [0x04, []],
      [0x04, [0, 3, 0, 0, 1, 2, 3, 4]],
      [0x04, address4.slice(0, 7)],
      [0x04, [0, 2, ...address4.slice(2)]],
      [0x02, []],
      [0x02, [0, 0, 0, 0]],
      [0x02, [3, 0x65, 0x74, 0x68]],
      [0x02, [8, 0x65, 0x74, 0x68]],
      [0x0f, [0, 0, 0, 1]],
    ];
    for (const [type, payload] of broken) {
      const extensions = parseExtensions(structure(object(2, type, payload), ONE_LABEL));
      assert.deepEqual(extensions, { mpls: ONE, interfaces: [] }, `type ${type}, ${payload.length} octets`);
    }
  });
});
