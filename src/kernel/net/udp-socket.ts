/** udp(7), udplite(7). Datagrams inside the run go straight into the receiver's queue; a full queue loses them. */
import type { Credentials } from "../credentials.ts";
import { errno, type Errno } from "../errno.ts";
import { POLL } from "../fs/flags.ts";
import type { Wait } from "../wait.ts";
import { fromEndpoint, isAny, isIp6, isMulticast, toEndpoint } from "./address.ts";
import type { Endpoint, InetAddress, SocketAddress } from "./address.ts";
import { InetName } from "./inet-name.ts";
import { END_OF_STREAM, MSG, type Outgoing, type PacketHeader, type Received } from "./message.ts";
import type { Network } from "./network.ts";
import type { PortHolder } from "./ports.ts";
import { ReceiveQueue } from "./receive-queue.ts";
import { Socket, type SocketCaller } from "./socket.ts";

export const IPPROTO_UDP = 17;
export const IPPROTO_UDPLITE = 136;
export type DatagramProtocol = typeof IPPROTO_UDP | typeof IPPROTO_UDPLITE;
const UDP_HEADER = 8;
/** What packets have where no option says otherwise; to a group they are for this network only. */
const HOPS = 64;
const GROUP_HOPS = 1;
/** What an IPv4 packet has room for. */
const MAX_DATAGRAM = 65_507;

export class UdpSocket extends Socket implements PortHolder {
  readonly family: InetAddress["family"];
  readonly name: InetName<UdpSocket>;
  readonly #incoming = new ReceiveQueue(this.network.inFlight);
  #remote: Endpoint | null = null;
  /** Multicast groups that it belongs to. */
  readonly groups = new Set<string>();

  constructor(
    network: Network,
    family: InetAddress["family"],
    protocol: DatagramProtocol,
    credentials: Credentials,
    flags: number,
  ) {
    super(network, "datagram", protocol, credentials, flags);
    this.family = family;
    this.name = new InetName(network.datagramPorts[protocol], this, family);
  }

  /** UDP-Lite is known inside the run only: Node has no such sockets. */
  get isLite(): boolean {
    return this.protocol === IPPROTO_UDPLITE;
  }

  get local(): Endpoint {
    return this.name.local;
  }
  get remote(): Endpoint | null {
    return this.#remote;
  }
  get user(): number {
    return this.creator.euid;
  }
  override localAddress(): InetAddress {
    return this.name.address;
  }
  override peerAddress(): InetAddress {
    if (this.#remote === null) throw errno.ENOTCONN;
    return fromEndpoint(this.#remote, this.family);
  }

  override bind(address: SocketAddress, caller: SocketCaller): number | Wait<number> {
    this.name.bind(address, caller, (ip) => this.network.isOurs(ip));
    return this.isLite ? 0 : this.network.host.bind(this);
  }

  override connect(address: SocketAddress): number {
    if (address.family === "unspecified") {
      this.#remote = null;
      this.name.widen();
      return 0;
    }
    const to = this.#reachable(address);
    this.#takePort();
    this.name.narrow(this.network.sourceFor(to.ip));
    this.#remote = to;
    this.wakeAll();
    return 0;
  }

  #takePort(): void {
    if (!this.name.isBound) this.name.take({ ip: this.local.ip, port: 0 });
  }

  /** Throws EAFNOSUPPORT, ENETUNREACH. */
  #reachable(address: SocketAddress): Endpoint {
    const to = this.network.destination(toEndpoint(address));
    if (this.family === "inet" && isIp6(to.ip)) throw errno.EAFNOSUPPORT;
    if (this.family === "inet6" && !isIp6(to.ip) && this.options.v6Only) throw errno.ENETUNREACH;
    this.network.requireRoute(to);
    if (this.isLite && !this.network.isOurs(to.ip)) throw errno.ENETUNREACH;
    return to;
  }

