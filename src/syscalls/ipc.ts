/** System V IPC: shared memory, semaphores and message queues, by their own numbers and through ipc(2). */
import { errno } from "../kernel/errno.ts";
import { IPC } from "../kernel/ipc/objects.ts";
import type { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { msgctl, msgrcv, msgsnd } from "./ipc-message-queues.ts";
import { caller } from "./ipc-objects.ts";
import { semctl, semop, semtimedop } from "./ipc-semaphores.ts";
import { shmat, shmctl, shmdt } from "./ipc-shared-memory.ts";
import { full, partial, type SyscallRow } from "./row.ts";

/** Asks for the structs of today. The direct calls know no others; libraries for ARM say it there, too. */
const IPC_64 = 0x100;

/** A command for the structs with wide ids, the only ones here: the old ones went out of use with Linux 2.4. */
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
  full("shmctl", [arg.int, arg.int, arg.pointer], (call, id, command, address) =>
    shmctl(call, id, command & ~IPC_64, address),
  ),
  full("semget", [arg.hexadecimal, arg.int, arg.hexadecimal], (call, key, count, flags) =>
    call.kernel.ipc.semaphores.get(key | 0, count, flags, caller(call)),
  ),
  full("semctl", [arg.int, arg.int, arg.int, arg.pointer], (call, id, index, command, argument) =>
    semctl(call, id, index, command & ~IPC_64, argument),
  ),
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
  full("msgctl", [arg.int, arg.int, arg.pointer], (call, id, command, address) =>
    msgctl(call, id, command & ~IPC_64, address),
  ),
  partial(
    "ipc",
    [arg.hexadecimal, arg.int, arg.int, arg.int, arg.pointer, arg.long],
    `structs of IPC_64 only; ${SHARED_NOTE}`,
    ipc,
  ),
];
