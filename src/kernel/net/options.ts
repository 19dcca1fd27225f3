/** What setsockopt(2) sets and the kernel acts on; every other option is a number that is kept and told (`kept`). */

/** net.core.wmem_default and wmem_max: what Linux has where nobody changed it. */
const BUFFER_DEFAULT = 212_992;
const BUFFER_MAX = 212_992;
/** Smallest sizes that setsockopt(2) can set, as getsockopt(2) tells them. */
const SEND_MIN = 4608;
const RECEIVE_MIN = 2304;
/** tcp_wmem and tcp_rmem: a connection's buffers as they begin; they grow, up to `TCP_GROWN`. */
const TCP_SEND = 16_384;
const TCP_RECEIVE = 131_072;
const TCP_GROWN = 1 << 20;

export class SocketOptions {
  reuseAddress = false;
  reusePort = false;
  keepAlive = false;
  broadcast = false;
  outOfBandInline = false;
  passCredentials = false;
  /** SO_TIMESTAMP, SO_TIMESTAMPNS: the time of arrival comes with each message. */
  timestamps: "none" | "microseconds" | "nanoseconds" = "none";
  /** Seconds that close(2) waits for what is unsent; null: SO_LINGER is off. */
  linger: number | null = null;
  /** Nanoseconds; 0: no limit. */
  receiveTimeout = 0n;
  sendTimeout = 0n;
  receiveLowWater = 1;
  v6Only = false;
  packetInfo = false;
  packetInfo6 = false;
  /** IP_RECVTTL, IP_RECVTOS, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS: that of a packet's header comes with each message. */
  hops = false;
  trafficClass = false;
  hops6 = false;
  trafficClass6 = false;
  /** By the name of the option. */
  readonly kept = new Map<string, number>();
  #sendBuffer: number | null = null;
  #receiveBuffer: number | null = null;
  readonly #isTcp: boolean;

  constructor(isTcp: boolean) {
    this.#isTcp = isTcp;
  }

  /** SO_SNDBUF in bytes: twice what was set, as Linux counts its own overhead in. */
  get sendBuffer(): number {
    return this.#sendBuffer ?? (this.#isTcp ? TCP_SEND : BUFFER_DEFAULT);
  }
  setSendBuffer(bytes: number): void {
    this.#sendBuffer = Math.max(Math.min(bytes, BUFFER_MAX) * 2, SEND_MIN);
  }
  get receiveBuffer(): number {
    return this.#receiveBuffer ?? (this.#isTcp ? TCP_RECEIVE : BUFFER_DEFAULT);
  }
  setReceiveBuffer(bytes: number): void {
    this.#receiveBuffer = Math.max(Math.min(bytes, BUFFER_MAX) * 2, RECEIVE_MIN);
  }

  /** How much a TCP connection has under way from a socket with these options to one with `receiver`'s. */
  inFlight(receiver: SocketOptions): number {
    const send = this.#sendBuffer ?? TCP_GROWN / 2;
    const receive = receiver.#receiveBuffer ?? TCP_GROWN / 2;
    return send + receive;
  }

  /** An accepted connection begins with its listener's options. */
  inherit(from: SocketOptions): void {
    const { kept } = from;
    for (const [name, value] of kept) this.kept.set(name, value);
    const { reuseAddress, reusePort, keepAlive, outOfBandInline, linger, receiveTimeout, sendTimeout, v6Only } = from;
    Object.assign(this, { reuseAddress, reusePort, keepAlive, outOfBandInline, linger, receiveTimeout, sendTimeout });
    this.v6Only = v6Only;
    this.receiveLowWater = from.receiveLowWater;
    this.#sendBuffer = from.#sendBuffer;
    this.#receiveBuffer = from.#receiveBuffer;
  }
}
