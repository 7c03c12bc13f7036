// Shared data: keys of a vm_id, with compare-and-swap.
import type { Script } from "../script.ts";

export const sharedData: readonly Script[] = [
  {
    title: "a key that is none is NotFound; a new one takes any cas",
    on: {
      request_headers: `
        get_shared_data('k')
        set_shared_data('k', 'a', 77)
        cas = get_shared_data('k')`,
    },
  },
  {
    title: "cas 0 overwrites, the right one writes once, a wrong one is CasMismatch",
    on: {
      request_headers: `
        set_shared_data('k', 'a', 0)
        cas = get_shared_data('k')
        set_shared_data('k', 'b', 0)
        set_shared_data('k', 'c', $cas)
        newer = get_shared_data('k')
        set_shared_data('k', 'd', $newer)
        set_shared_data('k', 'e', $newer)
        last = get_shared_data('k')`,
    },
  },
  {
    title: "an empty value is Ok and null, an empty key is a key",
    on: {
      request_headers: `
        set_shared_data('k', '', 0)
        cas = get_shared_data('k')
        set_shared_data('', 'x', 0)
        cas = get_shared_data('')`,
    },
  },
  {
    title: "bytes of any kind in key and value",
    on: {
      request_headers: `
        set_shared_data('a\\x00b', '\\xff\\x00\\xfe', 0)
        cas = get_shared_data('a\\x00b')
        get_shared_data('a')`,
    },
  },
  {
    title: "what one request leaves the next one has, and both chains share",
    requests: [{}, {}],
    on: { request_headers: "cas = get_shared_data('k')\nset_shared_data('k', 'down', 0)" },
    upstream: { request_headers: "cas = get_shared_data('k')\nset_shared_data('k', 'up', 0)" },
  },
  {
    title: "threads share it: what the main thread leaves the worker has",
    on: { configure: "set_shared_data('k', 'configured', 0)", request_headers: "cas = get_shared_data('k')" },
  },
  {
    title: "addresses outside the memory of key and value",
    on: {
      request_headers: `
        get_shared_data(@nowhere)
        set_shared_data(@nowhere, 'x', 0)
        set_shared_data('k', @nowhere, 0)
        get_shared_data('k')`,
    },
  },
];