  protected override trySend(message: Outgoing): number {
    const { bytes, flags } = message;
    if ((flags & MSG.OOB) !== 0) throw errno.EOPNOTSUPP;
    if (bytes.length > MAX_DATAGRAM) throw errno.EMSGSIZE;
    const to = message.to === null ? this.#remote : this.#reachable(message.to);
    if (to === null) throw errno.EDESTADDRREQ;
    if (to.port === 0) throw errno.EINVAL;
    if (this.sendShut) throw errno.EPIPE;
    this.throwPendingError();
    this.#takePort();
    this.network.sendDatagram(this, to, bytes, { ...this.#header(to.ip, bytes.length), ...message.header });
    return bytes.length;
  }

  #header(to: string, length: number): PacketHeader {
    // -1: the system's own choice.
    const option = (name: string, usual: number): number => {
      const value = this.options.kept.get(name) ?? -1;
      return value < 0 ? usual : value;
    };
    const [one, group, trafficClass] = isIp6(to)
      ? ["IPV6_UNICAST_HOPS", "IPV6_MULTICAST_HOPS", "IPV6_TCLASS"]
      : ["IP_TTL", "IP_MULTICAST_TTL", "IP_TOS"];
    const covered = option("UDPLITE_SEND_CSCOV", 0);
    return {
      hops: isMulticast(to) ? option(group, GROUP_HOPS) : option(one, HOPS),
      trafficClass: option(trafficClass, 0),
      coverage: covered < UDP_HEADER + length ? covered : 0,
    };
  }

  /** Whether a datagram from `from` for `to` is for this socket; connected ones hear their peer only. */
  hears(from: Endpoint, to: Endpoint): boolean {
    if (isMulticast(to.ip) && !this.groups.has(to.ip)) return false;
    const remote = this.#remote;
    return remote === null || (remote.port === from.port && remote.ip === from.ip);
  }

  /** A datagram from the run or the host, which does not tell its header. */
  arrive(from: Endpoint, to: Endpoint, bytes: Uint8Array, header: PacketHeader | null): void {
    if (header !== null && !this.#isCovered(header)) return;
    if (this.receiveShut || this.#incoming.charge + bytes.length > this.options.receiveBuffer) return;
    const time = this.network.clock.realtime();
    this.#incoming.pushMessage(bytes, { from: fromEndpoint(from, this.family), time, to: to.ip, header });
    this.readQueue.wake();
  }

  /** UDPLITE_RECV_CSCOV: with less of a packet covered it is dropped; 0 wants all of it. */
  #isCovered({ coverage }: PacketHeader): boolean {
    const wanted = this.options.kept.get("UDPLITE_RECV_CSCOV");
    return wanted === undefined || coverage === 0 || (wanted !== 0 && coverage >= wanted);
  }

  /** The host could not send, or says that nobody was there. */
  fail(error: Errno): void {
    this.pendingError = error;
    this.wakeAll();
  }

  /** Nobody was at the port that it sent to: only a connected socket is told. */
  refused(): void {
    if (this.#remote !== null) this.fail(errno.ECONNREFUSED);
  }

  protected override tryReceive(into: readonly Uint8Array[], flags: number): Received | null {
    if ((flags & MSG.OOB) !== 0) throw errno.EOPNOTSUPP;
    this.throwPendingError();
    const got = this.#incoming.takeMessage(into, (flags & MSG.PEEK) !== 0);
    return got ?? (this.receiveShut ? END_OF_STREAM : null);
  }

  override shutdown(receive: boolean, send: boolean): void {
    if (this.#remote === null) throw errno.ENOTCONN;
    this.receiveShut ||= receive;
    this.sendShut ||= send;
    this.wakeAll();
  }

  protected override close(): void {
    this.name.release();
    this.#incoming.clear();
    this.network.host.closeDatagrams(this);
  }

  override available(): number {
    return this.#incoming.firstLength;
  }

  override poll(): number {
    let bits = POLL.OUT | POLL.WRNORM | POLL.WRBAND;
    if (this.pendingError !== null) bits |= POLL.ERR;
    if (this.receiveShut) bits |= POLL.IN | POLL.RDNORM | POLL.RDHUP;
    if (this.receiveShut && this.sendShut) bits |= POLL.HUP;
    if (this.#incoming.length > 0) bits |= POLL.IN | POLL.RDNORM;
    return bits;
  }

  /** Whether a broadcast or multicast address needs an option first (EACCES). */
  get isAnywhere(): boolean {
    return isAny(this.local.ip);
  }
}
