/** The file tree that a program gets to see: policy in, mounts out. */
import type { Credentials } from "../credentials.ts";
import type { FileTable } from "./file-table.ts";
import type { FsContext } from "./fs-context.ts";
import type { SystemInfo } from "./proc-info.ts";

/** Host paths are the host's own text, absolute. */
export interface ViewOptions {
  /** `-L`: a host directory shown as the guest's `/`; null: an empty in-memory root. */
  readonly sysroot?: string | null;
  /** The host's working directory, shown writable at the same path; null: none (guest starts in `/`). */
  readonly cwd?: string | null;
  /** The program's file, shown read-only at the same path if nothing else shows it. */
  readonly program?: string | null;
  /** `--allow-fs-read`: host files and directories shown read-only at the same path. */
  readonly allowRead?: readonly string[];
  /** `--allow-fs-write`: shown writable at the same path. */
  readonly allowWrite?: readonly string[];
  /** `--allow-all`: the host's whole tree, writable. */
  readonly allowAll?: boolean;
  /** Files in memory: guest path to contents. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Bytes that all in-memory file systems may hold together; 1 GiB by default. */
  readonly memoryLimit?: number;
  /** For /proc; without it there is no /proc. */
  readonly system?: SystemInfo | null;
  readonly credentials: Credentials;
}

export declare function buildView(options: ViewOptions): FsContext;

/** Where a standard stream comes from or goes to. */
export type StandardStream =
  | { readonly kind: "host"; readonly fd: number }
  /** Input: all there is. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Output: called with each write; the bytes are the callee's to keep. */
  | { readonly kind: "sink"; readonly write: (bytes: Uint8Array) => void }
  | { readonly kind: "null" };

/** Puts the three streams on 0, 1 and 2. */
export declare function openStandardStreams(files: FileTable, streams: readonly [StandardStream, StandardStream, StandardStream]): void;
/** Resolves when everything that the guest wrote to host streams has left; call before the host process exits. */
export declare function drainStandardStreams(): Promise<void>;
