/**
 * From a path to a process image, in two steps, as execve(2) needs it:
 *
 *     const program = readProgram({ path, argv, envp, open });   // reads and checks; throws LoadError
 *     const image = loadProgram(space, program, options);        // maps into an empty AddressSpace; throws LoadError
 */
export { EXIT_NOT_FOUND, EXIT_NOT_RUNNABLE, LoadError, type LoadErrno } from "./error.ts";
export type { CString, Identity, LoadOptions, MipsFloatMode, Personality, ProcessImage, Program, ProgramRequest } from "./image.ts";
export { BytesFile, type OpenProgramFile, type ProgramFile } from "./program-file.ts";
