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
    const view = this.#view(address, sizeBytes);
    return view?.toString("latin1");
  }

  /** The word at an address; undefined if it is not in the memory. */
  readWord(address: number): number | undefined {
    return this.#view(address, 4)?.readUInt32LE();
  }

  /** Copies bytes to an address; false if they do not fit into the memory. */
  write(address: number, bytes: ByteString): boolean {
    const view = this.#view(address, bytes.length);
    view?.write(bytes, "latin1");
    return view !== undefined;
  }

  /** Writes a word; false if the address is not in the memory. */
  writeWord(address: number, value: number): boolean {
    const view = this.#view(address, 4);
    view?.writeUInt32LE(value >>> 0);
    return view !== undefined;
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

  #view(address: number, sizeBytes: number): Buffer | undefined {
    const [start, size] = [address >>> 0, sizeBytes >>> 0];
    const { buffer } = this.#memory();
    return start + size > buffer.byteLength ? undefined : Buffer.from(buffer, start, size);
  }
}
