// EDGE. Which API server, and who asks.
import { KubeConfig } from "@kubernetes/client-node";
import { KubeError } from "./kube-error.ts";

/** What the library takes for the API server where nothing says which one; kubectl's own advice is not to. */
const librarysGuess = "http://localhost:8080";

/** Where the API server is and who asks. */
export interface ConfigOptions {
  /** A kubeconfig; absent: as kubectl finds it ($KUBECONFIG, ~/.kube/config), and inside a pod its service account. */
  readonly kubeconfig?: string;
  /** Default: the kubeconfig's current one. */
  readonly context?: string;
}

/**
 * @throws KubeError where there is no kubeconfig, it can't be read, or it has no such context
 */
export function loadConfig({ kubeconfig, context }: ConfigOptions = {}): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new KubeError(`the kubeconfig can't be read: ${why}`, { code: 0, reason: "Config", cause: error });
  }
  if (config.getCurrentCluster()?.server === librarysGuess)
    throw new KubeError("no kubeconfig found: set KUBECONFIG, or name one with --kubeconfig", {
      code: 0,
      reason: "Config",
    });
  const names = config.getContexts().map(({ name }) => name);
  if (context !== undefined && !names.includes(context)) {
    const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
    throw new KubeError(`the kubeconfig has no context "${context}": ${known}`, { code: 0, reason: "Config" });
  }
  if (context !== undefined) config.setCurrentContext(context);
  return config;
}
