import { Authority, type Issuer, selfSigned } from "../../controller/ca/authority.ts";
import { readRoot } from "../../controller/ca/read-root.ts";

/** An authority with a root of its own, which nobody else knows. */
export async function testAuthority(): Promise<Authority> {
  return new Authority(await testIssuer());
}

/** A root of its own, which nobody else knows. */
export async function testIssuer(): Promise<Issuer> {
  const nowMs = Date.now();
  const { certificate, key } = await selfSigned("test", { nowMs, ttlMs: 3_600_000 });
  const read = await readRoot({ origin: "test", caCert: certificate, caKey: key }, nowMs);
  if ("problems" in read) throw new Error(read.problems.join());
  return read.issuer;
}
