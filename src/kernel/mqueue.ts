/** POSIX message queues, mq_overview(7): files in a file system of their own, which /dev/mqueue shows. */
import { realtime } from "../host/clock.ts";
import type { Credentials } from "./credentials.ts";
import { errno } from "./errno.ts";
import type { ByteString } from "./fs/byte-string.ts";
import { Dentry, Mount, Path } from "./fs/dentry.ts";
import { DirectoryDescription } from "./fs/directory.ts";
import { FileDescription } from "./fs/file-description.ts";
import { ACCESS, O, POLL, S, direntType } from "./fs/flags.ts";
import { Inode, anonymousDevice, plainStat } from "./fs/inode.ts";
import type { Attributes, Creation, FileSystem, ListedName, Stat, StatFs } from "./fs/inode.ts";
import { require } from "./fs/permission.ts";
import { emptyStatFs } from "./fs/static-directory.ts";
import type { Process } from "./process.ts";
import { SI_MESGQ, SI_MIPS_MESGQ } from "./siginfo.ts";
import { sendToProcess } from "./signal-sending.ts";
import type { Task } from "./task.ts";
import { Wait, WaitQueue } from "./wait.ts";

const MQUEUE_MAGIC = 0x19800202;
/** /proc/sys/fs/mqueue: queues_max, and what an unprivileged process may ask for. */
const MOST_QUEUES = 256;
const MOST_MESSAGES = 10;
const LARGEST_MESSAGE = 8192;
/** What root may ask for (HARD_MSGMAX, HARD_MSGSIZEMAX), if there is room for it. */
const HARD_MESSAGES = 65536;
const HARD_MESSAGE = 16 << 20;
/** Linux accounts this much beside the bytes of a message. */
const OVERHEAD = 48;
export const PRIORITIES = 32768;

export interface QueueSize {
  /** Messages that fit, and bytes of the largest one. */
  readonly messages: number;
  readonly bytes: number;
}

/** mq_notify(2); null: registered, but nothing is sent. */
export interface Notice {
  readonly signal: number;
  readonly value: number;
}

interface Message {
  readonly priority: number;
  readonly bytes: Uint8Array;
}

