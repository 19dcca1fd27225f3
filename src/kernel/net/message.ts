/** What goes through a socket: bytes, and what may come along with them (sendmsg(2), cmsg(3), unix(7)). */
import type { FileDescription } from "../fs/file-description.ts";
import type { SocketAddress } from "./address.ts";

/** Flags of send(2) and recv(2), the same numbers on every architecture. */
export const MSG = {
  OOB: 0x1,
  PEEK: 0x2,
  DONTROUTE: 0x4,
  CTRUNC: 0x8,
  TRUNC: 0x20,
  DONTWAIT: 0x40,
  EOR: 0x80,
  WAITALL: 0x100,
  CONFIRM: 0x800,
  ERRQUEUE: 0x2000,
  NOSIGNAL: 0x4000,
  MORE: 0x8000,
  WAITFORONE: 0x10000,
  CMSG_CLOEXEC: 0x40000000,
} as const;

/** Who sent it, or who is at the other end: `struct ucred`. */
export interface PeerIdentity {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** What Linux tells where nobody is known: the overflow ids. */
export const NOBODY: PeerIdentity = { pid: 0, uid: 65534, gid: 65534 };

/** What of a packet's headers its receiver may ask about, or goes by. */
export interface PacketHeader {
  /** TTL, or hop limit. */
  readonly hops: number;
  /** TOS, or traffic class. */
  readonly trafficClass: number;
  /** How many bytes of a UDP-Lite packet its checksum covers, the eight of the header among them; 0: all. */
  readonly coverage: number;
}

export interface Outgoing {
  readonly bytes: Uint8Array;
  /** Null: to the peer that the socket is connected to. */
  readonly to: SocketAddress | null;
  readonly sender: PeerIdentity;
  /** SCM_RIGHTS; whoever sends holds them until the call is over. */
  readonly rights: readonly FileDescription[];
  /** Instead of what the socket's options say (IPV6_HOPLIMIT, IP_TOS and the like). */
  readonly header?: Partial<PacketHeader>;
  /** MSG bits. */
  readonly flags: number;
}

export interface Received {
  /** Bytes that were put into the caller's buffers. */
  readonly length: number;
  /** How long the datagram was; `length` on a stream. */
  readonly size: number;
  /** MSG.TRUNC, MSG.EOR, MSG.OOB. */
  readonly flags: number;
  readonly from: SocketAddress | null;
  /** Descriptions that are the caller's now, to keep or to release. */
  readonly rights: readonly FileDescription[];
  readonly sender: PeerIdentity | null;
  /** When it came (SO_TIMESTAMP), nanoseconds of real time. */
  readonly time: bigint;
  /** The address of ours that it was sent to (IP_PKTINFO); null where there is none. */
  readonly to: string | null;
  /** Null where there is none, or the host does not tell. */
  readonly header: PacketHeader | null;
}

export const END_OF_STREAM: Received = {
  length: 0,
  size: 0,
  flags: 0,
  from: null,
  rights: [],
  sender: null,
  time: 0n,
  to: null,
  header: null,
};

/** Drops what a caller has no use for. */
export function releaseRights(rights: readonly FileDescription[]): void {
  for (const file of rights) file.release();
}
