// proxy_get_shared_data and proxy_set_shared_data: one key space for each vm_id, common to all its VMs.
import * as Status from "../abi/status.ts";
import type { ByteString } from "./bytes.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

/** A value with the number that a compare-and-swap names. */
export interface SharedValue {
  readonly value: ByteString;
  readonly cas: number;
}

/** Shared data of one process. A vm_id's keys live while a VM with that vm_id does. */
export class SharedDataStore {
  readonly #spaces = new Map<string, Map<ByteString, SharedValue>>();
  #lastCas = 0;
  #afterNextRead: (() => void) | undefined;

  get(vmId: string, key: ByteString): SharedValue | undefined {
    return this.#spaces.get(vmId)?.get(key);
  }

  keys(vmId: string): ByteString[] {
    return [...(this.#spaces.get(vmId)?.keys() ?? [])];
  }

  /**
   * @param cas what the key's value must carry to be replaced; 0 for whatever it is. A new key takes any.
   * @returns false, and nothing changed, if it carries another
   */
  set(vmId: string, key: ByteString, value: ByteString, cas: number): boolean {
    const space = this.#spaces.get(vmId) ?? new Map<ByteString, SharedValue>();
    this.#spaces.set(vmId, space);
    const old = space.get(key);
    if (old !== undefined && cas !== 0 && cas !== old.cas) return false;
    this.#lastCas += 1;
    space.set(key, { value, cas: this.#lastCas });
    return true;
  }

  /** What happens once, when a module has next read a value, or found none. */
  afterNextRead(action: () => void): void {
    this.#afterNextRead = action;
  }

  /** A module has read. */
  onRead(): void {
    const action = this.#afterNextRead;
    this.#afterNextRead = undefined;
    action?.();
  }

  /** The last VM of this vm_id is gone, and its keys with it. */
  drop(vmId: string): void {
    this.#spaces.delete(vmId);
  }
}

export function sharedDataCalls(vm: VmScope): Hostcalls {
  const { shared } = vm.process;
  return {
    proxy_get_shared_data(keyAddress: number, keySize: number, valueOut: number, sizeOut: number, casOut: number) {
      const key = vm.memory.read(keyAddress, keySize);
      if (key === undefined) return Status.InvalidMemoryAccess;
      const found = shared.get(vm.vmId, key);
      shared.onRead();
      if (found === undefined) return Status.NotFound;
      const given = vm.memory.give(found.value, valueOut, sizeOut);
      if (given !== Status.Ok) return given;
      return vm.memory.writeWord(casOut, found.cas) ? Status.Ok : Status.InvalidMemoryAccess;
    },
    proxy_set_shared_data(keyAddress: number, keySize: number, valueAddress: number, valueSize: number, cas: number) {
      const key = vm.memory.read(keyAddress, keySize);
      const value = vm.memory.read(valueAddress, valueSize);
      if (key === undefined || value === undefined) return Status.InvalidMemoryAccess;
      return shared.set(vm.vmId, key, value, cas >>> 0) ? Status.Ok : Status.CasMismatch;
    },
  };
}
