import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SecretSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { type Certificate, PrivateKey } from "../model/certificate.ts";
import { secrets } from "./secrets.ts";

const certificate: Certificate = {
  chain: "CHAIN",
  key: new PrivateKey("KEY"),
  roots: "ROOTS",
  notBeforeMs: 0,
  notAfterMs: 1,
};

test("a proxy's secrets are its certificate with its key, and the roots of trust", () => {
  const all = [...secrets(certificate).values()];
  expect(all.map(({ type, name, owners }) => ({ type, name, owners }))).toEqual([
    { type: "SDS", name: "default", owners: [] },
    { type: "SDS", name: "ROOTCA", owners: [] },
  ]);
  expect(all.map(({ body }) => fromBinary(SecretSchema, body))).toMatchObject([
    {
      name: "default",
      type: {
        case: "tlsCertificate",
        value: {
          certificateChain: { specifier: { case: "inlineString", value: "CHAIN" } },
          privateKey: { specifier: { case: "inlineString", value: "KEY" } },
        },
      },
    },
    {
      name: "ROOTCA",
      type: {
        case: "validationContext",
        value: { trustedCa: { specifier: { case: "inlineString", value: "ROOTS" } } },
      },
    },
  ]);
});

test("are the very same for all proxies of an identity; a renewal changes the certificate only", () => {
  expect(secrets(certificate)).toBe(secrets(certificate));
  const versions = (one: Certificate): (string | undefined)[] =>
    ["default", "ROOTCA"].map((name) => secrets(one).get(name)?.version);
  const [own, roots] = versions(certificate);
  const [renewed, same] = versions({ ...certificate, chain: "NEXT", key: new PrivateKey("NEXT") });
  expect(renewed).not.toBe(own);
  expect(same).toBe(roots);
});

test("there is none until the certificate is issued", () => {
  expect(secrets(undefined)).toEqual(new Map());
});
