import type { Limits } from "./limiter.ts";

/**
 * Streams that are not admitted yet, by the address of the peer. Whoever reaches the port can open them, so only so many
 * are read and decided upon at a time. Each of these holds one message, asks the API server about one token at a time (of
 * 200 that change something, which it works on by default), and takes 10 ms as a rule, 15 s at worst: 5 each for the
 * request, the token, and the pod to be heard of. The others wait, unread, each with the 64 kB that HTTP/2 lets it send,
 * 260 MB in all: 2,000 proxies that come at once are all in within seconds. One address may be that of all the pods of a
 * node, 250 at most. One that is refused is let on four times a second: Envoy waits longer anyway.
 */
export const arrivalLimits: Limits = {
  running: 32,
  runningPerKey: 4,
  waiting: 4096,
  waitingPerKey: 256,
  restMs: 1000,
};
