/** Maps the PT_LOAD segments of one ELF file, as Linux's ELF loader does. */
import type { AddressSpace } from "../memory/address-space.ts";
import type { Backing } from "../memory/mapping.ts";
import { PAGE_EXEC, PAGE_READ, PAGE_SIZE, PAGE_WRITE, pageCeil, pageFloor } from "../memory/page-table.ts";
import { type ElfFile, PT_LOAD, type Segment } from "./elf-file.ts";
import { LoadError } from "./error.ts";

export interface MappedElf {
  /** Added to every address of the file. */
  readonly bias: number;
  readonly entry: number;
  /** Where the program headers lie in memory; 0: in no segment. */
  readonly programHeaders: number;
  /** First byte after the highest segment. */
  readonly end: number;
  readonly code: readonly [number, number];
  readonly data: readonly [number, number];
}

/** Checks what can be checked before memory is touched, and gives the range of all segments. Throws `LoadError`. */
export function segmentRange(
  elf: ElfFile,
  limit: number,
): { segments: readonly Segment[]; start: number; end: number } {
  const refuse = (reason: string): never => {
    throw new LoadError(elf.path, "ENOEXEC", reason);
  };
  const segments = elf.segments.filter((segment) => segment.type === PT_LOAD && segment.memorySize > 0);
  if (segments.length === 0) return refuse("not a program: it has nothing to load");
  let start = limit;
  let end = 0;
  for (const segment of segments) {
    if (segment.fileSize > segment.memorySize) return refuse("not a valid ELF file: a segment larger than its memory");
    if (segment.fileSize > 0 && segment.offset % PAGE_SIZE !== segment.address % PAGE_SIZE) {
      return refuse("not a valid ELF file: a segment that does not lie on a page");
    }
    if (segment.offset + segment.fileSize > elf.file.size)
      return refuse("cut off: a segment lies past the end of the file");
    const last = segment.address + segment.memorySize;
    if (last > limit) {
      throw new LoadError(
        elf.path,
        "ENOMEM",
        `needs memory up to 0x${last.toString(16)}, beyond the guest's address space`,
      );
    }
    start = Math.min(start, pageFloor(segment.address));
    end = Math.max(end, pageCeil(last));
  }
  return { segments, start, end };
}

/** Maps `elf`; a file that goes anywhere is put near `base` (0: wherever there is room). */
export function mapSegments(
  space: AddressSpace,
  elf: ElfFile,
  base: number,
  stack: readonly [number, number],
): MappedElf {
  const { segments, start, end } = segmentRange(elf, space.limit);
  let bias = 0;
  if (!elf.fixed) {
    const align = loadAlignment(segments);
    // The reservation finds the room; each segment then replaces its part of it.
    const room = end - start + align;
    const place = space.map({ ...ANONYMOUS, address: base, length: room, protection: 0 });
    bias = Math.ceil((place - start) / align) * align;
    const first = start + bias;
    if (first > place) space.unmap(place, first - place);
    if (end + bias < place + room) space.unmap(end + bias, place + room - (end + bias));
  } else if (start < stack[1] && end > stack[0]) {
    throw new LoadError(elf.path, "ENOMEM", "its segments lie where the stack is");
  } else if (!space.isFree(start, end - start) && segments.some((each) => overlapsMapping(space, each))) {
    throw new LoadError(elf.path, "ENOMEM", "its segments lie where something else is");
  }

  const backing = elf.file.backing ?? readBacking(elf);
  const code: [number, number] = [space.limit, 0];
  const data: [number, number] = [space.limit, 0];
  for (const segment of segments) {
    const address = segment.address + bias;
    mapSegment(space, backing, segment, address);
    const range = segment.executable ? code : data;
    range[0] = Math.min(range[0], address);
    range[1] = Math.max(range[1], address + segment.fileSize);
  }
  // What lies between the segments of a moved file was only reserved.
  if (!elf.fixed) unmapGaps(space, segments, bias, start + bias, end + bias);
  const home = segments.find(
    ({ offset, fileSize }) => offset <= elf.programHeaderOffset && elf.programHeaderOffset < offset + fileSize,
  );
  return {
    bias,
    entry: elf.entry + bias,
    programHeaders: home === undefined ? 0 : elf.programHeaderOffset - home.offset + home.address + bias,
    end: end + bias,
    code: code[1] === 0 ? [0, 0] : code,
    data: data[1] === 0 ? [0, 0] : data,
  };
}

const ANONYMOUS = { fixed: false, noReplace: false, shared: false, backing: null, offset: 0 } as const;

function mapSegment(space: AddressSpace, backing: Backing, segment: Segment, address: number): void {
  const protection =
    (segment.readable ? PAGE_READ : 0) | (segment.writable ? PAGE_WRITE : 0) | (segment.executable ? PAGE_EXEC : 0);
  const first = pageFloor(address);
  const fileEnd = address + segment.fileSize;
  const end = pageCeil(address + segment.memorySize);
  let mapped = first;
  if (segment.fileSize > 0) {
    mapped = pageCeil(fileEnd);
    const request = {
      address: first,
      length: mapped - first,
      protection,
      fixed: true,
      noReplace: false,
      shared: false,
    };
    space.map({ ...request, backing, offset: segment.offset - (address - first), privileged: true });
    // The rest of the last page belongs to bss: what the file has there must not show. A page that the program could
    // not write has no bss in it, and Linux leaves it alone.
    if (mapped > fileEnd && segment.memorySize > segment.fileSize && segment.writable) {
      space.poke(fileEnd, new Uint8Array(mapped - fileEnd));
    }
  }
  if (end > mapped) {
    space.map({ ...ANONYMOUS, address: mapped, length: end - mapped, protection, fixed: true, privileged: true });
  }
}

/** The largest p_align that is a power of two, at least a page; more than 16 MiB would only waste addresses. */
function loadAlignment(segments: readonly Segment[]): number {
  let align = PAGE_SIZE;
  for (const segment of segments) {
    const power = segment.align !== 0 && (segment.align & (segment.align - 1)) === 0;
    if (power && segment.align > align && segment.align <= 0x1000000) align = segment.align;
  }
  return align;
}

function overlapsMapping(space: AddressSpace, segment: Segment): boolean {
  const first = pageFloor(segment.address);
  return !space.isFree(first, pageCeil(segment.address + segment.memorySize) - first);
}

function unmapGaps(space: AddressSpace, segments: readonly Segment[], bias: number, start: number, end: number): void {
  let at = start;
  const ranges = segments.map((each) => [
    pageFloor(each.address + bias),
    pageCeil(each.address + bias + each.memorySize),
  ]);
  ranges.sort((a, b) => a[0]! - b[0]!);
  for (const [first, last] of ranges as [number, number][]) {
    if (first > at) space.unmap(at, first - at);
    at = Math.max(at, last);
  }
  if (end > at) space.unmap(at, end - at);
}

/** A backing for files that have none of their own (a program given as bytes). */
function readBacking(elf: ElfFile): Backing {
  const { file } = elf;
  return {
    name: elf.path,
    identity: file,
    deviceMajor: 0,
    deviceMinor: 0,
    inode: 0,
    size: file.size,
    read(into, offset) {
      const bytes = file.read(offset, into.length);
      into.set(bytes);
      return bytes.length;
    },
  };
}
