// A module's memory as the host uses it: checked reads and writes, and values handed over through the module's malloc.
import * as Status from "../abi/status.ts";
import type { ByteString } from "./bytes.ts";

/**
 * Memory of one VM. Nothing here throws: an address outside the memory gives undefined or false, and the hostcall
 * answers InvalidMemoryAccess, as Envoy's does.
 */
export class Memory {
  readonly #memory: () => WebAssembly.Memory;
  readonly #allocate: (sizeBytes: number) => number;
  #bytes = Buffer.alloc(0);

  /**
   * @param memory   the module's memory, looked up at each use: there is none before the instance
   * @param allocate the module's malloc: address of that many bytes, or 0
   */
  constructor(memory: () => WebAssembly.Memory, allocate: (sizeBytes: number) => number) {
    this.#memory = memory;
    this.#allocate = allocate;
  }

  get sizeBytes(): number {
    return this.#memory().buffer.byteLength;
  }

  /** The bytes at an address; undefined if they are not all in the memory. */
  read(address: number, sizeBytes: number): ByteString | undefined {
    const start = this.#find(address, sizeBytes);
    return start === undefined ? undefined : this.#bytes.toString("latin1", start, start + (sizeBytes >>> 0));
  }

  /** The word at an address; undefined if it is not in the memory. */
  readWord(address: number): number | undefined {
    const start = this.#find(address, 4);
    return start === undefined ? undefined : this.#bytes.readUInt32LE(start);
  }

  /** Copies bytes to an address; false if they do not fit into the memory. */
  write(address: number, bytes: ByteString): boolean {
    const start = this.#find(address, bytes.length);
    if (start === undefined) return false;
    this.#bytes.write(bytes, start, bytes.length, "latin1");
    return true;
  }

  /** Writes a word; false if the address is not in the memory. */
  writeWord(address: number, value: number): boolean {
    const start = this.#find(address, 4);
    if (start === undefined) return false;
    this.#bytes.writeUInt32LE(value >>> 0, start);
    return true;
  }

  /**
   * Hands bytes over: copies them to memory that the module allocates, and writes address and size where the module
   * wants them. Empty bytes are address 0, size 0, without an allocation.
   *
   * @param allocates also what is empty: foreign functions do
   * @returns Ok, or InvalidMemoryAccess if malloc gives 0 or an address is not in the memory
   */
  give(bytes: ByteString, addressOut: number, sizeOut: number, allocates = bytes !== ""): number {
    let address = 0;
    if (allocates) {
      address = this.#allocate(bytes.length);
      if ((address === 0 && bytes !== "") || !this.write(address, bytes)) return Status.InvalidMemoryAccess;
    }
    return this.writeWord(addressOut, address) && this.writeWord(sizeOut, bytes.length)
      ? Status.Ok
      : Status.InvalidMemoryAccess;
  }

  /** Where so many bytes stand in `#bytes`, which is the memory as it is now: a memory that grows gets another buffer. */
  #find(address: number, sizeBytes: number): number | undefined {
    const { buffer } = this.#memory();
    if (this.#bytes.buffer !== buffer) this.#bytes = Buffer.from(buffer);
    const start = address >>> 0;
    return start + (sizeBytes >>> 0) > buffer.byteLength ? undefined : start;
  }
}
