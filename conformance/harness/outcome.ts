/** One run of one guest program: what is asked for, what came of it, and how two runs are compared. */

export interface Case {
  /** Host path of the guest's ELF file. */
  readonly program: string;
  /** Without argv[0]. */
  readonly args: readonly string[];
  /** argv[0] where it must differ from `program` (busybox). */
  readonly argv0?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdin?: Uint8Array;
  /** A host folder that is the guest's root, as `-L`. */
  readonly sysroot?: string;
  /** babelf's `RunOptions.translateAfter`. */
  readonly translateAfter?: number;
  /**
   * The program runs as root in `sysroot` as its own system, and what it changes is forgotten: `program` and `cwd` are
   * paths in there.
   */
  readonly isSystem?: true;
  /** Seconds of wall time. */
  readonly timeout: number;
}

export type Ending =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "timeout" }
  /** The emulator itself failed: an exception of its own, a dead process, a refused request. */
  | { readonly kind: "broken"; readonly message: string };

export interface Outcome {
  readonly ending: Ending;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly seconds: number;
}

/** One interface with several back ends: babelf as a library, babelf as a command, and the peer. */
export interface Driver {
  readonly name: string;
  run(request: Case): Promise<Outcome>;
  close(): void;
}

export function describeEnding(ending: Ending): string {
  switch (ending.kind) {
    case "exit":
      return `exit ${ending.code}`;
    case "signal":
      return ending.signal;
    case "timeout":
      return "timeout";
    case "broken":
      return `broken: ${ending.message.split("\n", 1)[0]}`;
  }
}

export function sameEnding(a: Ending, b: Ending): boolean {
  return a.kind !== "broken" && describeEnding(a) === describeEnding(b);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The first line in which two texts differ, for a report. */
export function firstDifference(ours: Uint8Array, peer: Uint8Array): string {
  const a = Buffer.from(ours).toString("latin1").split("\n");
  const b = Buffer.from(peer).toString("latin1").split("\n");
  const at = a.findIndex((line, i) => line !== b[i]);
  const line = at < 0 ? a.length : at;
  const show = (text: string | undefined) => (text === undefined ? "(end)" : JSON.stringify(text.slice(0, 120)));
  return `line ${line + 1}: ${show(a[line])}, peer ${show(b[line])}`;
}