class MessageQueue extends Inode {
  readonly fs: MqueueFs;
  readonly type = S.IFREG;
  readonly size: QueueSize;
  readonly #ino: bigint;
  #attributes: { mode: number; uid: number; gid: number; atime: bigint; mtime: bigint };
  /** The next to be received first. */
  readonly messages: Message[] = [];
  readonly changed = new WaitQueue();
  /** Tasks that wait for a message: while there are any, nobody is notified. */
  receivers = 0;
  #registered: {
    readonly process: Process;
    readonly by: MessageQueueDescription;
    readonly notice: Notice | null;
  } | null = null;

  constructor(fs: MqueueFs, ino: bigint, size: QueueSize, how: Creation) {
    super();
    this.fs = fs;
    this.size = size;
    this.#ino = ino;
    const time = realtime();
    this.#attributes = { mode: how.mode & 0o7777, uid: how.uid, gid: how.gid, atime: time, mtime: time };
  }

  override stat(): Stat {
    const { mode, mtime, ...rest } = this.#attributes;
    return plainStat({
      dev: this.fs.dev,
      ino: this.#ino,
      mode: S.IFREG | mode,
      size: 80,
      mtime,
      ctime: mtime,
      ...rest,
    });
  }
  override setAttributes(changes: Attributes): void {
    const { size: _size, ...others } = changes;
    this.#attributes = { ...this.#attributes, ...others };
  }
  override open(path: Path, flags: number): FileDescription {
    return new MessageQueueDescription(path, flags, this);
  }

  get isFull(): boolean {
    return this.messages.length >= this.size.messages;
  }

  add(sender: Task, message: Message): void {
    const behind = this.messages.findIndex(({ priority }) => priority < message.priority);
    this.messages.splice(behind === -1 ? this.messages.length : behind, 0, message);
    if (this.messages.length === 1 && this.receivers === 0) this.#notify(sender);
    this.changed.wake();
  }

  #notify(sender: Task): void {
    const registered = this.#registered;
    if (registered === null) return;
    this.#registered = null;
    const { process, notice } = registered;
    if (notice === null || process.exit !== null) return;
    sendToProcess(process, {
      signal: notice.signal,
      errno: 0,
      code: process.kernel.architecture === "mips" ? SI_MIPS_MESGQ : SI_MESGQ,
      fields: { kind: "queue", pid: sender.process.pid, uid: sender.credentials.uid, value: notice.value },
    });
  }

  /** Throws EBUSY where another process is registered. */
  register(process: Process, by: MessageQueueDescription, notice: Notice | null): void {
    if (this.#registered !== null && this.#registered.process.exit === null) throw errno.EBUSY;
    this.#registered = { process, by, notice };
  }
  unregister(process: Process): void {
    if (this.#registered?.process === process) this.#registered = null;
  }
  closed(by: MessageQueueDescription): void {
    if (this.#registered?.by === by) this.#registered = null;
  }

  get state(): string {
    const size = this.messages.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const registered = this.#registered;
    const pad = (value: number, width: number): string => String(value).padEnd(width);
    const how = registered === null ? 0 : registered.notice === null ? 1 : 0;
    const pid = registered?.process.pid ?? 0;
    return `QSIZE:${pad(size, 10)} NOTIFY:${pad(how, 5)} SIGNO:${pad(registered?.notice?.signal ?? 0, 5)} NOTIFY_PID:${pad(pid, 6)}\n`;
  }
}

/** What mq_open(3) gives. */
export class MessageQueueDescription extends FileDescription {
  readonly #queue: MessageQueue;

  constructor(path: Path, flags: number, queue: MessageQueue) {
    super(path, flags);
    this.#queue = queue;
  }

  get size(): QueueSize {
    return this.#queue.size;
  }
  get held(): number {
    return this.#queue.messages.length;
  }

  /** mq_timedsend(2). Throws EBADF, EMSGSIZE, EAGAIN, ETIMEDOUT. */
  send(task: Task, message: Message, deadline: () => bigint | null): number | Wait<number> {
    const queue = this.#queue;
    if (!this.writable) throw errno.EBADF;
    if (message.bytes.length > queue.size.bytes) throw errno.EMSGSIZE;
    const attempt = (): boolean => {
      if (queue.isFull) return false;
      queue.add(task, message);
      return true;
    };
    if (attempt()) return 0;
    if (this.nonBlocking) throw errno.EAGAIN;
    const wait: Wait<number> = new Wait<number>([queue.changed], deadline(), (reason) => {
      if (attempt()) return 0;
      if (reason === "timeout") throw errno.ETIMEDOUT;
      if (reason === "signal") throw errno.ERESTARTSYS;
      return wait;
    });
    return wait;
  }

  /** mq_timedreceive(2) into at least as many bytes as a message may have. Throws EBADF, EMSGSIZE, EAGAIN, ETIMEDOUT. */
  receive(room: number, deadline: () => bigint | null): Message | Wait<Message> {
    const queue = this.#queue;
    if (!this.readable) throw errno.EBADF;
    if (room < queue.size.bytes) throw errno.EMSGSIZE;
    const take = (): Message | undefined => {
      const message = queue.messages.shift();
      if (message !== undefined) queue.changed.wake();
      return message;
    };
    const now = take();
    if (now !== undefined) return now;
    if (this.nonBlocking) throw errno.EAGAIN;
    const until = deadline();
    queue.receivers++;
    const over = (): void => {
      queue.receivers--;
    };
    const resume: Wait<Message>["resume"] = (reason) => {
      const message = take();
      if (message === undefined && reason === "woken") return wait;
      over();
      if (message !== undefined) return message;
      throw reason === "timeout" ? errno.ETIMEDOUT : errno.ERESTARTSYS;
    };
    const wait = new Wait<Message>([queue.changed], until, resume, over);
    return wait;
  }

  /** mq_notify(2). Throws EBUSY. */
  register(process: Process, notice: Notice | null): void {
    this.#queue.register(process, this, notice);
  }
  unregister(process: Process): void {
    this.#queue.unregister(process);
  }

  /** read(2) tells of the queue and takes nothing. */
  #state = 0;
  protected override tryRead(into: Uint8Array): number {
    const text = Buffer.from(this.#queue.state).subarray(this.#state, this.#state + into.length);
    into.set(text);
    this.#state += text.length;
    return text.length;
  }
  override poll(): number {
    const { messages, isFull } = this.#queue;
    return (messages.length > 0 ? POLL.IN | POLL.RDNORM : 0) | (isFull ? 0 : POLL.OUT | POLL.WRNORM);
  }
  override waitQueue(): WaitQueue {
    return this.#queue.changed;
  }
  override get pollable(): boolean {
    return true;
  }
  protected override close(): void {
    this.#queue.closed(this);
  }
}

class QueueDirectory extends Inode {
  override readonly fs: MqueueFs;
  readonly type = S.IFDIR;
  readonly #queues = new Map<ByteString, MessageQueue>();
  #lastIno = 1n;

  constructor(fs: MqueueFs) {
    super();
    this.fs = fs;
  }
  override stat(): Stat {
    return plainStat({ dev: this.fs.dev, ino: 1n, mode: S.IFDIR | S.ISVTX | 0o777, nlink: 2 });
  }
  override lookup(name: ByteString): MessageQueue | null {
    return this.#queues.get(name) ?? null;
  }
  override list(): readonly ListedName[] {
    return [...this.#queues].map(([name, queue]) => ({ name, ino: queue.stat().ino, type: direntType(queue.type) }));
  }
  override open(path: Path, flags: number): FileDescription {
    return new DirectoryDescription(path, flags);
  }
  /** Throws ENOSPC. */
  override create(name: ByteString, how: Creation): MessageQueue {
    return this.createSized(name, how, { messages: MOST_MESSAGES, bytes: LARGEST_MESSAGE });
  }
  createSized(name: ByteString, how: Creation, size: QueueSize): MessageQueue {
    if (this.#queues.size >= MOST_QUEUES) throw errno.ENOSPC;
    const queue = new MessageQueue(this.fs, ++this.#lastIno, size, how);
    this.#queues.set(name, queue);
    return queue;
  }
  override unlink(name: ByteString): void {
    this.#queues.delete(name);
  }

  /** Bytes that the user's queues may take at most (RLIMIT_MSGQUEUE). */
  takenBy(uid: number): number {
    let bytes = 0;
    for (const queue of this.#queues.values()) if (queue.stat().uid === uid) bytes += costOf(queue.size);
    return bytes;
  }
}

const costOf = ({ messages, bytes }: QueueSize): number => messages * (bytes + OVERHEAD);

/** What mq_open(2) is asked for; flags: O. */
export interface QueueRequest {
  readonly flags: number;
  /** Without the type, umask applied. */
  readonly mode: number;
  /** Null: the default size. */
  readonly size: QueueSize | null;
  readonly credentials: Credentials;
  /** RLIMIT_MSGQUEUE */
  readonly limit: number;
}

export class MqueueFs implements FileSystem {
  readonly type = "mqueue";
  readonly dev = anonymousDevice();
  readonly volatile = true;
  readonly root = new QueueDirectory(this);

  statfs(): StatFs {
    return emptyStatFs(MQUEUE_MAGIC);
  }

  /** mq_open(3). Throws ENOENT, EEXIST, EACCES, EINVAL, EMFILE, ENOSPC, ENAMETOOLONG. */
  openQueue(name: ByteString, request: QueueRequest): FileDescription {
    checkName(name);
    const { flags, credentials } = request;
    let queue = this.root.lookup(name);
    if (queue === null) {
      if ((flags & O.CREAT) === 0) throw errno.ENOENT;
      queue = this.#create(name, request);
    } else {
      if ((flags & O.CREAT) !== 0 && (flags & O.EXCL) !== 0) throw errno.EEXIST;
      const access = flags & O.ACCMODE;
      if (access === O.ACCMODE) throw errno.EINVAL;
      const want = (access !== O.WRONLY ? ACCESS.R_OK : 0) | (access !== O.RDONLY ? ACCESS.W_OK : 0);
      require(queue, want, credentials);
    }
    const dentry = new Dentry(null, `/${name}`, queue);
    return queue.open(new Path(new Mount(this, dentry, null), dentry), flags);
  }

  #create(name: ByteString, { mode, size, credentials, limit }: QueueRequest): MessageQueue {
    const { user, group, isPrivileged } = credentials;
    const wanted = size ?? { messages: MOST_MESSAGES, bytes: LARGEST_MESSAGE };
    const [messages, bytes] = isPrivileged ? [HARD_MESSAGES, HARD_MESSAGE] : [MOST_MESSAGES, LARGEST_MESSAGE];
    if (wanted.messages <= 0 || wanted.bytes <= 0) throw errno.EINVAL;
    if (wanted.messages > messages || wanted.bytes > bytes) throw errno.EINVAL;
    if (this.root.takenBy(user.fs) + costOf(wanted) > limit) throw errno.EMFILE;
    return this.root.createSized(name, { mode, uid: user.fs, gid: group.fs }, wanted);
  }

  /** mq_unlink(3): who has it open goes on with it. Throws ENOENT, EACCES. */
  unlinkQueue(name: ByteString, credentials: Credentials): void {
    checkName(name);
    const queue = this.root.lookup(name);
    if (queue === null) throw errno.ENOENT;
    if (!credentials.isPrivileged && queue.stat().uid !== credentials.user.fs) throw errno.EACCES;
    this.root.unlink(name);
  }
}

function checkName(name: ByteString): void {
  if (name.length > 255) throw errno.ENAMETOOLONG;
  if (name === "") throw errno.ENOENT;
  if (name.includes("/") || name === "." || name === "..") throw errno.EACCES;
}
