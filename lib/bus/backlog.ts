/**
 * Keeps count of what was sent and may not have been read by the server yet. A
 * client buffers whatever the server does not read, without any bound: a server
 * that hangs would let its clients grow until they die.
 *
 * @module
 */

export interface BacklogOptions {
  /** What may be on its way at a time, in bytes. */
  readonly bytesMax: number;
  /** Resolves when the server has read everything sent before; rejects when that is lost. */
  readonly flush: () => Promise<void>;
}

/** The server is asked how far it is this often as `bytesMax` is used up. */
const PROBES = 32;

export class Backlog {
  readonly #options: BacklogOptions;
  #sentBytes = 0;
  #probedBytes = 0;
  #readBytes = 0;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Bytes that the server may not have read yet. */
  get bytes(): number {
    return this.#sentBytes - this.#readBytes;
  }

  /** True where so much more fits; a single message always does. */
  hasRoomFor(bytes: number): boolean {
    return this.bytes === 0 || this.bytes + bytes <= this.#options.bytesMax;
  }

  /** Counts what has just been sent. */
  add(bytes: number): void {
    this.#sentBytes += bytes;
    if ((this.#sentBytes - this.#probedBytes) * PROBES >= this.#options.bytesMax) this.#probe();
  }

  #probe(): void {
    const probed = this.#sentBytes;
    this.#probedBytes = probed;
    const onRead = () => void (this.#readBytes = Math.max(this.#readBytes, probed));
    // What is lost takes no room either.
    this.#options.flush().then(onRead, onRead);
  }
}
