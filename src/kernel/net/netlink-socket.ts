/** netlink(7): questions to the kernel, and its answers, as messages. How they are laid out is the ABI's (`answer`). */
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import { POLL } from "../fs/flags.ts";
import type { NetlinkAddress, SocketAddress } from "./address.ts";
import { MSG, type Outgoing, type Received } from "./message.ts";
import type { Network } from "./network.ts";
import { ReceiveQueue } from "./receive-queue.ts";
import { Socket, type SocketCaller, type SocketType } from "./socket.ts";

/** What the kernel says to a request: a message each. `port`: the asking socket's. */
export type NetlinkAnswer = (request: Uint8Array, port: number) => readonly Uint8Array[];

/** The kernel's own address. */
const KERNEL: NetlinkAddress = { family: "netlink", pid: 0, groups: 0 };

export class NetlinkSocket extends Socket {
  readonly family = "netlink";
  readonly #incoming = new ReceiveQueue(this.network.inFlight);
  readonly #answer: NetlinkAnswer;
  #local: NetlinkAddress = KERNEL;

  constructor(network: Network, type: SocketType, credentials: Credentials, flags: number, answer: NetlinkAnswer) {
    super(network, type, 0, credentials, flags);
    this.#answer = answer;
  }

  override localAddress(): NetlinkAddress {
    return this.#local;
  }
  override peerAddress(): NetlinkAddress {
    return KERNEL;
  }

  override bind(address: SocketAddress, caller: SocketCaller): number {
    if (address.family !== "netlink") throw errno.EINVAL;
    const { ports } = this.network.netlink;
    if (this.#local.pid !== 0 && address.pid !== 0 && address.pid !== this.#local.pid) throw errno.EINVAL;
    if (this.#local.pid === 0) {
      if (address.pid !== 0 && ports.has(address.pid)) throw errno.EADDRINUSE;
      this.#take(address.pid === 0 ? this.network.netlink.freePort(caller.pid) : address.pid);
    }
    // Nothing ever changes, so no group ever hears anything.
    this.#local = { ...this.#local, groups: address.groups };
    return 0;
  }

  #take(port: number): void {
    this.network.netlink.ports.add(port);
    this.#local = { family: "netlink", pid: port, groups: 0 };
  }

  override connect(address: SocketAddress): number {
    if (address.family === "unspecified") return 0;
    if (address.family !== "netlink") throw errno.EINVAL;
    if (address.pid !== 0) throw errno.EPERM;
    return 0;
  }

  protected override trySend(message: Outgoing): number {
    const { to, bytes, sender } = message;
    if (to !== null && to.family !== "netlink") throw errno.EINVAL;
    if (to !== null && to.pid !== 0) throw errno.ECONNREFUSED;
    if (this.#local.pid === 0) this.#take(this.network.netlink.freePort(sender.pid));
    for (const answer of this.#answer(bytes.slice(), this.#local.pid)) {
      if (this.#incoming.charge > this.options.receiveBuffer) break;
      this.#incoming.pushMessage(answer, { from: KERNEL, sender: { pid: 0, uid: 0, gid: 0 } });
    }
    this.readQueue.wake();
    return bytes.length;
  }

  protected override tryReceive(into: readonly Uint8Array[], flags: number): Received | null {
    return this.#incoming.takeMessage(into, (flags & MSG.PEEK) !== 0);
  }

  override poll(): number {
    return POLL.OUT | POLL.WRNORM | POLL.WRBAND | (this.#incoming.length > 0 ? POLL.IN | POLL.RDNORM : 0);
  }

  protected override close(): void {
    this.#incoming.clear();
    this.network.netlink.ports.delete(this.#local.pid);
  }
}

/** Which port numbers are taken: a process's first socket gets its pid. */
export class NetlinkPorts {
  readonly ports = new Set<number>();
  #next = 0xffff_f000;

  freePort(pid: number): number {
    if (!this.ports.has(pid)) return pid;
    while (this.ports.has(this.#next)) this.#next--;
    return this.#next;
  }
}
