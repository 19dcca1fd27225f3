/** User and group identities of a task (credentials(7)). */
import { errno } from "./errno.ts";

/** The id that system calls take for "leave unchanged" ((uid_t)-1). */
export const UNCHANGED = 0xffffffff;

export interface IdTriple {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  /** File-system id (setfsuid(2)). */
  readonly fs: number;
}

/** capabilities(7): sets of bits. Those of a user are kept and told; what they allow is decided as a whole. */
export interface Capabilities {
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly inheritable: bigint;
}

/** CAP_LAST_CAP of Linux 6.1 is 40. */
export const ALL_CAPABILITIES = (1n << 41n) - 1n;
const CAP_SETUID = 1n << 7n;
const ROOT_CAPABILITIES: Capabilities = {
  permitted: ALL_CAPABILITIES,
  effective: ALL_CAPABILITIES,
  inheritable: 0n,
};
const NO_CAPABILITIES: Capabilities = { permitted: 0n, effective: 0n, inheritable: 0n };

const all = (id: number): IdTriple => ({ real: id, effective: id, saved: id, fs: id });

export class Credentials {
  user: IdTriple;
  group: IdTriple;
  groups: readonly number[];
  capabilities: Capabilities;
  /** prctl(PR_SET_KEEPCAPS) */
  keepsCapabilities = false;

  constructor(uid: number, gid: number, groups: readonly number[]) {
    this.user = all(uid);
    this.group = all(gid);
    this.groups = groups;
    this.capabilities = uid === 0 ? ROOT_CAPABILITIES : NO_CAPABILITIES;
  }

  get uid(): number {
    return this.user.real;
  }
  get euid(): number {
    return this.user.effective;
  }
  get gid(): number {
    return this.group.real;
  }
  get egid(): number {
    return this.group.effective;
  }

  /** Root may do everything; there are no single capabilities: who may change ids may do the rest. */
  get isPrivileged(): boolean {
    return (this.capabilities.effective & CAP_SETUID) !== 0n;
  }

  /** New ids; with those of users the capabilities change (capabilities(7), "Effect of user ID changes"). */
  #become(which: "user" | "group", ids: IdTriple): void {
    const old = this[which];
    this[which] = ids;
    if (which === "group") return;
    const isRoot = ({ real, effective, saved }: IdTriple): boolean => real === 0 || effective === 0 || saved === 0;
    let { permitted, effective } = this.capabilities;
    if (isRoot(old) && !isRoot(ids) && !this.keepsCapabilities) permitted = 0n;
    if (old.effective === 0 && ids.effective !== 0) effective = 0n;
    if (old.effective !== 0 && ids.effective === 0) effective = permitted;
    this.capabilities = { ...this.capabilities, permitted, effective: effective & permitted };
  }

  /** capset(2). Throws EPERM. */
  setCapabilities(wanted: Capabilities): void {
    const { permitted, inheritable } = this.capabilities;
    const isWithin = (set: bigint, of: bigint): boolean => (set & ~of) === 0n;
    if (!isWithin(wanted.permitted, permitted) || !isWithin(wanted.effective, wanted.permitted)) throw errno.EPERM;
    if (!isWithin(wanted.inheritable, inheritable | permitted)) throw errno.EPERM;
    this.capabilities = wanted;
  }

  /** setuid(2), setgid(2). Throws EPERM, EINVAL. */
  set(which: "user" | "group", id: number): void {
    if (id === UNCHANGED) throw errno.EINVAL;
    const old = this[which];
    if (this.isPrivileged) this.#become(which, all(id));
    else if (id === old.real || id === old.saved) this.#become(which, { ...old, effective: id, fs: id });
    else throw errno.EPERM;
  }

  /** setreuid(2), setregid(2). Throws EPERM. */
  setRealEffective(which: "user" | "group", real: number, effective: number): void {
    const old = this[which];
    if (!this.isPrivileged) {
      if (![UNCHANGED, old.real, old.effective].includes(real)) throw errno.EPERM;
      if (![UNCHANGED, old.real, old.effective, old.saved].includes(effective)) throw errno.EPERM;
    }
    const newReal = real === UNCHANGED ? old.real : real;
    const newEffective = effective === UNCHANGED ? old.effective : effective;
    const savedFollows = real !== UNCHANGED || (effective !== UNCHANGED && effective !== old.real);
    this.#become(which, {
      real: newReal,
      effective: newEffective,
      saved: savedFollows ? newEffective : old.saved,
      fs: newEffective,
    });
  }

  /** setresuid(2), setresgid(2). Throws EPERM. */
  setAll(which: "user" | "group", real: number, effective: number, saved: number): void {
    const old = this[which];
    const known = [UNCHANGED, old.real, old.effective, old.saved];
    if (!this.isPrivileged && ![real, effective, saved].every((id) => known.includes(id))) throw errno.EPERM;
    const newEffective = effective === UNCHANGED ? old.effective : effective;
    this.#become(which, {
      real: real === UNCHANGED ? old.real : real,
      effective: newEffective,
      saved: saved === UNCHANGED ? old.saved : saved,
      fs: newEffective,
    });
  }

  /** setfsuid(2), setfsgid(2): returns the id from before, and changes nothing where that is not allowed. */
  setFs(which: "user" | "group", id: number): number {
    const old = this[which];
    if (this.isPrivileged || [old.real, old.effective, old.saved, old.fs].includes(id)) {
      if (id !== UNCHANGED) this[which] = { ...old, fs: id };
    }
    return old.fs;
  }

  /** setgroups(2). Throws EPERM. */
  setGroups(groups: readonly number[]): void {
    if (!this.isPrivileged) throw errno.EPERM;
    this.groups = groups;
  }

  /**
   * What execve(2) makes of them: a program with the set-user-ID or set-group-ID bit runs as its owner or group, and what
   * is effective is saved. `program` null: from a mount whose bits do not count.
   */
  afterExec(program: { readonly mode: number; readonly uid: number; readonly gid: number } | null): Credentials {
    const copy = this.clone();
    const become = (old: IdTriple, id: number): IdTriple => ({ real: old.real, effective: id, saved: id, fs: id });
    const isSetUid = program !== null && (program.mode & 0o4000) !== 0;
    // Without the group's execute permission the bit meant mandatory locking.
    const isSetGid = program !== null && (program.mode & 0o2010) === 0o2010;
    copy.user = become(this.user, isSetUid ? program.uid : this.user.effective);
    copy.group = become(this.group, isSetGid ? program.gid : this.group.effective);
    const permitted = copy.user.effective === 0 || copy.user.real === 0 ? ALL_CAPABILITIES : 0n;
    copy.capabilities = {
      permitted,
      effective: copy.user.effective === 0 ? permitted : 0n,
      inheritable: this.capabilities.inheritable,
    };
    copy.keepsCapabilities = false;
    return copy;
  }

  assume(other: Credentials): void {
    this.user = other.user;
    this.group = other.group;
    this.groups = other.groups;
    this.capabilities = other.capabilities;
    this.keepsCapabilities = other.keepsCapabilities;
  }

  clone(): Credentials {
    const copy = new Credentials(0, 0, this.groups);
    copy.assume(this);
    return copy;
  }
}
