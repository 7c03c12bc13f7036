import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { Host, type RequestInit } from "./index.ts";
import { compilePuppet } from "./testdata/compile.ts";

let puppet: Uint8Array;
beforeAll(async () => {
  puppet = await compilePuppet();
}, 60_000);

const state = "L: property filter_state|envoy.filters.http.grpc_stats";
const load = (grpcStats: boolean) => Host.load(puppet, { config: state, listener: { grpcStats } });
const type = { "content-type": "application/grpc" };
const call: RequestInit = { method: "POST", headers: type };

/** What the last request's log found. */
const found = (host: Host) => host.logs.at(-1)?.text.replace(/.* -> /, "");

/** Messages as gRPC frames them, cut into pieces. */
const sent = fc.record({
  sizes: fc.array(fc.nat({ max: 300 }), { maxLength: 6 }),
  cuts: fc.array(fc.nat({ max: 40 }), { maxLength: 20 }),
});

function piecesOf({ sizes, cuts }: { readonly sizes: readonly number[]; readonly cuts: readonly number[] }): Buffer[] {
  const frames = sizes.map((size) => {
    const frame = Buffer.alloc(5 + size, 1);
    frame.writeUInt32BE(size, 1);
    return frame;
  });
  let rest = Buffer.concat(frames);
  const pieces = cuts.map((cut) => {
    const piece = rest.subarray(0, cut);
    rest = rest.subarray(cut);
    return piece;
  });
  return [...pieces, rest];
}

test("messages are counted both ways, wherever they are cut", async () => {
  const host = await load(true);
  fc.assert(
    fc.property(sent, sent, (up, down) => {
      const stream = host.stream({ ...call, endStream: false });
      for (const piece of piecesOf(up)) stream.sendBody(piece);
      stream.sendBody("", { endStream: true });
      const attempt = stream.attempt();
      attempt?.respond({ status: 200, headers: type, endStream: false });
      for (const piece of piecesOf(down)) attempt?.sendBody(piece);
      attempt?.sendTrailers({ "grpc-status": "0" });
      const [requests, responses] = [up.sizes.length, down.sizes.length];
      expect(found(host)).toBe(requests + responses === 0 ? "1" : `0 ${requests},${responses}`);
    }),
    { seed: 5, numRuns: 300 },
  );
});

const message = Buffer.from([0, 0, 0, 0, 1, 7]);

test.each`
  what                     | grpcStats | request               | answer                                           | left
  ${"a plain request"}     | ${true}   | ${{ method: "POST" }} | ${{ status: 200, body: message }}                | ${"1"}
  ${"gRPC in the answer"}  | ${true}   | ${{ method: "POST" }} | ${{ status: 200, headers: type, body: "\0" }}    | ${"0 0,1"}
  ${"a plain answer"}      | ${true}   | ${call}               | ${{ status: 200, body: message }}                | ${"0 1,0"}
  ${"an error of the way"} | ${true}   | ${call}               | ${{ status: 503, headers: type, body: message }} | ${"0 1,0"}
  ${"no grpc_stats"}       | ${false}  | ${call}               | ${{ status: 200, headers: type, body: message }} | ${"1"}
`("$what leaves $left", async ({ grpcStats, request, answer, left }) => {
  const host = await load(grpcStats);
  host.fetch({ ...request, body: message }, () => answer);
  expect(found(host)).toBe(left);
});
