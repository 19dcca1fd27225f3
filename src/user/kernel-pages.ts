/** The pages that the kernel puts into every program: signal trampolines, and what the architecture fixes. */
import type { AddressSpace } from "../memory/address-space.ts";
import { PAGE_EXEC, PAGE_READ, pageCeil } from "../memory/page-table.ts";
import type { Guest, KernelPage } from "./guest.ts";

/** Maps them into an empty address space; `trampolines` is where those go. */
export function mapKernelPages(space: AddressSpace, guest: Guest, trampolines: number): void {
  const bytes = guest.abi.signals.trampolines;
  for (const page of [{ name: guest.trampolinesName, address: trampolines, bytes }, ...guest.kernelPages])
    map(space, page);
}

function map(space: AddressSpace, { name, address, bytes }: KernelPage): void {
  space.map({
    address,
    length: pageCeil(bytes.length),
    protection: PAGE_READ | PAGE_EXEC,
    fixed: true,
    noReplace: false,
    shared: false,
    backing: null,
    offset: 0,
    name,
    privileged: true,
  });
  space.poke(address, bytes);
}
