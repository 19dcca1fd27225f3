/**
 * Shared anonymous memory where the host cannot map it into several Wasm memories: a file in our own memory, which each
 * address space copies and writes back as it does with other files (`FileSync`).
 */
import type { Backing } from "./mapping.ts";
import { PAGE_SIZE, pageFloor } from "./page-table.ts";

export class AnonymousBacking implements Backing {
  readonly name = "/dev/zero (deleted)";
  readonly identity: unknown = this;
  readonly deviceMajor = 0;
  readonly deviceMinor = 1;
  readonly inode = 0;
  /** As large as a mapping may ever grow. */
  readonly size = 2 ** 40;
  readonly #pages = new Map<number, Uint8Array>();

  read(into: Uint8Array, offset: number): number {
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const part = into.subarray(done, done + PAGE_SIZE - (at % PAGE_SIZE));
      const page = this.#pages.get(pageFloor(at));
      if (page === undefined) part.fill(0);
      else part.set(page.subarray(at % PAGE_SIZE, (at % PAGE_SIZE) + part.length));
      done += part.length;
    }
    return into.length;
  }

  write(from: Uint8Array, offset: number): number {
    for (let done = 0; done < from.length;) {
      const at = offset + done;
      const part = from.subarray(done, done + PAGE_SIZE - (at % PAGE_SIZE));
      let page = this.#pages.get(pageFloor(at));
      if (page === undefined) this.#pages.set(pageFloor(at), (page = new Uint8Array(PAGE_SIZE)));
      page.set(part, at % PAGE_SIZE);
      done += part.length;
    }
    return from.length;
  }
}
