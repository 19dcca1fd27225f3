/** Connections that wait to be accepted, and those that wait for a place among them (listen(2)). */
import type { WaitQueue } from "../wait.ts";

/** net.core.somaxconn */
const SOMAXCONN = 4096;

export class Backlog<S> {
  readonly #ready: S[] = [];
  #limit: number;
  /** Clients that found it full; each tries again when it is called. */
  readonly #waiting = new Set<() => void>();
  readonly #arrived: WaitQueue;

  constructor(limit: number, arrived: WaitQueue) {
    this.#limit = 0;
    this.#arrived = arrived;
    this.resize(limit);
  }

  /** listen(2) again. A negative number is a large one. */
  resize(limit: number): void {
    this.#limit = limit < 0 ? SOMAXCONN : Math.min(limit, SOMAXCONN);
    this.#admit();
  }

  get length(): number {
    return this.#ready.length;
  }
  /** One more than was asked for, as Linux counts. */
  get isFull(): boolean {
    return this.#ready.length > this.#limit;
  }

  push(connection: S): void {
    this.#ready.push(connection);
    this.#arrived.wake();
  }

  take(): S | null {
    const connection = this.#ready.shift();
    if (connection === undefined) return null;
    this.#admit();
    return connection;
  }

  /** Calls `admitted` once there may be room; returns what takes that back. */
  whenRoom(admitted: () => void): () => void {
    this.#waiting.add(admitted);
    return () => {
      this.#waiting.delete(admitted);
    };
  }

  #admit(): void {
    for (const admitted of [...this.#waiting]) {
      if (this.isFull) return;
      this.#waiting.delete(admitted);
      admitted();
    }
  }

  /** The listener is gone: those that wait are told, those that were not accepted are returned. */
  close(): S[] {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const admitted of waiting) admitted();
    return this.#ready.splice(0);
  }
}
