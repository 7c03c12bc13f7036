import type { Identity } from "./identity.ts";
import type { Proxy } from "./proxy.ts";

/** A proxy that says who it is, and the token with which it proves that. */
export interface AdmissionRequest {
  readonly proxy: Proxy;
  /** Absent: it sent none. */
  readonly token: string | undefined;
}

/** Why a proxy is not served, as a gRPC status. */
export interface AdmissionRefusal {
  /** UNAVAILABLE: what it takes to decide is not there yet; the proxy asks again. */
  readonly code: "UNAUTHENTICATED" | "PERMISSION_DENIED" | "UNAVAILABLE";
  readonly message: string;
}

/** A proxy that is served: as the control plane knows it, and with its proven identity. */
export interface Admitted {
  readonly proxy: Proxy;
  readonly identity: Identity;
  /** Milliseconds since the epoch: until then its proof counts, and its stream is ended. `Infinity`: for good. */
  readonly untilMs: number;
  /** Whether its pod, that very one, is still there; asked when it connects and at each push. */
  readonly isStanding: () => boolean;
}

/** Decides on a proxy that connects. Never rejects. */
export type Admit = (request: AdmissionRequest) => Promise<Admitted | AdmissionRefusal>;
