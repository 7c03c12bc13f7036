// The controller over folders of YAML, as `sluice up` starts it.
import { join } from "node:path";
import { FileRootStore } from "./ca/file-root-store.ts";
import { identityFiles } from "./ca/identity-files.ts";
import { runTokens } from "./ca/run-token.ts";
import { runTokenKey } from "./ca/run-token-key.ts";
import { realClock } from "./ports/clock.ts";
import type { Home } from "./serve.ts";
import { watchFiles } from "./sources/files.ts";
import { withVirtualAddresses } from "./sources/virtual-addresses.ts";

export interface FilesOptions {
  /** Watched. */
  readonly folders: readonly string[];
  /** A folder for the root of trust and the key of the proxies' tokens; both are made where they are missing. */
  readonly identity: string;
}

/** @throws where the token key can't be had */
export async function filesHome({ folders, identity }: FilesOptions): Promise<Home> {
  return {
    rootStore: new FileRootStore(join(identity, identityFiles.root)),
    authenticate: runTokens(await runTokenKey(join(identity, identityFiles.tokenKey)), realClock),
    async watch(onBatch) {
      const source = await watchFiles({
        folders,
        clock: realClock,
        onBatch: (batch) => onBatch({ ...batch, objects: withVirtualAddresses(batch.objects) }),
      });
      return () => source.close();
    },
  };
}
