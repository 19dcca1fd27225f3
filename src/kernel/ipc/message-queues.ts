/** System V message queues (msgop(2)). */
import { errno } from "../errno.ts";
import type { Quota } from "../fs/sparse-bytes.ts";
import { Wait, WaitQueue } from "../wait.ts";
import { IPC, IpcObject, IpcTable } from "./objects.ts";
import type { Birth, IpcCaller, IpcClock } from "./objects.ts";

/** Linux's limits, as msgctl(IPC_INFO) gives them: queues, bytes of a message, bytes of a queue at first. */
export const MSG_LIMITS = { queues: 32000, message: 8192, queue: 16384 } as const;
export const MSG = { NOERROR: 0o10000, EXCEPT: 0o20000, COPY: 0o40000 } as const;
/** What an empty message takes of the run's memory, about. */
const BYTES = 64;

export interface Message {
  /** At least 1. */
  readonly type: number;
  readonly text: Uint8Array;
}

export class MessageQueue extends IpcObject {
  readonly messages: Message[] = [];
  /** Bytes of text in it, and how many there may be. */
  bytes = 0;
  limit: number = MSG_LIMITS.queue;
  lastSender = 0;
  lastReceiver = 0;
  /** Seconds since the epoch; 0: never. */
  sendTime = 0n;
  receiveTime = 0n;
  readonly changed = new WaitQueue();

  constructor(birth: Birth) {
    super(birth);
  }
}

export class MessageQueues {
  readonly #queues: IpcTable<MessageQueue>;
  readonly #quota: Quota;

  constructor(clock: IpcClock, quota: Quota) {
    this.#queues = new IpcTable(clock, MSG_LIMITS.queues);
    this.#quota = quota;
  }

  get table(): IpcTable<MessageQueue> {
    return this.#queues;
  }

  /** msgget(2) */
  get(key: number, flags: number, caller: IpcCaller): number {
    return this.#queues.get(
      key,
      flags,
      caller,
      () => undefined,
      (birth) => new MessageQueue(birth),
    ).id;
  }

  /** IPC_RMID */
  remove(queue: MessageQueue, caller: IpcCaller): void {
    queue.requireOwner(caller);
    queue.removed = true;
    this.#queues.remove(queue);
    for (const { text } of queue.messages) this.#quota.give(text.length + BYTES);
    queue.messages.length = 0;
    queue.changed.wake();
  }

  /** msgsnd(2). Throws EAGAIN, EINVAL, EACCES, EIDRM, ENOMEM. */
  send(id: number, message: Message, noWait: boolean, caller: IpcCaller): number | Wait<number> {
    const { type, text } = message;
    if (text.length > MSG_LIMITS.message || type < 1) throw errno.EINVAL;
    const queue = this.#queues.find(id);
    const attempt = (): boolean => {
      queue.requireWrite(caller);
      if (queue.bytes + text.length > queue.limit || queue.messages.length + 1 > queue.limit) return false;
      if (this.#quota.used + text.length + BYTES > this.#quota.limit) throw errno.ENOMEM;
      this.#quota.take(text.length + BYTES);
      queue.messages.push(message);
      queue.bytes += text.length;
      queue.lastSender = caller.pid;
      queue.sendTime = this.#queues.now;
      queue.changed.wake();
      return true;
    };
    if (attempt()) return 0;
    if (noWait) throw errno.EAGAIN;
    const wait: Wait<number> = new Wait([queue.changed], null, (reason) => {
      if (queue.removed) throw errno.EIDRM;
      if (attempt()) return 0;
      if (reason === "signal") throw errno.ERESTARTNOHAND;
      return wait;
    });
    return wait;
  }

  /**
   * msgrcv(2): a message of `type` (0: the first; negative: the lowest type up to its value; with `except` any other), of
   * at most `size` bytes or, with `noError`, cut to that. Throws ENOMSG, E2BIG, EACCES, EIDRM.
   */
  receive(id: number, size: number, type: number, flags: number, caller: IpcCaller): Message | Wait<Message> {
    const queue = this.#queues.find(id);
    queue.requireRead(caller);
    const attempt = (): Message | null => {
      const index = select(queue.messages, type, (flags & MSG.EXCEPT) !== 0);
      const message = queue.messages[index];
      if (message === undefined) return null;
      if (message.text.length > size && (flags & MSG.NOERROR) === 0) throw errno.E2BIG;
      queue.messages.splice(index, 1);
      queue.bytes -= message.text.length;
      this.#quota.give(message.text.length + BYTES);
      queue.lastReceiver = caller.pid;
      queue.receiveTime = this.#queues.now;
      queue.changed.wake();
      return message.text.length > size ? { type: message.type, text: message.text.subarray(0, size) } : message;
    };
    const now = attempt();
    if (now !== null) return now;
    if ((flags & IPC.NOWAIT) !== 0) throw errno.ENOMSG;
    const wait: Wait<Message> = new Wait([queue.changed], null, (reason) => {
      if (queue.removed) throw errno.EIDRM;
      const message = attempt();
      if (message !== null) return message;
      if (reason === "signal") throw errno.ERESTARTNOHAND;
      return wait;
    });
    return wait;
  }
}

/** The place of the message that msgrcv(2) takes; -1 if there is none. */
function select(messages: readonly Message[], type: number, except: boolean): number {
  if (type === 0) return messages.length > 0 ? 0 : -1;
  if (type > 0) return messages.findIndex((message) => (message.type === type) !== except);
  let best = -1;
  let lowest = -type + 1;
  messages.forEach((message, index) => {
    if (message.type >= lowest) return;
    lowest = message.type;
    best = index;
  });
  return best;
}
