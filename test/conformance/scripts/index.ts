import type { Script } from "../script.ts";
import { headers } from "./headers.ts";
import { metrics } from "./metrics.ts";
import { sharedData } from "./shared-data.ts";

/** All scripts, by what they are about. */
export const areas: Readonly<Record<string, readonly Script[]>> = { headers, metrics, "shared data": sharedData };
