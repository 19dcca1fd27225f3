import { type Mapping, type MapRequest } from "./mapping.ts";
import { isData, type MappingList } from "./mapping-list.ts";
import { MemoryError } from "./memory-error.ts";
import { PAGE_COUNT, pageCeil, PAGE_SIZE } from "./page-table.ts";

/** Resource limits in bytes (man 2 getrlimit). */
export interface MemoryLimits {
  /** RLIMIT_AS */
  addressSpace: number;
  /** RLIMIT_DATA */
  data: number;
}

export interface Bounds {
  /** First address that a guest cannot use. */
  readonly limit: number;
  readonly mmapBase: number;
  readonly mmapMinAddress: number;
  readonly maxMappings: number;
}

/** Where new mappings go, and whether there may be more of them. */
export class Placement {
  readonly limits: MemoryLimits = { addressSpace: Infinity, data: Infinity };
  readonly #list: MappingList;
  readonly #bounds: Bounds;

  constructor(list: MappingList, bounds: Bounds) {
    this.#list = list;
    this.#bounds = bounds;
  }

  /** The address for a request of `length` bytes (whole pages); throws where mmap would. */
  place(request: MapRequest, length: number): number {
    const { address } = request;
    const { limit, mmapMinAddress } = this.#bounds;
    if (request.fixed || request.noReplace) {
      if (address + length > limit && request.privileged !== true)
        throw new MemoryError("ENOMEM", "beyond the address space");
      if (address % PAGE_SIZE !== 0) throw new MemoryError("EINVAL", "the address is not a page's");
      if (address < mmapMinAddress && request.privileged !== true) {
        throw new MemoryError("EPERM", "below vm.mmap_min_addr");
      }
      if (request.noReplace && !this.#list.isFree(address, address + length)) {
        throw new MemoryError("EEXIST", "something is mapped there");
      }
      return address;
    }
    if (length > limit) throw new MemoryError("ENOMEM", "longer than the address space");
    if (address !== 0) {
      const hint = pageCeil(Math.max(address, mmapMinAddress));
      if (hint + length <= limit && this.#list.isFreeForPlacement(hint, hint + length)) return hint;
    }
    return this.findGap(length);
  }

  /** A free place: the highest below mmapBase, else the lowest above it, as Linux searches. */
  findGap(length: number): number {
    const { limit, mmapBase, mmapMinAddress } = this.#bounds;
    let place = this.#list.highestGap(length, mmapMinAddress, mmapBase);
    if (place < 0) place = this.#list.lowestGap(length, mmapBase, limit);
    if (place < 0) throw new MemoryError("ENOMEM", "no room for a mapping of that length");
    return place;
  }

  /** Checks the limits for a new mapping; `start` to `end` is what it replaces. */
  charge(mapping: Mapping, start = 0, end = 0): void {
    const replaced = start === end ? [] : this.#list.within(start, end);
    this.checkCount(1 + this.#list.splitsBy(start, end));
    const length = mapping.end - mapping.start;
    const freed = sum(replaced);
    if (this.#list.totalBytes - freed + length > this.limits.addressSpace) throw new MemoryError("ENOMEM", "RLIMIT_AS");
    if (!isData(mapping)) return;
    const freedData = sum(replaced.filter(isData));
    if (this.#list.dataBytes - freedData + length > this.limits.data) throw new MemoryError("ENOMEM", "RLIMIT_DATA");
  }

  checkCount(more: number): void {
    if (more > 0 && this.#list.count + more > this.#bounds.maxMappings)
      throw new MemoryError("ENOMEM", "too many mappings");
  }
}

function sum(mappings: readonly Mapping[]): number {
  return mappings.reduce((bytes, mapping) => bytes + mapping.end - mapping.start, 0);
}

/** The limit must leave the last page free: an access that wraps around 2^32 then meets an unmapped page. */
export function checkBounds(limit: number, mmapBase: number): void {
  for (const bound of [limit, mmapBase]) {
    if (bound % PAGE_SIZE !== 0 || bound < PAGE_SIZE || bound > (PAGE_COUNT - 1) * PAGE_SIZE) {
      throw new RangeError(`0x${bound.toString(16)} cannot bound an address space`);
    }
  }
  if (mmapBase > limit) throw new RangeError("mmapBase lies beyond the limit");
}
