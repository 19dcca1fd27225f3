import type { FileDescription } from "./fs/file-description.ts";

/** pipe2(2): `flags` O.NONBLOCK, O.DIRECT. */
export declare function createPipe(flags: number): { readonly reader: FileDescription; readonly writer: FileDescription };
