/** The address space: mmap(2), brk(2), mprotect(2) and advice about memory. */
import { errno } from "../kernel/errno.ts";
import { O } from "../kernel/fs/flags.ts";
import type { Advice } from "../memory/address-space.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description } from "./guest-buffers.ts";
import { full, missing, partial, type SyscallRow } from "./row.ts";

const PAGE = 4096;
const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const PROT_GROWSDOWN = 0x01000000;
const PROT_GROWSUP = 0x02000000;

const isPageAligned = (value: number): boolean => value % PAGE === 0;

/** `flags` are the guest's; `offset` is in bytes. */
function mmap(
  call: SyscallContext,
  address: number,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
): number {
  const { guest } = call.abi.constants.map;
  const has = (name: string): boolean => (flags & (guest[name] ?? 0)) !== 0;
  if (length === 0) throw errno.EINVAL;
  // MAP_SHARED_VALIDATE refuses flags that it does not know; none of those that need it (MAP_SYNC) exist here.
  const type = flags & 0xf;
  if (type !== 1 && type !== 2 && type !== 3) throw errno.EINVAL;
  const shared = type !== 2;
  const prot = protection & (PROT_READ | PROT_WRITE | PROT_EXEC);
  let backing = null;
  if (!has("MAP_ANONYMOUS")) {
    const file = description(call, fd);
    if ((file.flags & O.PATH) !== 0) throw errno.EBADF;
    // A file mapping needs read access whatever the protection; a shared writable one also write access.
    if (!file.readable) throw errno.EACCES;
    if (shared && (prot & PROT_WRITE) !== 0 && !file.writable) throw errno.EACCES;
    backing = file.backing();
  } else if (has("MAP_HUGETLB")) {
    // No huge pages are reserved here, as on most machines.
    throw errno.ENOMEM;
  }
  return call.process.space.map({
    address,
    length,
    protection: prot,
    fixed: has("MAP_FIXED"),
    noReplace: has("MAP_FIXED_NOREPLACE"),
    shared,
    backing,
    offset,
  });
}

function mprotect(call: SyscallContext, address: number, length: number, protection: number): number {
  const grows = protection & (PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) throw errno.EINVAL;
  if (!isPageAligned(address)) throw errno.EINVAL;
  const prot = protection & (PROT_READ | PROT_WRITE | PROT_EXEC);
  if ((protection & ~(prot | grows | call.abi.constants.protection.guest["PROT_SEM"]!)) !== 0) throw errno.EINVAL;
  if (length === 0) return 0;
  call.process.space.protect(address, length, prot, grows === PROT_GROWSDOWN);
  return 0;
}

function mremap(
  call: SyscallContext,
  address: number,
  oldLength: number,
  newLength: number,
  flags: number,
  newAddress: number,
): number {
  const { MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP } = call.abi.constants.mremap.guest;
  if ((flags & ~7) !== 0) throw errno.EINVAL;
  const mayMove = (flags & MREMAP_MAYMOVE!) !== 0;
  const fixed = (flags & MREMAP_FIXED!) !== 0;
  const dontUnmap = (flags & MREMAP_DONTUNMAP!) !== 0;
  if ((fixed || dontUnmap) && !mayMove) throw errno.EINVAL;
  return call.process.space.remap({
    address,
    oldLength,
    newLength,
    mayMove,
    fixed: fixed ? newAddress : null,
    dontUnmap,
  });
}

/** Advice with an effect; other known advice is checked and then has none. */
const ADVICE: Readonly<Record<string, Advice>> = {
  MADV_DONTNEED: "dontneed",
  MADV_DONTNEED_LOCKED: "dontneed",
  MADV_FREE: "free",
  MADV_REMOVE: "remove",
};

function madvise(call: SyscallContext, address: number, length: number, advice: number): number {
  const name = call.abi.constants.madvise.nameOf(advice);
  if (name === undefined || !isPageAligned(address)) throw errno.EINVAL;
  // A promise that fork does not keep yet: as of a kernel before 4.14, so that whoever hides keys from children knows.
  if (name === "MADV_WIPEONFORK") throw errno.EINVAL;
  if (length === 0) return 0;
  call.process.space.advise(address, length, ADVICE[name] ?? "none");
  return 0;
}

function mincore(call: SyscallContext, address: number, length: number, vector: number): number {
  if (!isPageAligned(address)) throw errno.EINVAL;
  const pages = Math.ceil(length / PAGE);
  if (pages === 0) return 0;
  const { space } = call.process;
  if (address + pages * PAGE > space.limit) throw errno.ENOMEM;
  call.memory.check(vector, pages, "write");
  if (!space.isMapped(address, pages * PAGE)) throw errno.ENOMEM;
  // Every mapped page counts as resident: there is no paging here.
  call.memory.fill(vector, pages, 1);
  return 0;
}

/** mlock(2) and its kin: pages are never swapped by us, so a range only has to be mapped. */
function mlock(call: SyscallContext, address: number, length: number): number {
  const start = Math.floor(address / PAGE) * PAGE;
  const end = Math.ceil((address + length) / PAGE) * PAGE;
  if (end > start && !call.process.space.isMapped(start, end - start)) throw errno.ENOMEM;
  return 0;
}

