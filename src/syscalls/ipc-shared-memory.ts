/** System V shared memory: shmat(2), shmdt(2), shmctl(2). */
import { errno } from "../kernel/errno.ts";
import { IPC } from "../kernel/ipc/objects.ts";
import { Attachment } from "../kernel/ipc/shared-memory.ts";
import type { Segment } from "../kernel/ipc/shared-memory.ts";
import type { SyscallContext } from "./context.ts";
import { caller, changed, high, permissions } from "./ipc-objects.ts";

const PAGE = 4096;
const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;

const SHM = { LOCK: 11, UNLOCK: 12, STAT: 13, INFO: 14, STAT_ANY: 15 } as const;
/** shmat(2)'s flags. */
const SHM_RDONLY = 0o10000;
const SHM_RND = 0o20000;
const SHM_REMAP = 0o40000;
const SHM_EXEC = 0o100000;

/** Maps the segment; the address. */
export function shmat(call: SyscallContext, id: number, at: number, flags: number): number {
  const { sharedMemory } = call.kernel.ipc;
  const { space } = call.process;
  const boundary = call.abi.sharedMemoryBoundary;
  let address = at;
  if (address % boundary !== 0) {
    if ((flags & SHM_RND) === 0) throw errno.EINVAL;
    address -= address % boundary;
  }
  const remap = (flags & SHM_REMAP) !== 0;
  if (address === 0 && (remap || at !== 0)) throw errno.EINVAL;
  const readOnly = (flags & SHM_RDONLY) !== 0;
  const execute = (flags & SHM_EXEC) !== 0;
  const who = caller(call);
  const attachment = sharedMemory.attach(id, readOnly, execute, who);
  const { segment, size: length } = attachment;
  const request = {
    length,
    protection: PROT_READ | (readOnly ? 0 : PROT_WRITE) | (execute ? PROT_EXEC : 0),
    shared: true,
    backing: attachment,
    offset: 0,
  };
  if (address !== 0 && !remap && !space.isFree(address, length)) throw errno.EINVAL;
  const place = address === 0 ? freePlace(call, length, boundary) : address;
  // An address that somebody chose for the mapping is not replaced unless that was asked for.
  const start = space.map({ ...request, address: place, fixed: remap, noReplace: !remap });
  sharedMemory.attached(segment, who);
  return start;
}

/** A free place at a boundary of SHMLBA: one is found with room to spare, and aligned. */
function freePlace(call: SyscallContext, length: number, boundary: number): number {
  const { space } = call.process;
  const spare = boundary - PAGE;
  const found = space.map({
    address: 0,
    length: length + spare,
    protection: 0,
    fixed: false,
    noReplace: false,
    shared: false,
    backing: null,
    offset: 0,
  });
  space.unmap(found, length + spare);
  return Math.ceil(found / boundary) * boundary;
}

/** Unmaps what is left of the attachment that was made at `address`. */
export function shmdt(call: SyscallContext, address: number): number {
  if (address % PAGE !== 0) throw errno.EINVAL;
  const { space } = call.process;
  const isStart = ({ start, offset }: { start: number; offset: number }): boolean => start - offset === address;
  const first = space.mappings().find((mapping) => mapping.backing instanceof Attachment && isStart(mapping));
  if (first === undefined) throw errno.EINVAL;
  for (const mapping of space.mappings()) {
    if (mapping.backing === first.backing && isStart(mapping)) space.unmap(mapping.start, mapping.end - mapping.start);
  }
  const { segment } = first.backing as Attachment;
  segment.lastPid = call.process.pid;
  return 0;
}

function shmStat(call: SyscallContext, segment: Segment, address: number): void {
  call.abi.structs.shmidDs.write(call.memory, address, {
    ...permissions(segment),
    shm_segsz: segment.size,
    shm_atime: segment.attachTime,
    shm_atime_high: high(segment.attachTime),
    shm_dtime: segment.detachTime,
    shm_dtime_high: high(segment.detachTime),
    shm_ctime: segment.changeTime,
    shm_ctime_high: high(segment.changeTime),
    shm_cpid: segment.creator,
    shm_lpid: segment.lastPid,
    shm_nattch: segment.attachments,
  });
}

export function shmctl(call: SyscallContext, id: number, command: number, address: number): number {
  const { sharedMemory } = call.kernel.ipc;
  const { table } = sharedMemory;
  const { structs } = call.abi;
  const who = caller(call);
  switch (command) {
    case IPC.STAT: {
      const segment = table.find(id);
      segment.requireRead(who);
      shmStat(call, segment, address);
      return 0;
    }
    case SHM.STAT:
    case SHM.STAT_ANY: {
      const segment = table.at(id);
      if (command === SHM.STAT) segment.requireRead(who);
      shmStat(call, segment, address);
      return segment.id;
    }
    case IPC.SET: {
      const changes = changed(structs.shmidDs.read(call.memory, address));
      const segment = table.find(id);
      segment.requireOwner(who);
      table.change(segment, { ...changes, mode: changes.mode });
      return 0;
    }
    case IPC.RMID:
      sharedMemory.remove(table.find(id), who);
      return 0;
    case SHM.LOCK:
    case SHM.UNLOCK:
      // Segments are never swapped by us.
      table.find(id).requireOwner(who);
      return 0;
    case IPC.INFO: {
      const most = 0xfeffffff;
      structs.shminfo.write(call.memory, address, {
        shmmax: most,
        shmmin: 1,
        shmmni: 4096,
        shmseg: 4096,
        shmall: most,
      });
      return table.highestIndex;
    }
    case SHM.INFO: {
      const { total, resident } = sharedMemory.pages;
      structs.shmInfo.write(call.memory, address, { used_ids: table.all.length, shm_tot: total, shm_rss: resident });
      return table.highestIndex;
    }
    default:
      throw errno.EINVAL;
  }
}
