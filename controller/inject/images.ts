/** What the containers run. */
export interface Images {
  /** The controller's image, which holds the init step too. */
  readonly sluice: string;
  /** Stock Envoy. */
  readonly envoy: string;
}

/** Those that belong together. @param version of this program */
export function imagesOf(version: string): Images {
  return { sluice: `sluice/sluice:${version}`, envoy: "envoyproxy/envoy:distroless-v1.40.0" };
}
