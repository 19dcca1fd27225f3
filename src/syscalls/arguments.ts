/** The kinds of arguments that rows are made of: how a value is decoded, and how strace prints it. */
import { fromBytes, toText } from "../kernel/fs/byte-string.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import type { ConstantSubject } from "./abi/constants.ts";
import type { StructName } from "./abi/structs.ts";
import type { SyscallContext } from "./context.ts";
import type { ArgumentType, Shown } from "./row.ts";

type Show<V extends number | bigint> = (value: V, shown: Shown) => string;

/** As printf's %#x: zero has no prefix. */
const hex = (value: number | bigint): string => (Number(value) === 0 ? "0" : `0x${value.toString(16)}`);
/** A pointer as strace prints it. */
export const showPointer = (value: number): string => (value === 0 ? "NULL" : hex(value));

function word(name: string, signed: boolean, show: Show<number>, out = false): ArgumentType<number> {
  return { name, wide: false, signed, out, show };
}
function wide(name: string, signed: boolean, show: Show<bigint>): ArgumentType<bigint> {
  return { name, wide: true, signed, out: false, show };
}

// ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────────
export const int = word("int", true, String);
export const uint = word("unsigned int", false, String);
/** A C long or off_t of a 32-bit guest. */
export const long = word("long", true, String);
export const size = word("size_t", false, String);
export const hexadecimal = word("unsigned long", false, hex);
export const pid = word("pid_t", true, String);
/** Unsigned, but (uid_t)-1 is printed as strace does. */
export const id = word("uid_t", false, (value) => (value === 0xffffffff ? "-1" : String(value)));
export const mode = word("mode_t", false, (value) => showMode(value));
export const device = word(
  "dev_t",
  false,
  (value) => `makedev(${hex((value >>> 8) & 0xfff)}, ${hex((value & 0xff) | ((value >>> 12) & 0xfff00))})`,
);
/** A signed 64-bit file offset in two registers. */
export const offset64 = wide("loff_t", true, String);
export const size64 = wide("u64", false, String);
/** One half of a 64-bit value that the call itself takes apart (_llseek, preadv). */
export const half = word("unsigned long", false, String);

function showMode(value: number): string {
  return value === 0 ? "000" : `0${value.toString(8)}`;
}

// ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────
export const fd = word("int fd", true, String);
export const AT_FDCWD = -100;
export const directoryFd = word("int dirfd", true, (value) => (value === AT_FDCWD ? "AT_FDCWD" : String(value)));
export const path = word("const char *path", false, (value, { call }) => showString(call, value, 4096));
/** A name that is not a path: sethostname, memfd_create, attribute names. */
export const string = word("const char *", false, (value, { call }) => showString(call, value, 256));

// ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────
export const pointer = word("void *", false, showPointer);
/** Bytes that go in; their number is argument `lengthAt`. */
export function input(lengthAt: number): ArgumentType<number> {
  return word("const void *", false, (value, { call, args }) => showBytes(call, value, Number(args[lengthAt])));
}
/** Bytes that come out; their number is the result. */
export const output = word(
  "void *",
  false,
  (value, { call, result }) => (result === null ? showPointer(value) : showBytes(call, value, Number(result))),
  true,
);
/** A string that comes out; the result or the terminating NUL ends it. */
export const outputString = word(
  "char *",
  false,
  (value, { call, result }) => (result === null ? showPointer(value) : showString(call, value, 4096)),
  true,
);

/** `struct iovec *`, their number in argument `countAt`; printed before the call if the bytes go in, else after. */
export function iovecs(countAt: number, direction: "in" | "out"): ArgumentType<number> {
  return word(
    "const struct iovec *",
    false,
    (value, { call, args, result }) => {
      let left = direction === "in" ? Infinity : Number(result ?? 0);
      return showArray(value, Number(args[countAt]), call.abi.structs.iovec.size, (address) => {
        const entry = call.abi.structs.iovec.read(call.memory, address);
        const length = Number(entry.iov_len);
        const shown = Math.min(left, length);
        left -= shown;
        return `{iov_base=${showBytes(call, Number(entry.iov_base), shown)}, iov_len=${length}}`;
      });
    },
    direction === "out",
  );
}

