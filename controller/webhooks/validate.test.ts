import { expect, test } from "vitest";
import { parseObject } from "../crd/parse-object.ts";
import type { Problem } from "../model/problem.ts";
import { TestClock } from "../ports/clock.ts";
import type { AdmissionRequest } from "./admission-review.ts";
import { settleMs, validate } from "./validate.ts";

const clock = new TestClock();

function problem(severity: Problem["severity"], message: string): Problem {
  return { severity, code: "SLU0101", path: ["spec", "url"], message };
}

function request(part: Partial<AdmissionRequest> & { readonly spec?: unknown } = {}): AdmissionRequest {
  const { spec = { url: "file:///a.wasm" }, ...rest } = part;
  return {
    uid: "u1",
    operation: "CREATE",
    namespace: "shop",
    name: "p",
    subresource: "",
    object: { apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin", metadata: { name: "p" }, spec },
    oldObject: {},
    ...rest,
  };
}

/** Errors, warnings; `undefined`: let in. */
async function outcome(
  one: AdmissionRequest,
  { module = [], mesh = [] }: { readonly module?: readonly Problem[]; readonly mesh?: readonly Problem[] } = {},
) {
  const asked = validate(one, 8000, {
    parse: parseObject,
    tryModule: () => Promise.resolve(module),
    problemsInMesh: () => mesh,
    clock,
  });
  clock.advance(settleMs);
  const verdict = await asked;
  return { refused: verdict.allowed ? undefined : verdict.problems, warned: verdict.warnings };
}

const wrong = { url: "file:///a.wasm", phase: "LATE" };
const complaint = 'WasmPlugin shop/p: spec.phase is "LATE": must be AUTHN, AUTHZ, STATS or UNSPECIFIED_PHASE';

test("a good one is let in", async () => {
  expect(await outcome(request())).toEqual({ refused: undefined, warned: [] });
});

test("a wrong one is refused with all that is wrong", async () => {
  expect(await outcome(request({ spec: { ...wrong, nope: 1 } }))).toEqual({
    refused: [complaint, expect.stringContaining('WasmPlugin shop/p: spec.nope is an unknown field "nope"')],
    warned: [],
  });
});

test("a module that is no good refuses the plugin; what does not fit the mesh is a warning", async () => {
  const module = [problem("error", "is no module")];
  expect(await outcome(request(), { module })).toEqual({ refused: ["spec.url is no module"], warned: [] });
  const mesh = [problem("error", "leads nowhere"), problem("info", "is fine")];
  expect(await outcome(request(), { mesh })).toEqual({ refused: undefined, warned: ["spec.url leads nowhere"] });
});

test.each([
  ["a deletion", request({ operation: "DELETE", object: {} })],
  ["its status", request({ spec: wrong, subresource: "status" })],
  ["one that is being deleted", request({ spec: wrong, object: { metadata: { deletionTimestamp: "t" } } })],
  ["another kind", request({ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } } })],
])("%s is let in", async (_, one) => {
  expect(await outcome(one)).toEqual({ refused: undefined, warned: [] });
});

test("one that was wrong before may be labelled, and not changed otherwise while it is wrong", async () => {
  const update = (oldSpec: unknown) => request({ operation: "UPDATE", spec: wrong, oldObject: { spec: oldSpec } });
  expect(await outcome(update(wrong))).toEqual({ refused: undefined, warned: [complaint] });
  expect(await outcome(update({ ...wrong, priority: 1 }))).toEqual({ refused: [complaint], warned: [] });
});

test("a name that the API server has yet to make is no problem", async () => {
  const one = request({ name: "" });
  const object = { ...one.object, metadata: { generateName: "p-" } };
  expect(await outcome({ ...one, object })).toEqual({ refused: undefined, warned: [] });
});

test("what the mesh learns right after is no problem: the object before it in the same file", async () => {
  let mesh = [problem("warning", "leads nowhere")];
  const asked = validate(request(), 8000, {
    parse: parseObject,
    tryModule: () => Promise.resolve([]),
    problemsInMesh: () => mesh,
    clock,
  });
  mesh = [];
  clock.advance(settleMs);
  expect(await asked).toEqual({ allowed: true, warnings: [] });
});

test("a module that takes too long is left to the status", async () => {
  const verdict = validate(request(), 8000, {
    parse: parseObject,
    tryModule: () => new Promise(() => {}),
    problemsInMesh: () => [],
    clock,
  });
  clock.advance(8000);
  expect(await verdict).toEqual({
    allowed: true,
    warnings: [
      'WasmPlugin shop/p: spec.url is "file:///a.wasm", which could not be tried within 8 s: its status will tell',
    ],
  });
});
