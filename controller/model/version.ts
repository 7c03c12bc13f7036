import manifest from "../package.json" with { type: "json" };

/** Of this control plane and of what it delivers: `0.1.0`. */
export const version: string = manifest.version;