/** A struct of the ABI that goes in. */
export function structIn(name: StructName, cName = name as string): ArgumentType<number> {
  return word(`const struct ${cName} *`, false, (value, { call }) => showStruct(call, name, value));
}
/** A struct of the ABI that the call fills in. */
export function structOut(name: StructName, cName = name as string): ArgumentType<number> {
  return word(
    `struct ${cName} *`,
    false,
    (value, { call, result }) => (result === null ? showPointer(value) : showStruct(call, name, value)),
    true,
  );
}
/** An array of structs, as many as argument `countAt` says; printed before the call. */
export function structArray(name: StructName, countAt: number, out = false): ArgumentType<number> {
  return word(
    `struct ${name} *`,
    false,
    (value, { call, args }) =>
      showArray(value, Number(args[countAt]), call.abi.structs[name].size, (at) => showStruct(call, name, at)),
    out,
  );
}
/** `int[count]` that comes out. */
export function intsOut(count: number): ArgumentType<number> {
  return word(
    "int *",
    false,
    (value, { call, result }) =>
      result === null || value === 0
        ? showPointer(value)
        : guarded(value, () => {
            const values = Array.from({ length: count }, (_, n) => call.memory.readS32(value + 4 * n));
            return `[${values.join(", ")}]`;
          }),
    true,
  );
}
/** `fd_set *` of as many bits as argument 0 says. */
export const fdSet = word("fd_set *", false, (value, { call, args }) =>
  value === 0
    ? "NULL"
    : guarded(value, () => {
        const set: number[] = [];
        const count = Math.min(Number(args[0]), 1024);
        for (let n = 0; n < count; n++) {
          if ((call.memory.readU32(value + 4 * (n >>> 5)) >>> (n & 31)) & 1) set.push(n);
        }
        return `[${set.join(" ")}]`;
      }),
);

// ── constants by name ───────────────────────────────────────────────────────────────────────────────────────────────
/** A set of bits. */
export function flags(subject: ConstantSubject): ArgumentType<number> {
  return word("int", false, (value, { call }) => call.abi.constants[subject].showBits(value));
}
/** One of several values. */
export function choice(subject: ConstantSubject): ArgumentType<number> {
  return word("int", true, (value, { call }) => call.abi.constants[subject].showValue(value));
}
/** open(2)'s flags: the access mode is always named. */
export const openFlags = word("int", false, (value, { call }) => {
  const accessMode = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"][value & 3]!;
  return (value & ~3) === 0 ? accessMode : `${accessMode}|${call.abi.constants.open.showBits(value & ~3)}`;
});
/** open(2)'s mode: printed only where the flags in the argument before ask for it. */
export const createMode: ArgumentType<number> = {
  name: "mode_t",
  wide: false,
  signed: false,
  out: false,
  show: (value, { call, args, index }) => {
    const asked = call.abi.constants.open.bitsToKernel(Number(args[index - 1]));
    return (asked & 0o20000100) === 0 ? "" : showMode(value);
  },
};
/** mmap(2)'s flags: the sharing type is one value of the low bits. */
export const mapFlags = word("int", false, (value, { call }) => {
  const type = ["0", "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"][value & 0xf] ?? hex(value & 0xf);
  const rest = (value & ~0xf) >>> 0;
  return rest === 0 ? type : `${type}|${call.abi.constants.map.showBits(rest)}`;
});
/** A signal's number, by name. */
export const signal = word("int sig", true, (value, { call }) => call.kernel.signals.name(value));

// ── printing guest memory ───────────────────────────────────────────────────────────────────────────────────────────
/** strace -s: how much of a string is printed. */
const STRING_LIMIT = 32;
const ARRAY_LIMIT = 32;

/** What `read` makes of guest memory, or the address where the memory cannot be read. */
export function guarded(address: number, read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof GuestFault) return showPointer(address);
    throw error;
  }
}

/** A path or other NUL-terminated string, quoted; paths are never cut, as strace does it. */
export function showString(call: SyscallContext, address: number, max: number): string {
  if (address === 0) return "NULL";
  return guarded(address, () => {
    const bytes = call.memory.readCString(address, max);
    return bytes === null ? showBytes(call, address, max) : quote(bytes);
  });
}

export function showBytes(call: SyscallContext, address: number, length: number): string {
  if (address === 0) return "NULL";
  return guarded(address, () => {
    const shown = Math.max(0, Math.min(length, STRING_LIMIT));
    return quote(call.memory.readBytes(address, shown)) + (length > shown ? "..." : "");
  });
}

