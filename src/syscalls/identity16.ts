/** The calls whose user and group ids have 16 bits (asm/posix_types.h: __kernel_old_uid_t), made from those with 32. */
import { ATTRIBUTE_ROWS } from "./attributes.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { errno } from "../kernel/errno.ts";
import { UNCHANGED, type IdTriple } from "../kernel/credentials.ts";
import { IDENTITY_ROWS } from "./identity.ts";
import { full } from "./row.ts";
import type { ArgumentValue, Handler, SyscallRow } from "./row.ts";

/** What an id that does not fit is shown as (/proc/sys/kernel/overflowuid). */
const OVERFLOW_ID = 65534;
const NO_ID = 0xffff;

const narrow = (id: number): number => (id > NO_ID ? OVERFLOW_ID : id);
const widen = (id: number): number => ((id & NO_ID) === NO_ID ? UNCHANGED : id & NO_ID);

type AnyHandler = (call: SyscallContext, ...args: ArgumentValue[]) => ReturnType<Handler>;

/** The rows whose ids are passed in registers. */
const IN_REGISTERS = new Set(
  "getuid geteuid getgid getegid setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid chown lchown fchown".split(
    " ",
  ),
);

function with16Bits(row: SyscallRow): SyscallRow {
  const handler = row.handler as AnyHandler;
  const isId = row.args.map((type) => type === (arg.id as unknown));
  const narrowed: AnyHandler = (call, ...args) => {
    const result = handler(call, ...args.map((value, index) => (isId[index] === true ? widen(Number(value)) : value)));
    return typeof result === "number" ? narrow(result >>> 0) : result;
  };
  return { ...row, name: `${row.name}16`, handler: narrowed as Handler };
}

function getAll(call: SyscallContext, which: "user" | "group", addresses: readonly number[]): number {
  const { real, effective, saved }: IdTriple = call.task.credentials[which];
  [real, effective, saved].forEach((id, n) => call.memory.writeU16(addresses[n]!, narrow(id)));
  return 0;
}

/** NGROUPS_MAX */
const MAX_GROUPS = 65536;

export const IDENTITY_16_ROWS: readonly SyscallRow[] = [
  ...[...IDENTITY_ROWS, ...ATTRIBUTE_ROWS].filter(({ name }) => IN_REGISTERS.has(name)).map(with16Bits),
  full("getresuid16", [arg.pointer, arg.pointer, arg.pointer], (call, ...at) => getAll(call, "user", at)),
  full("getresgid16", [arg.pointer, arg.pointer, arg.pointer], (call, ...at) => getAll(call, "group", at)),
  full("getgroups16", [arg.int, arg.pointer], (call, size, address) => {
    const { groups } = call.task.credentials;
    if (size < 0) throw errno.EINVAL;
    if (size === 0) return groups.length;
    if (groups.length > size) throw errno.EINVAL;
    call.memory.check(address, 2 * groups.length, "write");
    groups.forEach((group, n) => call.memory.writeU16(address + 2 * n, narrow(group)));
    return groups.length;
  }),
  full("setgroups16", [arg.uint, arg.pointer], (call, size, address) => {
    if (!call.task.credentials.isPrivileged) throw errno.EPERM;
    if (size > MAX_GROUPS) throw errno.EINVAL;
    const groups = Array.from({ length: size }, (_, n) => widen(call.memory.readU16(address + 2 * n)));
    if (groups.includes(UNCHANGED)) throw errno.EINVAL;
    call.task.credentials.setGroups(groups);
    return 0;
  }),
];
