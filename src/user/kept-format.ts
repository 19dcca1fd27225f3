/**
 * Plain values with typed arrays in them, as bytes: JSON, and beside it the arrays, which are read in place. V8's own
 * serializer copies each of them.
 *
 *     u32 checksum of what follows, u32 length of the JSON, the JSON, and from the next multiple of 8 on the arrays, each
 *     at a multiple of 8
 */

const HEAD = 8;
const ALIGNMENT = 8;
const KINDS = { Int32Array, Uint32Array, Uint8Array } as const;
type Kind = keyof typeof KINDS;

/** What stands in the JSON for a typed array: its kind, where it begins behind the JSON, its length. */
type Reference = readonly ["array", Kind, number, number];

const aligned = (size: number): number => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

export function encode(value: unknown): Buffer {
  const arrays: Uint8Array[] = [];
  let size = 0;
  const json = Buffer.from(
    JSON.stringify(value, (_, each: unknown) => {
      if (!ArrayBuffer.isView(each)) return each;
      const kind = each.constructor.name as Kind;
      if (!(kind in KINDS)) throw new TypeError(`no place for ${kind}`);
      const reference: Reference = ["array", kind, size, (each as Int32Array).length];
      arrays.push(new Uint8Array(each.buffer, each.byteOffset, each.byteLength));
      size += aligned(each.byteLength);
      return reference;
    }),
  );
  const start = aligned(HEAD + json.length);
  const bytes = Buffer.alloc(start + size);
  json.copy(bytes, HEAD);
  let at = start;
  for (const array of arrays) {
    bytes.set(array, at);
    at += aligned(array.length);
  }
  bytes.writeUInt32LE(json.length, 4);
  bytes.writeUInt32LE(checksum(bytes.subarray(4)), 0);
  return bytes;
}

/** The value, or undefined: the bytes are damaged, or not `encode`'s. */
export function decode(bytes: Buffer): unknown {
  // A typed array must begin at a multiple of its elements' size.
  const whole = bytes.byteOffset % ALIGNMENT === 0 ? bytes : Buffer.from(Uint8Array.from(bytes).buffer);
  if (whole.length < HEAD || whole.readUInt32LE(0) !== checksum(whole.subarray(4))) return undefined;
  const length = whole.readUInt32LE(4);
  const start = aligned(HEAD + length);
  try {
    return JSON.parse(whole.toString("latin1", HEAD, HEAD + length), (_, each: unknown) => {
      if (!Array.isArray(each) || each[0] !== "array") return each as unknown;
      const [, kind, at, count] = each as unknown as Reference;
      return new KINDS[kind](whole.buffer as ArrayBuffer, whole.byteOffset + start + at, count);
    });
  } catch {
    return undefined; // its checksum is right, but nothing that `encode` wrote
  }
}

/**
 * FNV-1a over words instead of bytes, mixed at the end. Against damage and chance, not against an enemy, who could write any
 * checksum; `node:zlib`, which has better ones, takes 5 ms to load.
 */
export function checksum(bytes: Uint8Array, seed = 0): number {
  let sum = 0x811c9dc5 ^ seed;
  const end = bytes.length & ~3;
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  for (const word of new Int32Array(buffer, byteOffset, end / 4)) {
    sum = Math.imul(sum ^ word, 0x01000193);
    sum ^= sum >>> 15;
  }
  for (let at = end; at < bytes.length; at++) sum = Math.imul(sum ^ (bytes[at] as number), 0x01000193);
  sum = Math.imul(sum ^ (sum >>> 16) ^ bytes.length, 0x85ebca6b);
  return (sum ^ (sum >>> 13)) >>> 0;
}
