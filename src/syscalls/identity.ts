/** Who the caller is: user and group ids, groups, capabilities. */
import { errno } from "../kernel/errno.ts";
import { ALL_CAPABILITIES, UNCHANGED, type IdTriple } from "../kernel/credentials.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { full, partial, type SyscallRow } from "./row.ts";

type Which = "user" | "group";

function getAll(call: SyscallContext, which: Which, addresses: readonly number[]): number {
  const { real, effective, saved }: IdTriple = call.task.credentials[which];
  [real, effective, saved].forEach((id, n) => call.memory.writeU32(addresses[n]!, id));
  return 0;
}

/** NGROUPS_MAX */
const MAX_GROUPS = 65536;

/** _LINUX_CAPABILITY_VERSION_1, _2, _3 and how many struct __user_cap_data each has. */
const CAPABILITY_VERSIONS: ReadonlyMap<number, number> = new Map([
  [0x19980330, 1],
  [0x20071026, 2],
  [0x20080522, 2],
]);
const CURRENT_VERSION = 0x20080522;

function header(call: SyscallContext, address: number): { readonly count: number; readonly pid: number } {
  const { version, pid } = call.abi.structs.capHeader.read(call.memory, address);
  const count = CAPABILITY_VERSIONS.get(Number(version));
  if (count === undefined) {
    call.memory.writeU32(address, CURRENT_VERSION);
    throw errno.EINVAL;
  }
  return { count, pid: Number(pid) };
}

function capget(call: SyscallContext, headerAt: number, data: number): number {
  let found;
  try {
    found = header(call, headerAt);
  } catch (error) {
    // A null `data` asks for the version: the answer is in the header.
    if (error === errno.EINVAL && data === 0) return 0;
    throw error;
  }
  if (found.pid < 0) throw errno.EINVAL;
  const task = found.pid === 0 ? call.task : call.kernel.tasks.get(found.pid);
  if (task === undefined) throw errno.ESRCH;
  if (data === 0) return 0;
  const { capData } = call.abi.structs;
  const { effective, permitted, inheritable } = task.credentials.capabilities;
  for (let n = 0; n < found.count; n++) {
    const word = (set: bigint): number => Number((set >> BigInt(32 * n)) & 0xffffffffn);
    capData.write(call.memory, data + n * capData.size, {
      effective: word(effective),
      permitted: word(permitted),
      inheritable: word(inheritable),
    });
  }
  return 0;
}

function capset(call: SyscallContext, headerAt: number, data: number): number {
  const { count, pid } = header(call, headerAt);
  if (pid !== 0 && pid !== call.task.tid) throw errno.EPERM;
  const { capData } = call.abi.structs;
  let [effective, permitted, inheritable] = [0n, 0n, 0n];
  for (let n = 0; n < count; n++) {
    const words = capData.read(call.memory, data + n * capData.size);
    const part = (word: number | bigint): bigint => (BigInt(word) << BigInt(32 * n)) & ALL_CAPABILITIES;
    effective |= part(words.effective);
    permitted |= part(words.permitted);
    inheritable |= part(words.inheritable);
  }
  call.task.credentials.setCapabilities({ effective, permitted, inheritable });
  return 0;
}

export const IDENTITY_ROWS: readonly SyscallRow[] = [
  full("getuid", [], (call) => call.task.credentials.uid | 0),
  full("geteuid", [], (call) => call.task.credentials.euid | 0),
  full("getgid", [], (call) => call.task.credentials.gid | 0),
  full("getegid", [], (call) => call.task.credentials.egid | 0),
  full("setuid", [arg.id], (call, id) => {
    call.task.credentials.set("user", id);
    return 0;
  }),
  full("setgid", [arg.id], (call, id) => {
    call.task.credentials.set("group", id);
    return 0;
  }),
  full("setreuid", [arg.id, arg.id], (call, real, effective) => {
    call.task.credentials.setRealEffective("user", real, effective);
    return 0;
  }),
  full("setregid", [arg.id, arg.id], (call, real, effective) => {
    call.task.credentials.setRealEffective("group", real, effective);
    return 0;
  }),
  full("setresuid", [arg.id, arg.id, arg.id], (call, real, effective, saved) => {
    call.task.credentials.setAll("user", real, effective, saved);
    return 0;
  }),
  full("setresgid", [arg.id, arg.id, arg.id], (call, real, effective, saved) => {
    call.task.credentials.setAll("group", real, effective, saved);
    return 0;
  }),
  full("getresuid", [arg.intsOut(1), arg.intsOut(1), arg.intsOut(1)], (call, ...at) => getAll(call, "user", at)),
  full("getresgid", [arg.intsOut(1), arg.intsOut(1), arg.intsOut(1)], (call, ...at) => getAll(call, "group", at)),
  full("setfsuid", [arg.id], (call, id) => call.task.credentials.setFs("user", id) | 0),
  full("setfsgid", [arg.id], (call, id) => call.task.credentials.setFs("group", id) | 0),
  full("getgroups", [arg.int, arg.pointer], (call, size, address) => {
    const { groups } = call.task.credentials;
    if (size < 0) throw errno.EINVAL;
    if (size === 0) return groups.length;
    if (groups.length > size) throw errno.EINVAL;
    call.memory.check(address, 4 * groups.length, "write");
    groups.forEach((group, n) => call.memory.writeU32(address + 4 * n, group));
    return groups.length;
  }),
  full("setgroups", [arg.uint, arg.pointer], (call, size, address) => {
    if (!call.task.credentials.isPrivileged) throw errno.EPERM;
    if (size > MAX_GROUPS) throw errno.EINVAL;
    const groups = [...call.memory.readWords(address, size)];
    if (groups.includes(UNCHANGED)) throw errno.EINVAL;
    call.task.credentials.setGroups(groups);
    return 0;
  }),
  full("capget", [arg.structIn("capHeader", "__user_cap_header_struct"), arg.pointer], capget),
  partial(
    "capset",
    [arg.structIn("capHeader", "__user_cap_header_struct"), arg.pointer],
    "kept, but what a task may do is all or nothing, by CAP_SETUID",
    capset,
  ),
];
