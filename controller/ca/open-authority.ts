import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { Authority, type Issuer, selfSigned } from "./authority.ts";
import { readRoot } from "./read-root.ts";
import type { RootStore, StoredRoot } from "./root-store.ts";

const dayMs = 24 * 3_600_000;

/** How long a self-made root is valid, as Istio's. It is not renewed: see {@link openAuthority}. */
const rootTtlMs = 3650 * dayMs;

/** How long before the end of what signs it is asked to be replaced. */
const warnMs = 365 * dayMs;

export interface AuthorityOptions {
  readonly store: RootStore;
  /** Organization of a self-made root: the trust domain, as Istio names it. */
  readonly trustDomain: string;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
}

/**
 * The mesh's authority: of the root in the store, or of a new one that is put there.
 *
 * A root is read once, when the controller starts, and not renewed: a year before its end, each start says so. Who
 * replaces it restarts the controller and then every pod with a proxy, since Envoy reads once, when it starts, which roots
 * it believes its control plane by. While the former root is there, too, both are trusted and the controller serves with a
 * certificate of the former one, so that the pods can take their time.
 *
 * @throws with all that is wrong with the root in the store; nothing is made in its place
 */
export async function openAuthority({ store, trustDomain, clock, log }: AuthorityOptions): Promise<Authority> {
  const nowMs = clock.nowMs();
  const kept = await store.load();
  const root = kept ?? (await store.save(await newRoot(trustDomain, nowMs)));
  const read = await readRoot(root, nowMs);
  if ("problems" in read) throw new Error(`no certificates can be issued: ${read.problems.join("; ")}`);
  const authority = new Authority(read.issuer, await formerIssuer(root, { nowMs, log }));
  const end = new Date(authority.expiresAtMs).toISOString().slice(0, 10);
  if (kept === undefined) log.info(`a root of trust was made, good until ${end}: ${root.origin}`);
  if (authority.expiresAtMs - nowMs < warnMs) log.warn(`${root.origin} ends on ${end}: replace it before that`);
  return authority;
}

/** One that is no good any more is not trusted, and stops nothing. */
async function formerIssuer(
  { origin, former }: StoredRoot,
  { nowMs, log }: { readonly nowMs: number; readonly log: Log },
): Promise<Issuer | undefined> {
  if (former === undefined) return undefined;
  const read = await readRoot(former, nowMs);
  if ("problems" in read) {
    log.warn(`only ${origin} is trusted: ${read.problems.join("; ")}`);
    return undefined;
  }
  log.info(
    `${former.origin} is trusted beside ${origin}: restart every pod that has a proxy, then remove it and restart the controller`,
  );
  return read.issuer;
}

async function newRoot(trustDomain: string, nowMs: number) {
  const { certificate, key } = await selfSigned(trustDomain, { nowMs, ttlMs: rootTtlMs });
  return { caCert: certificate, caKey: key };
}
