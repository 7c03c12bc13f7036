// A control plane with everything that identity takes, for proxies of 127.0.0.1: TLS, tokens, certificates, secrets.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { admission } from "../../controller/ca/admission.ts";
import type { Authority } from "../../controller/ca/authority.ts";
import { Certificates } from "../../controller/ca/certificates.ts";
import { runTokens, signRunToken } from "../../controller/ca/run-token.ts";
import { ServingCertificate } from "../../controller/ca/serving.ts";
import { bootstrap } from "../../controller/inject/bootstrap.ts";
import { defaultSettings } from "../../controller/model/mesh.ts";
import { nodeId } from "../../controller/model/names.ts";
import type { MeshObject } from "../../controller/model/object.ts";
import type { Resource } from "../../controller/model/resource.ts";
import { realClock } from "../../controller/ports/clock.ts";
import { TestLog } from "../../controller/ports/log.ts";
import { secrets } from "../../controller/translate/secrets.ts";
import { proxy } from "../../controller/translate/test-support/model.ts";
import type { XdsEvent } from "../../controller/xds/connection.ts";
import { XdsServer } from "../../controller/xds/server.ts";
import { startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { deny, snapshotOf } from "./xds-fixture.ts";

const ip = "127.0.0.1";
const settings = defaultSettings;
const key = new Uint8Array(32).fill(7);

export interface ControlOptions {
  readonly authority: Authority;
  /** Life of the workloads' certificates. */
  readonly ttlMs: number;
  /** What each pod's proxy should have, but for its secrets. */
  readonly resources: ReadonlyMap<string, readonly Resource[]>;
  /** The port of an earlier one; absent: any. */
  readonly port?: number;
}

/** A control plane of pods of namespace `shop`, each with a service account of its own name. */
export class SecureControl {
  readonly events: XdsEvent[] = [];
  readonly log = new TestLog();
  readonly xds: XdsServer;
  port = 0;
  readonly #certificates: Certificates;
  #serving: ServingCertificate | undefined;

  private constructor({ authority, ttlMs, resources }: ControlOptions) {
    const shared = { clock: realClock, log: this.log, random: Math.random };
    this.#certificates = new Certificates({
      ...shared,
      issue: (identity) => authority.issue({ identity }, { nowMs: realClock.nowMs(), ttlMs }),
      isWanted: (identity) => this.xds.serves(identity),
      onChange: (identities) => this.xds.push(identities),
    });
    this.xds = new XdsServer({
      ...{ ...shared, deny, identifier: "sluice-test", onEvent: (event) => this.events.push(event) },
      admit: admission({
        ...shared,
        authenticate: runTokens(key, realClock),
        podOf: ({ name }) => (resources.has(name) ? podOf(name) : undefined),
        trustDomain: settings.trustDomain,
      }),
      targetFor: ({ name }, identity) => {
        const SDS = secrets(this.#certificates.get(identity));
        return { snapshot: { ...snapshotOf(resources.get(name) ?? []), SDS } };
      },
    });
  }

  static async start(options: ControlOptions): Promise<SecureControl> {
    const control = new SecureControl(options);
    const { authority, port = 0 } = options;
    const life = { ttlMs: 3_600_000 };
    control.#serving = await ServingCertificate.start({
      ...{ name: ip, clock: realClock, log: control.log, random: Math.random },
      issue: () => authority.issue({ hosts: [ip] }, { nowMs: realClock.nowMs(), ...life }),
    });
    control.port = await control.xds.listen(`${ip}:${port}`, control.#serving);
    return control;
  }

  /** What was sent to a pod since event number `from`: `SDS default`. */
  sent(pod: string, from = 0): string[] {
    return this.events.slice(from).flatMap((event) => {
      if (event.kind !== "sent" || event.proxy.name !== pod) return [];
      return [
        ...event.resources.map(({ name }) => `${event.type} ${name}`),
        ...event.removed.map((name) => `-${name}`),
      ];
    });
  }

  async stop(): Promise<void> {
    this.#certificates.stop();
    this.#serving?.stop();
    await this.xds.close();
  }
}

export interface TokenOptions {
  /** Absent: an hour from now. */
  readonly expiresAtMs?: number;
  readonly nowMs?: number;
}

/** What proves a pod's proxy. */
export function tokenOf(pod: string, { nowMs = Date.now(), expiresAtMs = nowMs + 3_600_000 }: TokenOptions = {}) {
  const caller = { namespace: "shop", serviceAccount: pod, pod: { name: pod, uid: `uid-${pod}` }, expiresAtMs };
  return signRunToken(key, caller, nowMs);
}

/** A token of the same control plane for someone else than it. */
export function foreignToken(audience: string): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer("sluice")
    .setAudience(audience)
    .setExpirationTime("1h")
    .sign(key);
}

export function nodeOf(pod: string): { readonly id: string } {
  return { id: nodeId({ type: "sidecar", ip, name: pod, namespace: "shop", domain: settings.domain }) };
}

export interface SecureEnvoy extends TestEnvoy {
  /** Replaces the token that its next stream brings. */
  bring(token: string): Promise<void>;
}

/** An Envoy with a pod's bootstrap and token. */
export async function startSecureEnvoy(
  pod: string,
  { port, roots, token }: { readonly port: number; readonly roots: string; readonly token: string },
): Promise<SecureEnvoy> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-"));
  const files = { rootCertFile: join(dir, "root-cert.pem"), tokenFile: join(dir, "istio-token") };
  await writeFile(files.rootCertFile, roots);
  await writeFile(files.tokenFile, token);
  const nowhere = { address: ip, port: 0 };
  const config = bootstrap({
    proxy: proxy({ id: nodeOf(pod).id, ip, name: pod, serviceAccount: pod }),
    settings,
    xds: { address: ip, port, secure: files },
    adminSocket: join(dir, "unused"),
    listen: { prometheus: nowhere, ready: nowhere, admin: nowhere },
  });
  const envoy = await startEnvoy(config);
  return {
    ...envoy,
    bring: (next) => writeFile(files.tokenFile, next),
    async stop() {
      await envoy.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function podOf(name: string): MeshObject<"Pod"> {
  return {
    kind: "Pod",
    meta: { namespace: "shop", name, uid: `uid-${name}`, labels: {}, annotations: {} },
    spec: { serviceAccount: name, workload: name, ports: [], ready: true, ip },
  };
}
