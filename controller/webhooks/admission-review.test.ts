import { expect, test } from "vitest";
import { readReview, writeReview } from "./admission-review.ts";

const request = { uid: "u1", operation: "CREATE", namespace: "shop", name: "p", object: { kind: "Pod" } };
const review = (part: object): string =>
  JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: { ...request, ...part } });

test("a request is read", () => {
  expect(readReview(review({ subResource: "status", oldObject: null }))).toEqual({
    ...request,
    subresource: "status",
    oldObject: {},
  });
});

test.each([
  ["nothing", "", /^the body is no JSON: /],
  ["half of it", review({}).slice(0, 40), /^the body is no JSON: /],
  ["another kind", '{"kind":"Pod","apiVersion":"v1"}', /^the body is no AdmissionReview of admission.k8s.io\/v1$/],
  ["an older one", review({}).replace("/v1", "/v1beta1"), /no AdmissionReview of admission.k8s.io\/v1$/],
  ["no request", review({ uid: 7 }), /^the AdmissionReview has no request$/],
  ["no object", review({ object: null }), /^the AdmissionReview has no object$/],
  ["a list", "[]", /^the body is no AdmissionReview/],
])("%s is answered with a sentence", (_, body, sentence) => {
  expect(readReview(body)).toMatch(sentence);
});

test("answers", () => {
  const read = readReview(review({}));
  if (typeof read === "string") throw new Error(read);
  const answer = (verdict: Parameters<typeof writeReview>[1]) => writeReview(read, verdict);
  const kind = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" };
  expect(answer({ allowed: true, warnings: ["a\nb"] })).toEqual({
    ...kind,
    response: { uid: "u1", allowed: true, warnings: ["a b"] },
  });
  expect(answer({ allowed: false, problems: ["a", "b"], warnings: [] })).toEqual({
    ...kind,
    response: {
      uid: "u1",
      allowed: false,
      warnings: [],
      status: { code: 400, reason: "BadRequest", message: "a\nb" },
    },
  });
  const patch = [{ op: "add", path: "/a", value: "ü" }];
  expect(answer({ allowed: true, patch, warnings: [] })).toMatchObject({
    response: { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") },
  });
});