/** membarrier(2): with one task on the processor at a time, every barrier has already happened. */
function membarrier(call: SyscallContext, command: number, flags: number): number {
  if (flags !== 0) throw errno.EINVAL;
  const { guest } = call.abi.constants.membarrier;
  const commands = Object.values(guest);
  if (command === 0) return commands.reduce((all, one) => all | one, 0);
  if (!commands.includes(command)) throw errno.EINVAL;
  return 0;
}

const MMAP_NOTE = "MAP_GROWSDOWN, MAP_LOCKED, MAP_POPULATE and MAP_NORESERVE change nothing; MAP_HUGETLB is ENOMEM";
const LOCK_NOTE = "the range is checked; the host decides what it swaps";
const mmapArguments = [arg.pointer, arg.size, arg.flags("protection"), arg.mapFlags, arg.fd] as const;

export const MEMORY_ROWS: readonly SyscallRow[] = [
  partial(
    "mmap",
    [...mmapArguments, arg.hexadecimal],
    MMAP_NOTE,
    (call, address, length, protection, flags, fd, offset) => {
      if (!isPageAligned(offset)) throw errno.EINVAL;
      return mmap(call, address, length, protection, flags, fd, offset);
    },
    "hex",
  ),
  partial(
    "mmap2",
    [...mmapArguments, arg.hexadecimal],
    MMAP_NOTE,
    // The offset is in pages of 4096 bytes (mmap2(2)).
    (call, address, length, protection, flags, fd, pages) =>
      mmap(call, address, length, protection, flags, fd, pages * PAGE),
    "hex",
  ),
  full("munmap", [arg.pointer, arg.size], (call, address, length) => {
    if (!isPageAligned(address) || length === 0) throw errno.EINVAL;
    call.process.space.unmap(address, length);
    return 0;
  }),
  full("mprotect", [arg.pointer, arg.size, arg.flags("protection")], mprotect),
  full("mremap", [arg.pointer, arg.size, arg.size, arg.flags("mremap"), arg.pointer], mremap, "hex"),
  full("msync", [arg.pointer, arg.size, arg.flags("msync")], (call, address, length, flags) => {
    const { MS_ASYNC, MS_SYNC } = call.abi.constants.msync.guest;
    const both = MS_ASYNC! | MS_SYNC!;
    if ((flags & ~7) !== 0 || (flags & both) === both || !isPageAligned(address)) throw errno.EINVAL;
    if (length > 0) call.process.space.sync(address, length);
    return 0;
  }),
  partial(
    "madvise",
    [arg.pointer, arg.size, arg.choice("madvise")],
    "hints without an effect on what programs see are ignored; MADV_WIPEONFORK is EINVAL",
    madvise,
  ),
  missing("process_madvise", [arg.fd, arg.pointer, arg.size, arg.int, arg.uint], "advice is a hint"),
  partial("mincore", [arg.pointer, arg.size, arg.pointer], "every mapped page counts as resident", mincore),
  partial("mlock", [arg.pointer, arg.size], LOCK_NOTE, mlock),
  partial("mlock2", [arg.pointer, arg.size, arg.int], LOCK_NOTE, (call, address, length, flags) => {
    if ((flags & ~1) !== 0) throw errno.EINVAL;
    return mlock(call, address, length);
  }),
  partial("munlock", [arg.pointer, arg.size], LOCK_NOTE, mlock),
  partial("mlockall", [arg.flags("mlockall")], LOCK_NOTE, (_call, flags) => {
    if (flags === 0 || (flags & ~7) !== 0 || flags === 4) throw errno.EINVAL;
    return 0;
  }),
  partial("munlockall", [], LOCK_NOTE, () => 0),
  full("brk", [arg.pointer], (call, address) => call.process.space.brk(address), "hex"),
  full("membarrier", [arg.int, arg.hexadecimal], membarrier),
  missing("remap_file_pages", [arg.pointer, arg.size, arg.int, arg.size, arg.int], "deprecated; use mmap"),
  missing("pkey_alloc", [arg.hexadecimal, arg.hexadecimal], "no protection keys"),
  missing("pkey_free", [arg.int], "no protection keys"),
  partial(
    "pkey_mprotect",
    [arg.pointer, arg.size, arg.flags("protection"), arg.int],
    "key -1 only: there are no protection keys",
    (call, address, length, protection, key) => {
      if (key !== -1) throw errno.EINVAL;
      return mprotect(call, address, length, protection);
    },
  ),

  // Which cache is not looked at, whatever cacheflush(2) says: Linux flushes both.
  full("cacheflush", [arg.pointer, arg.size, arg.int], (call, address, length) => {
    if (length === 0) return 0;
    if (address + length > call.process.space.limit) throw errno.EFAULT;
    call.machine.invalidateCode(call.task, address, length);
    return 0;
  }),
  // ARM's takes the end instead of the length, and makes nothing of a range that is not the program's (EINVAL).
  full("arm_cacheflush", [arg.pointer, arg.pointer, arg.int], (call, start, end, flags) => {
    if (end < start || flags !== 0) throw errno.EINVAL;
    if (end > call.process.space.limit) throw errno.EFAULT;
    if (end > start) call.machine.invalidateCode(call.task, start, end - start);
    return 0;
  }),
  missing("cachectl", [arg.pointer, arg.size, arg.int], "not implemented on Linux either"),
];
