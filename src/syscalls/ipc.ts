/** System V IPC: shared memory, semaphores and message queues, by their own numbers and through ipc(2). */
import { errno } from "../kernel/errno.ts";
import { IPC } from "../kernel/ipc/objects.ts";
import type { IpcCaller, IpcObject } from "../kernel/ipc/objects.ts";
import { MSG, MSG_LIMITS } from "../kernel/ipc/message-queues.ts";
import type { Message, MessageQueue } from "../kernel/ipc/message-queues.ts";
import { SEM_LIMITS } from "../kernel/ipc/semaphores.ts";
import type { SemaphoreSet } from "../kernel/ipc/semaphores.ts";
import { Attachment } from "../kernel/ipc/shared-memory.ts";
import type { Segment } from "../kernel/ipc/shared-memory.ts";
import { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { full, partial, type SyscallRow } from "./row.ts";
import { timespecTimeout } from "./timeouts.ts";

const PAGE = 4096;
const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;

function caller(call: SyscallContext): IpcCaller {
  return { pid: call.process.pid, credentials: call.task.credentials };
}

/** ipc64_perm's fields. */
function permissions(object: IpcObject) {
  return {
    key: object.key,
    uid: object.uid,
    gid: object.gid,
    cuid: object.creatorUid,
    cgid: object.creatorGid,
    mode: object.mode,
    seq: object.sequence,
  };
}

const high = (seconds: bigint): bigint => seconds >> 32n;

/** What IPC_SET reads: the owner and the permissions (and msg_qbytes). */
function changed(fields: {
  readonly uid: number | bigint;
  readonly gid: number | bigint;
  readonly mode: number | bigint;
}) {
  return { uid: Number(fields.uid), gid: Number(fields.gid), mode: Number(fields.mode) };
}

// ── shared memory ───────────────────────────────────────────────────────────────────────────────────────────────────
const SHM = { LOCK: 11, UNLOCK: 12, STAT: 13, INFO: 14, STAT_ANY: 15 } as const;
/** shmat(2)'s flags. */
const SHM_RDONLY = 0o10000;
const SHM_RND = 0o20000;
const SHM_REMAP = 0o40000;
const SHM_EXEC = 0o100000;

/** Maps the segment; the address. */
function shmat(call: SyscallContext, id: number, at: number, flags: number): number {
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
function shmdt(call: SyscallContext, address: number): number {
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

function shmctl(call: SyscallContext, id: number, command: number, address: number): number {
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

// ── semaphores ──────────────────────────────────────────────────────────────────────────────────────────────────────
const SEM = {
  GETPID: 11,
  GETVAL: 12,
  GETALL: 13,
  GETNCNT: 14,
  GETZCNT: 15,
  SETVAL: 16,
  SETALL: 17,
  STAT: 18,
  INFO: 19,
  STAT_ANY: 20,
} as const;
const SEM_UNDO = 0x1000;

function semop(
  call: SyscallContext,
  id: number,
  address: number,
  count: number,
  deadline: bigint | null,
): number | Wait<number> {
  if (count < 1 || id < 0) throw errno.EINVAL;
  if (count > SEM_LIMITS.operations) throw errno.E2BIG;
  const { sembuf } = call.abi.structs;
  const operations = Array.from({ length: count }, (_, n) => {
    const { sem_num, sem_op, sem_flg } = sembuf.read(call.memory, address + n * sembuf.size);
    const flags = Number(sem_flg);
    return {
      index: Number(sem_num),
      change: Number(sem_op),
      noWait: (flags & IPC.NOWAIT) !== 0,
      undo: (flags & SEM_UNDO) !== 0,
    };
  });
  return call.kernel.ipc.semaphores.operate(id, operations, deadline, call.process, caller(call));
}

function semtimedop(call: SyscallContext, id: number, address: number, count: number, timeout: number, wide: boolean) {
  return semop(call, id, address, count, timespecTimeout(call, timeout, wide)?.deadline ?? null);
}

function semStat(call: SyscallContext, set: SemaphoreSet, address: number): void {
  call.abi.structs.semidDs.write(call.memory, address, {
    ...permissions(set),
    sem_otime: set.operationTime,
    sem_otime_high: high(set.operationTime),
    sem_ctime: set.changeTime,
    sem_ctime_high: high(set.changeTime),
    sem_nsems: set.values.length,
  });
}

/** `argument`: union semun, a number or a pointer. */
function semctl(call: SyscallContext, id: number, index: number, command: number, argument: number): number {
  const { semaphores } = call.kernel.ipc;
  const { table } = semaphores;
  const { structs } = call.abi;
  const who = caller(call);
  switch (command) {
    case IPC.INFO:
    case SEM.INFO: {
      const live = command === SEM.INFO;
      structs.seminfo.write(call.memory, argument, {
        semmap: SEM_LIMITS.all,
        semmni: SEM_LIMITS.sets,
        semmns: SEM_LIMITS.all,
        semmnu: SEM_LIMITS.all,
        semmsl: SEM_LIMITS.perSet,
        semopm: SEM_LIMITS.operations,
        semume: SEM_LIMITS.operations,
        semusz: live ? table.all.length : 20,
        semvmx: SEM_LIMITS.value,
        semaem: live ? table.all.reduce((count, { values }) => count + values.length, 0) : SEM_LIMITS.value,
      });
      return table.highestIndex;
    }
    case SEM.STAT:
    case SEM.STAT_ANY: {
      const set = table.at(id);
      if (command === SEM.STAT) set.requireRead(who);
      semStat(call, set, argument);
      return set.id;
    }
  }
  const set = table.find(id);
  switch (command) {
    case IPC.STAT:
      set.requireRead(who);
      semStat(call, set, argument);
      return 0;
    case IPC.SET: {
      const changes = changed(structs.semidDs.read(call.memory, argument));
      set.requireOwner(who);
      table.change(set, changes);
      return 0;
    }
    case IPC.RMID:
      semaphores.remove(set, who);
      return 0;
    case SEM.GETALL:
      set.requireRead(who);
      call.memory.check(argument, 2 * set.values.length, "write");
      set.values.forEach((value, n) => call.memory.writeU16(argument + 2 * n, value));
      return 0;
    case SEM.SETALL: {
      set.requireWrite(who);
      const values = Array.from(set.values, (_, n) => call.memory.readU16(argument + 2 * n));
      semaphores.set(set, 0, values, who);
      return 0;
    }
  }
  if (command < SEM.GETPID || command > SEM.SETVAL) throw errno.EINVAL;
  if (command === SEM.SETVAL) set.requireWrite(who);
  else set.requireRead(who);
  const value = set.values[index];
  if (index < 0 || value === undefined) throw errno.EINVAL;
  switch (command) {
    case SEM.GETPID:
      return set.pids[index] ?? 0;
    case SEM.GETVAL:
      return value;
    case SEM.GETNCNT:
      return set.waiters(index, false);
    case SEM.GETZCNT:
      return set.waiters(index, true);
    default:
      semaphores.set(set, index, [argument | 0], who);
      return 0;
  }
}

// ── message queues ──────────────────────────────────────────────────────────────────────────────────────────────────
const MSG_STAT = 11;
const MSG_INFO = 12;
const MSG_STAT_ANY = 13;

function msgsnd(call: SyscallContext, id: number, address: number, size: number, flags: number): number | Wait<number> {
  if (size > MSG_LIMITS.message || id < 0) throw errno.EINVAL;
  const type = call.memory.readS32(address);
  const text = call.memory.readBytes(address + call.abi.word, size);
  return call.kernel.ipc.messageQueues.send(id, { type, text }, (flags & IPC.NOWAIT) !== 0, caller(call));
}

function msgrcv(
  call: SyscallContext,
  id: number,
  address: number,
  size: number,
  type: number,
  flags: number,
): number | Wait<number> {
  if (size > 0x7fffffff || id < 0) throw errno.EINVAL;
  // MSG_COPY is for checkpoint and restore; Linux can be built without it.
  if ((flags & MSG.COPY) !== 0) throw errno.ENOSYS;
  const deliver = (message: Message): number => {
    call.memory.writeS32(address, message.type);
    call.memory.writeBytes(address + call.abi.word, message.text);
    return message.text.length;
  };
  const received = call.kernel.ipc.messageQueues.receive(id, size, type, flags, caller(call));
  return received instanceof Wait ? received.then(deliver) : deliver(received);
}

function msgStat(call: SyscallContext, queue: MessageQueue, address: number): void {
  call.abi.structs.msqidDs.write(call.memory, address, {
    ...permissions(queue),
    msg_stime: queue.sendTime,
    msg_stime_high: high(queue.sendTime),
    msg_rtime: queue.receiveTime,
    msg_rtime_high: high(queue.receiveTime),
    msg_ctime: queue.changeTime,
    msg_ctime_high: high(queue.changeTime),
    msg_cbytes: queue.bytes,
    msg_qnum: queue.messages.length,
    msg_qbytes: queue.limit,
    msg_lspid: queue.lastSender,
    msg_lrpid: queue.lastReceiver,
  });
}

function msgctl(call: SyscallContext, id: number, command: number, address: number): number {
  const { messageQueues } = call.kernel.ipc;
  const { table } = messageQueues;
  const { structs } = call.abi;
  const who = caller(call);
  switch (command) {
    case IPC.STAT: {
      const queue = table.find(id);
      queue.requireRead(who);
      msgStat(call, queue, address);
      return 0;
    }
    case MSG_STAT:
    case MSG_STAT_ANY: {
      const queue = table.at(id);
      if (command === MSG_STAT) queue.requireRead(who);
      msgStat(call, queue, address);
      return queue.id;
    }
    case IPC.SET: {
      const wanted = structs.msqidDs.read(call.memory, address);
      const queue = table.find(id);
      queue.requireOwner(who);
      const limit = Number(wanted.msg_qbytes);
      // Only root makes a queue larger than they are at first (msgctl(2)).
      if (limit > MSG_LIMITS.queue && !who.credentials.isPrivileged) throw errno.EPERM;
      table.change(queue, changed(wanted));
      queue.limit = limit;
      queue.changed.wake();
      return 0;
    }
    case IPC.RMID:
      messageQueues.remove(table.find(id), who);
      return 0;
    case IPC.INFO:
    case MSG_INFO: {
      const live = command === MSG_INFO;
      const sum = (of: (queue: MessageQueue) => number): number =>
        table.all.reduce((total, queue) => total + of(queue), 0);
      structs.msginfo.write(call.memory, address, {
        msgpool: live ? table.all.length : 0x7a1200,
        msgmap: live ? sum(({ messages }) => messages.length) : MSG_LIMITS.queue,
        msgmax: MSG_LIMITS.message,
        msgmnb: MSG_LIMITS.queue,
        msgmni: MSG_LIMITS.queues,
        msgssz: 16,
        msgtql: live ? sum(({ bytes }) => bytes) : MSG_LIMITS.queue,
        msgseg: 0xffff,
      });
      return table.highestIndex;
    }
    default:
      throw errno.EINVAL;
  }
}

// ── ipc(2) ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** A command for the structs with wide ids, the only ones here: the old ones went out of use with Linux 2.4. */
const IPC_64 = 0x100;

function command64(command: number): number {
  // Commands without a struct come with or without the bit.
  if ((command & IPC_64) === 0 && (command === IPC.STAT || command === IPC.SET)) throw errno.EINVAL;
  return command & ~IPC_64;
}

function ipc(
  call: SyscallContext,
  what: number,
  first: number,
  second: number,
  third: number,
  pointer: number,
  fifth: number,
): number | Wait<number> {
  const version = what >>> 16;
  const { ipc: objects } = call.kernel;
  const who = caller(call);
  switch (what & 0xffff) {
    case 1:
      return semop(call, first, pointer, second >>> 0, null);
    case 2:
      return objects.semaphores.get(first, second, third, who);
    case 3:
      if (pointer === 0) throw errno.EINVAL;
      return semctl(call, first, second, command64(third), call.memory.readU32(pointer));
    case 4:
      return semtimedop(call, first, pointer, second >>> 0, fifth >>> 0, call.abi.word === 8);
    case 11:
      return msgsnd(call, first, pointer, second >>> 0, third);
    case 12: {
      if (version !== 0) return msgrcv(call, first, pointer, second >>> 0, fifth, third);
      // struct ipc_kludge: the buffer and the type, as one call once needed more arguments than there were.
      if (pointer === 0) throw errno.EINVAL;
      const buffer = call.memory.readU32(pointer);
      return msgrcv(call, first, buffer, second >>> 0, call.memory.readS32(pointer + 4), third);
    }
    case 13:
      return objects.messageQueues.get(first, second, who);
    case 14:
      return msgctl(call, first, command64(second), pointer);
    case 21: {
      if (version === 1) throw errno.EINVAL;
      call.memory.check(third >>> 0, call.abi.word, "write");
      call.memory.writeU32(third >>> 0, shmat(call, first, pointer, second));
      return 0;
    }
    case 22:
      return shmdt(call, pointer);
    case 23:
      return objects.sharedMemory.get(first, second >>> 0, third, who);
    case 24:
      return shmctl(call, first, command64(second), pointer);
    default:
      throw errno.ENOSYS;
  }
}

const SHARED_NOTE =
  "without the host's MMU (--no-ffi) attachments of one segment meet only when one of them is detached";

export const IPC_ROWS: readonly SyscallRow[] = [
  full("shmget", [arg.hexadecimal, arg.size, arg.hexadecimal], (call, key, size, flags) =>
    call.kernel.ipc.sharedMemory.get(key | 0, size, flags, caller(call)),
  ),
  partial("shmat", [arg.int, arg.pointer, arg.hexadecimal], SHARED_NOTE, shmat, "hex"),
  full("shmdt", [arg.pointer], shmdt),
  full("shmctl", [arg.int, arg.int, arg.pointer], shmctl),
  full("semget", [arg.hexadecimal, arg.int, arg.hexadecimal], (call, key, count, flags) =>
    call.kernel.ipc.semaphores.get(key | 0, count, flags, caller(call)),
  ),
  full("semctl", [arg.int, arg.int, arg.int, arg.pointer], semctl),
  full("semop", [arg.int, arg.structArray("sembuf", 2), arg.uint], (call, id, address, count) =>
    semop(call, id, address, count, null),
  ),
  full(
    "semtimedop",
    [arg.int, arg.structArray("sembuf", 2), arg.uint, arg.pointer],
    (call, id, address, count, timeout) => semtimedop(call, id, address, count, timeout, call.abi.word === 8),
  ),
  full(
    "semtimedop_time64",
    [arg.int, arg.structArray("sembuf", 2), arg.uint, arg.structIn("timespec64", "timespec")],
    (call, id, address, count, timeout) => semtimedop(call, id, address, count, timeout, true),
  ),
  full("msgget", [arg.hexadecimal, arg.hexadecimal], (call, key, flags) =>
    call.kernel.ipc.messageQueues.get(key | 0, flags, caller(call)),
  ),
  full("msgsnd", [arg.int, arg.pointer, arg.size, arg.hexadecimal], msgsnd),
  partial("msgrcv", [arg.int, arg.pointer, arg.size, arg.long, arg.hexadecimal], "MSG_COPY is ENOSYS", msgrcv),
  full("msgctl", [arg.int, arg.int, arg.pointer], msgctl),
  partial(
    "ipc",
    [arg.hexadecimal, arg.int, arg.int, arg.int, arg.pointer, arg.long],
    `structs of IPC_64 only; ${SHARED_NOTE}`,
    ipc,
  ),
];
