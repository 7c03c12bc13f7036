// Shared queues: items in the process, news of them for the plugin that registered last.
// @see proxy-wasm-cpp-host src/shared_queue.cc
import * as Status from "../abi/status.ts";
import type { ByteString } from "./bytes.ts";
import type { VirtualClock } from "./clock.ts";
import type { Hostcalls, RootContext, VmScope } from "./scope.ts";

interface Queue {
  readonly id: number;
  readonly items: ByteString[];
  /** Who registered last. */
  listener: RootContext;
}

/** Queues of one process, by vm_id and name; they live while a VM with that vm_id does. */
export class QueueStore {
  readonly #clock: VirtualClock;
  readonly #spaces = new Map<string, Map<ByteString, Queue>>();
  readonly #byId = new Map<number, Queue>();
  #lastId = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  register(vmId: string, name: ByteString, listener: RootContext): number {
    const space = this.#spaces.get(vmId) ?? new Map<ByteString, Queue>();
    this.#spaces.set(vmId, space);
    const known = space.get(name);
    if (known !== undefined) {
      known.listener = listener;
      return known.id;
    }
    this.#lastId += 1;
    const queue = { id: this.#lastId, items: [], listener };
    space.set(name, queue);
    this.#byId.set(queue.id, queue);
    return queue.id;
  }

  /** Undefined if nobody registered it. */
  resolve(vmId: string, name: ByteString): number | undefined {
    return this.#spaces.get(vmId)?.get(name)?.id;
  }

  /** Adds an item and tells the listener, in its thread: with the next step of the test. False if there is no such queue. */
  enqueue(id: number, item: ByteString): boolean {
    const queue = this.#byId.get(id);
    if (queue === undefined) return false;
    queue.items.push(item);
    const { listener } = queue;
    this.#clock.after(0n, () => listener.receive({}, "proxy_on_queue_ready", [id]));
    return true;
  }

  /** What waits in a queue, the first item first; undefined if there is no such queue. */
  items(id: number): ByteString[] | undefined {
    return this.#byId.get(id)?.items;
  }

  /** The last VM of this vm_id is gone, and its queues with it. */
  drop(vmId: string): void {
    for (const { id } of this.#spaces.get(vmId)?.values() ?? []) this.#byId.delete(id);
    this.#spaces.delete(vmId);
  }
}

export function queueCalls(vm: VmScope): Hostcalls {
  const { queues } = vm.process;
  return {
    proxy_register_shared_queue(nameAddress: number, nameSize: number, idOut: number) {
      const name = vm.memory.read(nameAddress, nameSize);
      const { root } = vm.context();
      if (name === undefined) return Status.InvalidMemoryAccess;
      if (root === undefined) return Status.BadArgument;
      return vm.memory.writeWord(idOut, queues.register(vm.vmId, name, root)) ? Status.Ok : Status.InvalidMemoryAccess;
    },
    proxy_resolve_shared_queue(
      vmIdAddress: number,
      vmIdSize: number,
      nameAddress: number,
      nameSize: number,
      idOut: number,
    ) {
      const vmId = vm.memory.read(vmIdAddress, vmIdSize);
      const name = vm.memory.read(nameAddress, nameSize);
      if (vmId === undefined || name === undefined) return Status.InvalidMemoryAccess;
      const id = queues.resolve(vmId === "" ? vm.vmId : vmId, name);
      if (id === undefined) return Status.NotFound;
      return vm.memory.writeWord(idOut, id) ? Status.Ok : Status.InvalidMemoryAccess;
    },
    proxy_dequeue_shared_queue(id: number, itemOut: number, sizeOut: number) {
      const items = queues.items(id >>> 0);
      if (items === undefined) return Status.NotFound;
      const item = items.shift();
      return item === undefined ? Status.Empty : vm.memory.give(item, itemOut, sizeOut);
    },
    proxy_enqueue_shared_queue(id: number, itemAddress: number, itemSize: number) {
      const item = vm.memory.read(itemAddress, itemSize);
      if (item === undefined) return Status.InvalidMemoryAccess;
      return queues.enqueue(id >>> 0, item) ? Status.Ok : Status.NotFound;
    },
  };
}
