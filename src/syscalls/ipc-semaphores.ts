/** System V semaphores: semop(2), semctl(2). */
import { errno } from "../kernel/errno.ts";
import { IPC } from "../kernel/ipc/objects.ts";
import { SEM_LIMITS } from "../kernel/ipc/semaphores.ts";
import type { SemaphoreSet } from "../kernel/ipc/semaphores.ts";
import type { Wait } from "../kernel/wait.ts";
import type { SyscallContext } from "./context.ts";
import { caller, changed, high, permissions } from "./ipc-objects.ts";
import { timespecTimeout } from "./timeouts.ts";

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

export function semop(
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

export function semtimedop(
  call: SyscallContext,
  id: number,
  address: number,
  count: number,
  timeout: number,
  wide: boolean,
) {
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
export function semctl(call: SyscallContext, id: number, index: number, command: number, argument: number): number {
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
