/** Titles of scripts that show a known difference -> why the host differs. Each must still differ. */
export const differences: Readonly<Record<string, string>> = {};
