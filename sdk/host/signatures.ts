// The foreign functions sign and verify_signature.
// @see Envoy source/extensions/common/wasm/ext/sign.proto, verify_signature.proto, source/common/crypto/utility_impl.cc
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import * as Status from "../abi/status.ts";
import { type ByteString, toByteString } from "./bytes.ts";
import { decodeFields, encodeFields, type Fields } from "./protobuf.ts";
import type { ForeignResult } from "./scope.ts";

const hashes = new Set(["sha1", "sha224", "sha256", "sha384", "sha512"]);

/** VerifySignatureArguments { hash_function = 1, public_key = 2, signature = 3, text = 4, public_key_pem = 5 }. */
export function verifySignature(argument: ByteString): ForeignResult {
  const given = decodeFields(argument);
  if (given === undefined || !hasOneKey(given, 2, 5)) return [Status.BadArgument];
  const answer = (error: string): ForeignResult => [
    Status.Ok,
    encodeFields({ 1: error === "", 2: toByteString(error) }),
  ];
  const hash = given.bytes(1);
  if (!hashes.has(hash.toLowerCase())) return answer(`${hash} is not supported.`);
  try {
    const der = bytes(given, 2);
    const key = createPublicKey(der.length > 0 ? { key: der, format: "der", type: "spki" } : bytes(given, 5));
    return answer(verify(hash, bytes(given, 4), key, bytes(given, 3)) ? "" : "Failed to verify digest. Error code: 0");
  } catch {
    return answer("Failed to initialize digest verify.");
  }
}

/** SignArguments { hash_function = 1, private_key = 2, text = 3, private_key_pem = 4 }. */
export function signText(argument: ByteString): ForeignResult {
  const given = decodeFields(argument);
  if (given === undefined || !hasOneKey(given, 2, 4)) return [Status.BadArgument];
  const hash = given.bytes(1);
  if (!hashes.has(hash.toLowerCase())) return [Status.Ok, encodeFields({ 3: `${hash} is not supported.` })];
  try {
    const der = bytes(given, 2);
    const key = createPrivateKey(der.length > 0 ? { key: der, format: "der", type: "pkcs8" } : bytes(given, 4));
    return [Status.Ok, encodeFields({ 1: true, 2: toByteString(sign(hash, bytes(given, 3), key)) })];
  } catch {
    return [Status.Ok, encodeFields({ 3: "Invalid key type: private key required for signing operation." })];
  }
}

function hasOneKey(given: Fields, der: number, pem: number): boolean {
  return (given.bytes(der) === "") !== (given.bytes(pem) === "");
}

function bytes(given: Fields, field: number): Buffer {
  return Buffer.from(given.bytes(field), "latin1");
}
