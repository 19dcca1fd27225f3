/**
 * What an overlay knows of itself, as records: the lines of its journal (README.md). They are read again from a file that
 * anybody may have changed, so every field is checked.
 */
import type { ByteString } from "../byte-string.ts";
import { S } from "../flags.ts";

export interface Times {
  /** Nanoseconds since the epoch. */
  atime: bigint;
  mtime: bigint;
  ctime: bigint;
  btime: bigint;
}

/** A file, with everything but its names. A later record of the same node replaces an earlier one. */
export interface NodeRecord {
  readonly kind: "node";
  readonly node: number;
  /** Type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly ino: bigint;
  readonly times: Readonly<Times>;
  /** Path from the lower tree's root to what shows through: a directory's names, a file's bytes. Null: nothing does. */
  readonly lower: ByteString | null;
  /** Of a regular file: its bytes are the overlay's own. */
  readonly data: boolean;
  /** Of a symbolic link. */
  readonly target: ByteString | null;
  /** Of a device. */
  readonly rdev: readonly [major: number, minor: number];
  readonly xattrs: readonly (readonly [name: ByteString, value: ByteString])[];
}

/** A name in a directory. */
export interface NameRecord {
  readonly kind: "name";
  /** The directory's node. */
  readonly in: number;
  readonly name: ByteString;
  /** 0: the lower tree's name is hidden (a whiteout); null: the overlay has no such name. */
  readonly node: number | null;
  /** When, for the directory's own times; nanoseconds. */
  readonly at: bigint;
}

/** A node without names that nobody has open any more. */
export interface GoneRecord {
  readonly kind: "gone";
  readonly node: number;
}

export type OverlayRecord = NodeRecord | NameRecord | GoneRecord;

export const FIRST_LINE = '{"babelf overlay":1}';

/** One line, without its end. Byte strings stay one character a byte. */
export function toLine(record: OverlayRecord): string {
  switch (record.kind) {
    case "name":
      return JSON.stringify({ in: record.in, name: record.name, node: record.node, at: String(record.at) });
    case "gone":
      return JSON.stringify({ gone: record.node });
    case "node": {
      const { atime, mtime, ctime, btime } = record.times;
      return JSON.stringify({
        node: record.node,
        mode: record.mode.toString(8),
        uid: record.uid,
        gid: record.gid,
        ino: String(record.ino),
        times: [atime, mtime, ctime, btime].map(String),
        ...(record.lower === null ? {} : { lower: record.lower }),
        ...(record.data ? { data: true } : {}),
        ...(record.target === null ? {} : { target: record.target }),
        ...(isDevice(record.mode) ? { rdev: record.rdev } : {}),
        ...(record.xattrs.length === 0 ? {} : { xattrs: record.xattrs }),
      });
    }
  }
}

const isDevice = (mode: number): boolean => (mode & S.IFMT) === S.IFCHR || (mode & S.IFMT) === S.IFBLK;

/** Throws an Error that says what is wrong. */
export function fromLine(line: string): OverlayRecord {
  const fields: unknown = JSON.parse(line);
  if (typeof fields !== "object" || fields === null) throw new Error("not a record");
  const read = new Fields(fields as Readonly<Record<string, unknown>>);
  if (read.has("gone")) return { kind: "gone", node: read.number("gone") };
  if (read.has("in")) {
    const node = read.has("node", null) ? read.number("node") : null;
    return { kind: "name", in: read.number("in"), name: read.bytes("name"), node, at: read.big("at") };
  }
  const [atime, mtime, ctime, btime] = read.list("times").map(big) as [bigint, bigint, bigint, bigint];
  if (btime === undefined) throw new Error("times are missing");
  const [major = 0, minor = 0] = read.has("rdev") ? read.list("rdev").map(whole) : [];
  return {
    kind: "node",
    node: read.number("node"),
    mode: parseInt(read.bytes("mode"), 8) & 0o177777,
    uid: read.number("uid"),
    gid: read.number("gid"),
    ino: read.big("ino"),
    times: { atime, mtime, ctime, btime },
    lower: read.has("lower") ? read.bytes("lower") : null,
    data: read.has("data"),
    target: read.has("target") ? read.bytes("target") : null,
    rdev: [major, minor],
    xattrs: (read.has("xattrs") ? read.list("xattrs") : []).map(pair),
  };
}

class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields;
  }
  /** `empty`: a value that counts as none. */
  has(name: string, empty?: null): boolean {
    return Object.hasOwn(this.#fields, name) && (empty === undefined || this.#fields[name] !== empty);
  }
  number(name: string): number {
    return whole(this.#fields[name]);
  }
  big(name: string): bigint {
    return big(this.#fields[name]);
  }
  bytes(name: string): ByteString {
    return bytes(this.#fields[name]);
  }
  list(name: string): readonly unknown[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw new Error(`${name} is not a list`);
    return value;
  }
}

function whole(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new Error("not a whole number");
  return value;
}
function big(value: unknown): bigint {
  if (typeof value !== "string" || !/^-?\d{1,20}$/.test(value)) throw new Error("not a number in quotes");
  return BigInt(value);
}
function bytes(value: unknown): ByteString {
  if (typeof value !== "string" || /[^\0-\xff]/.test(value)) throw new Error("not a byte string");
  return value;
}
function pair(value: unknown): readonly [ByteString, ByteString] {
  if (!Array.isArray(value)) throw new Error("not a pair");
  return [bytes(value[0]), bytes(value[1])];
}
