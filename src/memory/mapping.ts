/** What a mapping is: the request for one, what stands behind it, and how neighbours compare. */
import type { SharedObject } from "./shared-object.ts";

/**
 * The bytes behind a file mapping. The kernel's files implement it. Errors that `read` and `write` throw pass through
 * `AddressSpace` to the caller.
 */
export interface Backing {
  /** For /proc/self/maps: the path as the guest knows it. */
  readonly name: string;
  /** Compared with `===`; equal for two backings exactly if they are the same file (an inode object, "dev:ino"). */
  readonly identity: unknown;
  /** For /proc/self/maps. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly inode: number | bigint;
  /** The file's size in bytes, now. */
  readonly size: number;
  /** Fills `into` from file offset `offset`; returns how many bytes, 0 at the end. `into` may be guest memory. */
  read(into: Uint8Array, offset: number): number;
  /** Missing where the file is not open for writing: a shared mapping then can never become writable. */
  write?(from: Uint8Array, offset: number): number;
  /** Called when the first mapping of this backing appears, so that it outlives the guest's close(2). */
  retain?(): void;
  /** Called when its last mapping is gone. */
  release?(): void;
}

export interface MapRequest {
  /** With `fixed` the place, else a hint (0: none). */
  readonly address: number;
  /** Bytes, rounded up to a page. */
  readonly length: number;
  /** PAGE_READ | PAGE_WRITE | PAGE_EXEC. */
  readonly protection: number;
  /** MAP_FIXED: replaces what is there. */
  readonly fixed: boolean;
  /** MAP_FIXED_NOREPLACE: like `fixed`, but EEXIST if something is there. */
  readonly noReplace: boolean;
  /** MAP_SHARED. */
  readonly shared: boolean;
  /** The file, or null for anonymous memory. */
  readonly backing: Backing | null;
  /** File offset in bytes; a multiple of 4096 that may exceed 2^32. */
  readonly offset: number;
  /** For /proc/self/maps, where there is no file: "[vdso]". */
  readonly name?: string;
  /** The loader, not the guest, asks: may map below `mmapMinAddress`. */
  readonly privileged?: boolean;
}

/** A mapping as others see it (Linux: a vma). */
export interface Mapping {
  readonly start: number;
  /** First address after it. */
  readonly end: number;
  /** PAGE_READ | PAGE_WRITE | PAGE_EXEC, as the guest asked for them. */
  readonly protection: number;
  readonly shared: boolean;
  readonly backing: Backing | null;
  /** Offset of `start` in the file or shared object, in bytes. */
  readonly offset: number;
  /** "[heap]", "[stack]", the file's name, or "". */
  readonly name: string;
  /** A stack: placement keeps `STACK_GUARD_GAP` free below it. */
  readonly growsDown: boolean;
  /** Of a shared mapping: the bytes that it shows; null where they are the address space's own. */
  readonly object: SharedObject | null;
}

/** Bytes kept free below a stack (Linux: stack_guard_gap, 256 pages). */
export const STACK_GUARD_GAP = 256 * 4096;

/** Whether what stands behind the mapping has places of its own; other memory is all alike. */
export function hasOffset({ backing, object }: Mapping): boolean {
  return backing !== null || object !== null;
}

/** The part of `mapping` from `start` to `end`, which must lie inside. */
export function slice(mapping: Mapping, start: number, end: number): Mapping {
  if (start === mapping.start && end === mapping.end) return mapping;
  const offset = hasOffset(mapping) ? mapping.offset + (start - mapping.start) : 0;
  return { ...mapping, start, end, offset };
}

/** Whether `right`, which starts where `left` ends, is the same mapping continued. */
export function continues(left: Mapping, right: Mapping): boolean {
  return (
    left.end === right.start &&
    left.protection === right.protection &&
    left.shared === right.shared &&
    left.backing === right.backing &&
    left.name === right.name &&
    left.growsDown === right.growsDown &&
    left.object === right.object &&
    (!hasOffset(left) || left.offset + (left.end - left.start) === right.offset)
  );
}
