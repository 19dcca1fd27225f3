/** The parts of `elfy` that the loader uses; the package brings no types. */
declare module "elfy" {
  export interface ElfyHeader {
    class: "32" | "64";
    endian: "lsb" | "msb";
    type: string | undefined;
    machine: string | undefined;
    version: number;
    entry: number;
    phoff: number;
    flags: number;
    ehsize: number;
    phentsize: number;
    phnum: number;
  }
  export interface ElfyProgram {
    type: string | undefined;
    offset: number;
    vaddr: number;
    paddr: number;
    filesz: number;
    memsz: number;
    flags: { r?: true; w?: true; x?: true };
    align: number;
  }
  export class Parser {
    parseHeader(bytes: Buffer): ElfyHeader;
    parseProgram(entry: Buffer, header: ElfyHeader, file: Buffer): ElfyProgram;
    readUInt16(bytes: Buffer, offset: number): number;
    readUInt32(bytes: Buffer, offset: number): number;
  }
  export const constants: { readonly machine: Readonly<Record<number, string>> };
  const elfy: { readonly Parser: typeof Parser; readonly constants: typeof constants };
  export default elfy;
}
