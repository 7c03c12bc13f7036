import { join } from "node:path";
import { FileRootStore } from "../ca/file-root-store.ts";
import { identityFiles } from "../ca/identity-files.ts";
import { signRunToken } from "../ca/run-token.ts";
import { runTokenKey } from "../ca/run-token-key.ts";
import type { Caller } from "../ports/authenticator.ts";
import type { Clock } from "../ports/clock.ts";

/** How long a token is good. */
const ttlMs = 3_600_000;

/** How often tokens are made anew: their proxies are asked for a fresh one five minutes before the end. */
export const renewMs = ttlMs / 2;

/**
 * What makes a run's proxies believe the controller, and the controller them: in the state folder, which both can read and
 * nobody else, so that it outlives the controller.
 */
export class RunIdentity {
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  readonly #folder: string;

  private constructor(key: Uint8Array, { clock, folder }: { readonly clock: Clock; readonly folder: string }) {
    this.#key = key;
    this.#clock = clock;
    this.#folder = folder;
  }

  /** @param folder an existing one, of this run alone */
  static async open(folder: string, clock: Clock): Promise<RunIdentity> {
    return new RunIdentity(await runTokenKey(join(folder, identityFiles.tokenKey)), { clock, folder });
  }

  /** PEM: who signs the controller's certificate; empty until the controller has made it. */
  async roots(): Promise<string> {
    const root = await new FileRootStore(join(this.#folder, identityFiles.root)).load();
    return root?.rootCert ?? root?.caCert ?? "";
  }

  /** A token that proves from now on, for an hour, whose the pod is. */
  token(caller: Omit<Caller, "expiresAtMs">): Promise<string> {
    const nowMs = this.#clock.nowMs();
    return signRunToken(this.#key, { ...caller, expiresAtMs: nowMs + ttlMs }, nowMs);
  }
}
