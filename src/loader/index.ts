/**
 * From a path to a process image, in two steps, as execve(2) needs it:
 *
 *     const program = readProgram({ path, argv, envp, open });   // reads and checks; throws LoadError
 *     const { limit, mmapBase } = addressLayout("mips", stackLimit); // for a new AddressSpace
 *     const image = loadProgram(space, program, options);        // maps into that empty space; throws LoadError
 */
export { EXIT_NOT_FOUND, EXIT_NOT_RUNNABLE, LoadError, type LoadErrno } from "./error.ts";
export type {
  AddressLayout,
  ArmPersonality,
  CString,
  Identity,
  LoadOptions,
  Machine,
  MipsFloatMode,
  MipsPersonality,
  Personality,
  ProcessImage,
  ProcessorFacts,
  Program,
  ProgramRequest,
} from "./image.ts";
export { addressLayout } from "./layout.ts";
export { AT, loadProgram } from "./load-program.ts";
export { BytesFile, type OpenProgramFile, type ProgramFile } from "./program-file.ts";
export { readProgram } from "./read-program.ts";
