/**
 * The code that V8 compiled from our JavaScript, kept from one run to the next. Node's own compile cache keeps what was
 * compiled when the file was read; ours is taken after a run, and so has every function that such a run needs.
 *
 * V8 trusts such a file, and damage could do anything. So V8's own checksum is switched on, the header that it leaves
 * out stands in the file twice, and only a file of the user's own is read. It never fits another Node or another babelf:
 * V8 compares version, flags and the source's length, and the file's name has the rest.
 */
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { readKept, writeKept } from "../host/kept-file.ts";
import { tuneV8 } from "../translate/v8-flags.ts";

/** More than V8's header has. */
const HEADER = 64;
/** After V8's data: the first `HEADER` bytes again, and the processor seconds of the run that it was kept after. */
const TRAILER = HEADER + 8;
/** A run so many times as long needs functions that the code kept so far does not have. */
const LONGER = 2;
/** Files of other versions that may stay. */
const KEPT = 4;

interface Kept {
  readonly data: Buffer;
  readonly seconds: number;
}

export interface Compiled {
  readonly script: Script;
  /** Processor seconds of the run whose code was found; 0: none was. */
  readonly seconds: number;
}

/** Compiles a script, or takes the code kept in the file at `path`. */
export function compile(source: string, filename: string, path: string): Compiled {
  // Code is kept for the flags that hold when it is kept: all are set before it is read.
  setFlagsFromString("--verify-snapshot-checksum");
  setFlagsFromString("--no-flush-bytecode");
  tuneV8();
  const kept = read(path);
  if (kept === null) return { script: new Script(source, { filename }), seconds: 0 };
  const script = new Script(source, { filename, cachedData: kept.data });
  return { script, seconds: script.cachedDataRejected === false ? kept.seconds : 0 };
}

function read(path: string): Kept | null {
  const bytes = readKept(path);
  if (bytes === null) return null;
  const end = bytes.length - TRAILER;
  if (end < HEADER || bytes.compare(bytes, 0, HEADER, end, end + HEADER) !== 0) return null;
  const seconds = bytes.readDoubleLE(end + HEADER);
  return seconds > 0 ? { data: bytes.subarray(0, end), seconds } : null;
}

/** Keeps the code that the script has by now, if that is worth it. A cache only: what goes wrong does not matter. */
export function keep({ script, seconds }: Compiled, path: string): void {
  const { user, system } = process.cpuUsage();
  const used = (user + system) / 1e6;
  if (used < seconds * LONGER) return;
  const data = script.createCachedData();
  const end = Buffer.alloc(8);
  end.writeDoubleLE(used);
  writeKept(path, Buffer.concat([data, data.subarray(0, HEADER), end]), { files: KEPT });
}
