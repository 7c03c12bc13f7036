/** What a service account's token proves. */
export interface Caller {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** The pod it was given to; absent: it is bound to none. */
  readonly pod?: { readonly name: string; readonly uid: string };
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

export type Authentication =
  | { readonly caller: Caller }
  /** UNAVAILABLE: it could not be looked at. `message` says what is wrong with it, and never quotes it. */
  | { readonly code: "UNAUTHENTICATED" | "UNAVAILABLE"; readonly message: string };

/** Whom a proxy's token is for, as Istio names it. */
export const tokenAudience = "istio-ca";

/** Looks at a token: signature, expiry, audience. Never rejects. */
export type Authenticate = (token: string) => Promise<Authentication>;
