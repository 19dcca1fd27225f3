/** unix(7): names, and what stream, datagram and seqpacket sockets have in common. */
import { errno } from "../errno.ts";
import type { Inode } from "../fs/inode.ts";
import { UNNAMED, type SocketAddress, type UnixAddress } from "./address.ts";
import type { Socket, SocketCaller } from "./socket.ts";

/** A socket that has, or can have, a name. */
export interface UnixSocket extends Socket {
  readonly family: "unix";
  readonly name: UnixName;
}

/** Sockets of one run by their names: abstract ones, and those of inodes in the tree. */
export class UnixNames {
  readonly #abstract = new Map<string, UnixSocket>();
  readonly #byInode = new Map<unknown, UnixSocket>();
  #lastAutomatic = 0;

  bind(
    socket: UnixSocket,
    address: UnixAddress,
    { fs }: SocketCaller,
  ): { readonly forget: () => void; readonly name: string } {
    const name = address.name === "" ? this.#automaticName(socket) : address.name;
    if (name.startsWith("\0")) {
      const key = keyOf(socket, name);
      if (this.#abstract.has(key)) throw errno.EADDRINUSE;
      this.#abstract.set(key, socket);
      return { name, forget: () => this.#abstract.delete(key) };
    }
    const { identity } = fs.bindSocket(name);
    this.#byInode.set(identity, socket);
    return {
      name,
      forget: () => {
        if (this.#byInode.get(identity) === socket) this.#byInode.delete(identity);
      },
    };
  }

  /** Autobind: five hexadecimal digits. */
  #automaticName(socket: Socket): string {
    for (let tries = 0; tries < 0x100000; tries++) {
      this.#lastAutomatic = (this.#lastAutomatic + 1) & 0xfffff;
      const name = `\0${this.#lastAutomatic.toString(16).padStart(5, "0")}`;
      if (!this.#abstract.has(keyOf(socket, name))) return name;
    }
    throw errno.ENOSPC;
  }

  /** Whom `asking` means. Throws ECONNREFUSED, and what the walk throws (ENOENT, EACCES …). */
  find(asking: Socket, address: SocketAddress, { fs }: SocketCaller): UnixSocket {
    if (address.family !== "unix") throw errno.EINVAL;
    const { name } = address;
    if (name === "") throw errno.EINVAL;
    const found = name.startsWith("\0") ? this.#abstract.get(keyOf(asking, name)) : this.#ofInode(fs.findSocket(name));
    if (found === undefined) throw errno.ECONNREFUSED;
    return found;
  }

  #ofInode(inode: Inode): UnixSocket | undefined {
    return this.#byInode.get(inode.identity);
  }

  get all(): Iterable<UnixSocket> {
    return new Set([...this.#abstract.values(), ...this.#byInode.values()]);
  }
}

/** An abstract name belongs to one type of sockets. */
const keyOf = ({ type }: Socket, name: string): string => type + name;

/** The name of one socket. */
export class UnixName {
  #address: UnixAddress = UNNAMED;
  #forget: (() => void) | null = null;

  get address(): UnixAddress {
    return this.#address;
  }
  get isBound(): boolean {
    return this.#address.name !== "";
  }

  /** bind(2). Throws EINVAL where there is a name already, EADDRINUSE. */
  bind(names: UnixNames, socket: UnixSocket, address: SocketAddress, caller: SocketCaller): void {
    if (address.family !== "unix") throw errno.EINVAL;
    if (this.isBound) {
      // Only an autobind is content with the name that there is.
      if (address.name === "") return;
      throw errno.EINVAL;
    }
    const { name, forget } = names.bind(socket, address, caller);
    this.#address = { family: "unix", name };
    this.#forget = forget;
  }

  /** Of a connection that a listener accepted: its listener's. */
  share(other: UnixName): void {
    this.#address = other.#address;
  }

  release(): void {
    this.#forget?.();
    this.#forget = null;
  }
}
