import {
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
  proxy_resolve_shared_queue,
} from "./env";
import { FIRST, OUT_PTR, OUT_SIZE, OUT_WORD, SECOND, valueBytes, valuePtr, valueSize } from "./host-memory";
import { Status } from "./status";
import { decodeUtf8 } from "./utf8";

/** A queue in Envoy's memory, between the VMs of a proxy: first in, first out, of any length. */
@final
@unmanaged
export class Queue {
  /** The host's number of it, from 1 on. It is all that a queue is: nothing is allocated, and equal ones are equal. */
  constructor(id: u32) {
    return changetype<Queue>(<usize>id);
  }

  get id(): u32 {
    return <u32>changetype<usize>(this);
  }

  enqueue(bytes: Uint8Array): Status {
    return proxy_enqueue_shared_queue(this.id, bytes.dataStart, bytes.byteLength);
  }

  enqueueText(text: string): Status {
    const item = FIRST.text(text);
    return proxy_enqueue_shared_queue(this.id, item.ptr, item.size);
  }

  /** Takes the first item; null if there is none. */
  dequeue(): Uint8Array | null {
    return this.take() ? valueBytes() : null;
  }

  /** Takes the first item as text; null if there is none. */
  dequeueText(): string | null {
    return this.take() ? decodeUtf8(valuePtr(), valueSize()) : null;
  }

  private take(): bool {
    return proxy_dequeue_shared_queue(this.id, OUT_PTR, OUT_SIZE) == Status.Ok;
  }
}

/**
 * The queue of this vm_id with this name, made if it is not there. From now on the effective context's plugin, in this
 * thread, hears of new items (`Plugin.onQueueReady`): the last one that registers, and nobody else.
 */
export function registerQueue(name: string): Queue | null {
  const n = FIRST.text(name);
  return proxy_register_shared_queue(n.ptr, n.size, OUT_WORD) == Status.Ok ? new Queue(load<u32>(OUT_WORD)) : null;
}

/** A queue that plugins of a vm_id registered; "" is this VM's own. Null if nobody did. */
export function resolveQueue(vmId: string, name: string): Queue | null {
  const v = FIRST.text(vmId);
  const n = SECOND.text(name);
  const status = proxy_resolve_shared_queue(v.ptr, v.size, n.ptr, n.size, OUT_WORD);
  return status == Status.Ok ? new Queue(load<u32>(OUT_WORD)) : null;
}
