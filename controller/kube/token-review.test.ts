import { expect, test } from "vitest";
import { KubeError } from "./kube-error.ts";
import { tokenReview } from "./token-review.ts";

const claims = Buffer.from(JSON.stringify({ exp: 1_800_000_000 })).toString("base64url");
const token = `head.${claims}.signature`;

const user = {
  username: "system:serviceaccount:shop:web",
  extra: {
    "authentication.kubernetes.io/pod-name": ["web-1"],
    "authentication.kubernetes.io/pod-uid": ["u1"],
  },
};
const yes = { authenticated: true, audiences: ["istio-ca"], user };
const pod = { name: "web-1", uid: "u1" };
const caller = { namespace: "shop", serviceAccount: "web", expiresAtMs: 1_800_000_000_000 };

test.each([
  ["a pod's token", yes, { caller: { ...caller, pod } }],
  ["a token that is bound to no pod", { ...yes, user: { username: user.username } }, { caller }],
  [
    "no",
    { authenticated: false, error: "token expired" },
    { code: "UNAUTHENTICATED", message: "the token is refused by the API server: token expired" },
  ],
  ["nothing", {}, { code: "UNAUTHENTICATED", message: "the token is refused by the API server" }],
  [
    "yes of a server that knows no audiences",
    { ...yes, audiences: undefined },
    { code: "UNAUTHENTICATED", message: "the token is not for istio-ca" },
  ],
  [
    "a user's token",
    { ...yes, user: { username: "admin" } },
    { code: "UNAUTHENTICATED", message: "the token is not that of a service account" },
  ],
])("the API server says: %s", async (_, status, expected) => {
  const create = () => Promise.resolve({ apiVersion: "v1", kind: "TokenReview", metadata: { name: "" }, status });
  expect(await tokenReview({ create })(token)).toEqual(expected);
});

test("an API server that can't be asked says nothing of the token", async () => {
  const create = () => Promise.reject(new KubeError("refused", { code: 0, reason: "Unreachable" }));
  expect(await tokenReview({ create })(token)).toEqual({
    code: "UNAVAILABLE",
    message: "the token can't be looked at: refused",
  });
});
