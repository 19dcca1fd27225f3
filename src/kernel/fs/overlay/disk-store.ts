/**
 * An overlay on disk: a directory of the host with
 *
 *     journal   one record a line, in the order in which things happened (`record.ts`); the first line says the form
 *     data/     the bytes of files, by the number of their node
 *
 * so that names, owners, modes, devices, links and whiteouts need nothing of the host's file system, whatever that is. A
 * line that a crash cut off is taken away when the overlay is next used; a journal of which more than half is history is
 * then written anew.
 */
import * as host from "../../../host/files.ts";
import { HostDirectory } from "../../../host/files.ts";
import { Errno, errno } from "../../errno.ts";
import { toBytes, type ByteString } from "../byte-string.ts";
import { fromHost } from "../host-errors.ts";
import { hostStatFs } from "../hostfs.ts";
import type { StatFs } from "../inode.ts";
import { HostContents, type Contents, type DataFacts } from "./contents.ts";
import { FIRST_LINE, fromLine, toLine, type OverlayRecord } from "./record.ts";
import type { OverlayStore } from "./store.ts";

const JOURNAL = "journal";
const REWRITTEN = "journal.new";
const DATA = "data";
const FILE_MODE = 0o600;
/** Lines of history that are not worth a rewrite. */
const SLACK = 1000;

/** The overlay cannot be used; the message says why. */
export class OverlayError extends Error {}

export class DiskStore implements OverlayStore {
  readonly #top: HostDirectory;
  readonly #data: HostDirectory;
  readonly #path: string;
  #journal = -1;
  #end = 0;
  #lines = 0;

  /** `path`: absolute, of a directory that exists. Throws `OverlayError`. */
  constructor(path: ByteString) {
    this.#path = path;
    this.#top = fromHost(() => HostDirectory.top(path));
    try {
      this.#data = this.#openData();
      if (fromHost(() => this.#top.statChild(JOURNAL)) === undefined) this.#begin();
      else this.#journal = fromHost(() => this.#top.open(JOURNAL, { access: "readWrite" }).fd);
      if (!host.lockFile(this.#journal)) {
        throw new OverlayError(`the overlay ${path} is in use by another run`);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #openData(): HostDirectory {
    return fromHost(() => {
      if (this.#top.statChild(DATA) === undefined) this.#top.mkdir(DATA, 0o700);
      const stat = this.#top.statChild(DATA);
      if (stat === undefined) throw errno.ENOENT;
      return this.#top.child(DATA, stat);
    });
  }

  /** The first use of a directory: it must be empty, so that no slip of the keyboard fills somebody's home. */
  #begin(): void {
    const others = fromHost(() => this.#top.list()).filter(({ name }) => name !== DATA);
    if (others.length > 0) throw new OverlayError(`${this.#path} is neither an overlay nor empty`);
    this.#journal = fromHost(() => this.#top.open(JOURNAL, { access: "readWrite", create: FILE_MODE }).fd);
    this.#append(`${FIRST_LINE}\n`);
  }

  #append(text: string): void {
    const bytes = toBytes(text);
    for (let done = 0; done < bytes.length;) {
      done += fromHost(() => host.writeFile(this.#journal, bytes.subarray(done), this.#end + done));
    }
    this.#end += bytes.length;
  }

  load(): readonly OverlayRecord[] {
    const text = this.#read();
    const complete = text.slice(0, text.lastIndexOf("\n") + 1);
    const lines = complete.split("\n").slice(0, -1);
    if (lines[0] !== FIRST_LINE) throw new OverlayError(`${this.#path} is not an overlay of this version`);
    const records = lines.slice(1).map((line, index) => {
      try {
        return fromLine(line);
      } catch (error) {
        throw new OverlayError(`${this.#path}/${JOURNAL}, line ${index + 2}: ${(error as Error).message}`);
      }
    });
    this.#end = complete.length;
    this.#lines = records.length;
    if (complete.length < text.length) fromHost(() => host.truncateFile(this.#journal, complete.length));
    return records;
  }

  #read(): ByteString {
    return fromHost(() => {
      const bytes = Buffer.alloc(host.fileSize(this.#journal));
      let done = 0;
      while (done < bytes.length) {
        const count = host.readFile(this.#journal, bytes.subarray(done), done);
        if (count === 0) break;
        done += count;
      }
      return bytes.toString("latin1", 0, done);
    });
  }

  write(record: OverlayRecord): void {
    this.#append(`${toLine(record)}\n`);
  }

  tidy(records: readonly OverlayRecord[], nodes: ReadonlySet<number>): void {
    if (this.#lines <= 2 * records.length + SLACK) return;
    fromHost(() => {
      if (this.#top.statChild(REWRITTEN) !== undefined) this.#top.unlink(REWRITTEN);
      const old = this.#journal;
      this.#journal = this.#top.open(REWRITTEN, { access: "readWrite", create: FILE_MODE }).fd;
      this.#end = 0;
      host.lockFile(this.#journal);
      const text = [FIRST_LINE, ...records.map(toLine), ""].join("\n");
      this.#append(text);
      this.#lines = records.length;
      host.syncFile(this.#journal, false);
      this.#top.rename(REWRITTEN, this.#top, JOURNAL, "replace");
      host.closeFile(old);
      for (const { name } of this.#data.list()) if (!nodes.has(Number(name))) this.#data.unlink(name);
    });
  }

  create(node: number): void {
    fromHost(() => {
      // Left over from a run that crashed before it could say so.
      if (this.#data.statChild(String(node)) !== undefined) this.#data.unlink(String(node));
      host.closeFile(this.#data.open(String(node), { access: "readWrite", create: FILE_MODE }).fd);
    });
  }
  open(node: number): Contents {
    return new HostContents(this.#data, String(node));
  }
  facts(node: number): DataFacts {
    const stat = fromHost(() => this.#data.statChild(String(node)));
    if (stat === undefined) throw errno.EIO;
    return stat;
  }
  setTimes(node: number, atime: bigint, mtime: bigint): void {
    fromHost(() => this.#data.setChildTimes(String(node), atime, mtime));
  }
  remove(node: number): void {
    try {
      fromHost(() => this.#data.unlink(String(node)));
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
    }
  }

  statfs(): StatFs {
    return hostStatFs(this.#top);
  }

  close(): void {
    if (this.#journal >= 0) host.closeFile(this.#journal);
    this.#journal = -1;
    HostDirectory.closeTree(this.#top);
  }
}
