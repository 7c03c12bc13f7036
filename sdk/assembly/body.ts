import { proxy_get_buffer_bytes, proxy_get_buffer_status, proxy_set_buffer_bytes } from "./env";
import { FIRST, OUT_LONG, OUT_PTR, OUT_SIZE, OUT_WORD, valueBytes, valuePtr, valueSize } from "./host-memory";
import { Status } from "./status";
import { decodeUtf8 } from "./utf8";

/**
 * Bytes on their way, of a body or a TCP connection: the chunk of the callback that runs, or all that is held where the last
 * one returned `StopIterationAndBuffer`. Elsewhere it reads as empty, and writes answer BadArgument. Each member is one
 * call of the host; what is read is copied, what is written goes on in the chunk's place.
 *
 * Envoy does not correct `content-length`: who changes a body's length removes the header, or sets it, in
 * `onRequestHeaders` or `onResponseHeaders`. A receiver of HTTP/1.1 takes a body of another length for broken.
 */
@final
@unmanaged
export class Body {
  /** One of sdk/abi/buffer-type.ts. It is all that a body is, so the reference itself says it and nothing is allocated. */
  constructor(type: i32) {
    return changetype<Body>(type + 1); // 0 is null
  }

  private get type(): i32 {
    return changetype<i32>(this) - 1;
  }

  /** In bytes. The callbacks of bodies are told it. */
  get size(): u32 {
    return proxy_get_buffer_status(this.type, OUT_WORD, OUT_LONG) == Status.Ok ? load<u32>(OUT_WORD) : 0;
  }

  /** `max` bytes from `start`, or as many as there are. */
  bytes(start: u32 = 0, max: u32 = u32.MAX_VALUE): Uint8Array {
    return this.read(start, max) ? valueBytes() : new Uint8Array(0);
  }

  /** All of it as UTF-8; what is not UTF-8 has U+FFFD in its place, also a character that the chunk's end cuts. */
  text(): string {
    return this.read(0, u32.MAX_VALUE) ? decodeUtf8(valuePtr(), valueSize()) : "";
  }

  /** Puts bytes in the place of all that is there. */
  replace(bytes: Uint8Array): Status {
    return this.write(0, u32.MAX_VALUE, bytes);
  }

  replaceText(text: string): Status {
    return this.writeText(0, u32.MAX_VALUE, text);
  }

  /** Adds bytes at the end. */
  append(bytes: Uint8Array): Status {
    return this.write(u32.MAX_VALUE, 0, bytes);
  }

  appendText(text: string): Status {
    return this.writeText(u32.MAX_VALUE, 0, text);
  }

  /** Adds bytes at the front. */
  prepend(bytes: Uint8Array): Status {
    return this.write(0, 0, bytes);
  }

  prependText(text: string): Status {
    return this.writeText(0, 0, text);
  }

  /** Takes so many bytes away from the front. */
  drain(size: u32): Status {
    return proxy_set_buffer_bytes(this.type, 0, size, 0, 0);
  }

  private read(start: u32, max: u32): bool {
    return proxy_get_buffer_bytes(this.type, start, max, OUT_PTR, OUT_SIZE) == Status.Ok;
  }

  private write(start: u32, size: u32, bytes: Uint8Array): Status {
    return proxy_set_buffer_bytes(this.type, start, size, bytes.dataStart, bytes.byteLength);
  }

  private writeText(start: u32, size: u32, text: string): Status {
    const bytes = FIRST.text(text);
    return proxy_set_buffer_bytes(this.type, start, size, bytes.ptr, bytes.size);
  }
}

/** The body that this phase does not have: Envoy knows no such buffer. One that it had reads freed memory there, and crashes. */
export function noBody(): Body {
  return new Body(-2);
}