const ESCAPES: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** A C string literal: octal escapes as short as the next character allows. */
export function quote(bytes: Uint8Array): string {
  let text = '"';
  bytes.forEach((byte, n) => {
    const next = bytes[n + 1] ?? 0;
    const escape = ESCAPES[byte];
    if (escape !== undefined) text += escape;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\${byte.toString(8).padStart(next >= 0x30 && next <= 0x37 ? 3 : 1, "0")}`;
  });
  return `${text}"`;
}

function showArray(address: number, count: number, step: number, show: (address: number) => string): string {
  if (address === 0) return "NULL";
  return guarded(address, () => {
    const shown = Math.max(0, Math.min(count, ARRAY_LIMIT));
    const items = Array.from({ length: shown }, (_, n) => show(address + n * step));
    if (count > shown) items.push("...");
    return `[${items.join(", ")}]`;
  });
}

type Fields = Readonly<Record<string, number | bigint>>;

const FILE_TYPES: Readonly<Record<number, string>> = {
  0o140000: "S_IFSOCK",
  0o120000: "S_IFLNK",
  0o100000: "S_IFREG",
  0o060000: "S_IFBLK",
  0o040000: "S_IFDIR",
  0o020000: "S_IFCHR",
  0o010000: "S_IFIFO",
};

/** File type and permissions of a stat. */
function showFileMode(value: number): string {
  return `${FILE_TYPES[value & 0o170000] ?? "0"}|${showMode(value & 0o7777)}`;
}

function showStat(fields: Fields): string {
  const mode = Number(fields["st_mode"]);
  const type = mode & 0o170000;
  const what =
    type === 0o020000 || type === 0o060000
      ? `st_rdev=makedev(${hex((Number(fields["st_rdev"]) >>> 8) & 0xfff)}, ${hex(Number(fields["st_rdev"]) & 0xff)})`
      : `st_size=${fields["st_size"]}`;
  return `{st_mode=${showFileMode(mode)}, ${what}, ...}`;
}

/** Structs that strace abbreviates or decodes; all others are printed field by field. */
const STRUCT_PRINTERS: { readonly [N in StructName]?: (fields: Fields, call: SyscallContext) => string } = {
  stat: showStat,
  stat64: showStat,
  statx: (f) =>
    `{stx_mask=${hex(f["stx_mask"]!)}, stx_mode=${showFileMode(Number(f["stx_mode"]))}, stx_size=${f["stx_size"]}, ...}`,
  pollfd: (f, call) => {
    const events = call.abi.constants.poll.showBits(Number(f["events"]));
    const revents = Number(f["revents"]);
    const answer = revents === 0 ? "" : `, revents=${call.abi.constants.poll.showBits(revents)}`;
    return `{fd=${f["fd"]}, events=${events}${answer}}`;
  },
  epollEvent: (f, call) =>
    `{events=${call.abi.constants.epoll.showBits(Number(f["events"]))}, data=${hex(f["data"]!)}}`,
  openHow: (f, call) =>
    `{flags=${call.abi.constants.open.showBits(Number(f["flags"]))}, mode=${showMode(Number(f["mode"]))}, resolve=${call.abi.constants.resolve.showBits(Number(f["resolve"]))}}`,
};

export function showStruct(call: SyscallContext, name: StructName, address: number): string {
  if (address === 0) return "NULL";
  return guarded(address, () => {
    const struct = call.abi.structs[name];
    if (name === "utsname") return showUtsname(call, address);
    const fields: Fields = struct.read(call.memory, address);
    const printer = STRUCT_PRINTERS[name];
    if (printer !== undefined) return printer(fields, call);
    const shown = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
    return `{${shown.slice(0, 6).join(", ")}${shown.length > 6 ? ", ..." : ""}}`;
  });
}

function showUtsname(call: SyscallContext, address: number): string {
  const text = (field: "sysname" | "nodename"): string => {
    const bytes = call.memory.readCString(address + call.abi.structs.utsname.offsetOf(field), 65);
    return `"${bytes === null ? "" : toText(fromBytes(bytes))}"`;
  };
  return `{sysname=${text("sysname")}, nodename=${text("nodename")}, ...}`;
}
