/** Names in the folder that `sluice controller` is given as `--identity`. */
export const identityFiles = { tokenKey: "token-key", root: "root" } as const;
