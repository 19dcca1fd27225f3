/** System V message queues: msgsnd(2), msgrcv(2), msgctl(2). */
import { errno } from "../kernel/errno.ts";
import { IPC } from "../kernel/ipc/objects.ts";
import { MSG, MSG_LIMITS } from "../kernel/ipc/message-queues.ts";
import type { Message, MessageQueue } from "../kernel/ipc/message-queues.ts";
import { Wait } from "../kernel/wait.ts";
import type { SyscallContext } from "./context.ts";
import { caller, changed, high, permissions } from "./ipc-objects.ts";

const MSG_STAT = 11;
const MSG_INFO = 12;
const MSG_STAT_ANY = 13;

export function msgsnd(
  call: SyscallContext,
  id: number,
  address: number,
  size: number,
  flags: number,
): number | Wait<number> {
  if (size > MSG_LIMITS.message || id < 0) throw errno.EINVAL;
  const type = call.memory.readS32(address);
  const text = call.memory.readBytes(address + call.abi.word, size);
  return call.kernel.ipc.messageQueues.send(id, { type, text }, (flags & IPC.NOWAIT) !== 0, caller(call));
}

export function msgrcv(
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

export function msgctl(call: SyscallContext, id: number, command: number, address: number): number {
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
