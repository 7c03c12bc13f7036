// What tests of the retry budget in a mesh share.
import { call, type Target } from "../support/http.ts";
import type { TestMesh } from "../support/mesh.ts";
import { wasmPlugin } from "../support/yaml.ts";

type Config = Readonly<Record<string, unknown>>;

/** Retries of a route, in YAML. */
export const retries = "retries: {attempts: 3, retryOn: 5xx, perTryTimeout: 20s}";

export interface AttachedBudget {
  /** Writes another configuration. */
  apply(config: Config): Promise<void>;
  /** Writes another configuration and waits until the workload's Envoy has it. */
  change(config: Config): Promise<void>;
}

let budgets = 0;

/**
 * Attaches a retry budget that has nothing of the ones before it, and waits until the workload's Envoy has it and none has those.
 *
 * @param workload `istio-ingressgateway`: the gateway; `all`: all of the namespace, webapp among them
 * @param config   window 10m, minRetries 0 where it doesn't say
 */
export async function attachBudget(mesh: TestMesh, workload: string, config: Config): Promise<AttachedBudget> {
  const isGateway = workload === "istio-ingressgateway";
  const namespace = isGateway ? "istio-system" : "shop";
  const name = `budget-${++budgets}`;
  const completed = (config: Config): Config => ({ window: "10m", minRetries: 0, ...config });
  const apply = async (config: Config): Promise<void> => {
    const matchLabels = isGateway ? { istio: "ingressgateway" } : { app: workload };
    const spec = workload === "all" ? {} : { selector: { matchLabels } };
    const yaml = wasmPlugin({ name, url: "builtin://retry-budget", config: completed(config), spec });
    await mesh.apply("budget.yaml", yaml.replace("namespace: shop", `namespace: ${namespace}`));
  };
  const dump = (workload: string): Promise<string> =>
    mesh.admin(workload, "/config_dump?resource=ecds_filters").catch((error: Error) => {
      if (error.message.includes("ecds_filters not found")) return ""; // a gateway without listeners
      throw error;
    });
  const isAlone = async (): Promise<boolean> => {
    const dumps = await Promise.all((await mesh.run()).pods.map(({ workload }) => dump(workload)));
    return dumps.every((text) => text.matchAll(/budget-\d+"/g).every(([found]) => found === `${name}"`));
  };
  const change = async (config: Config): Promise<void> => {
    await apply(config);
    const wanted = JSON.stringify(JSON.stringify(completed(config))).slice(1, -1);
    await mesh.waitFor(async () => {
      const ecds = await dump(workload === "all" ? "webapp" : workload);
      const status = await mesh.plugin(`${namespace}/${name}`); // of all slots, by what the controller wants now
      const isEverywhere = status !== undefined && status.matched > 0 && status.acknowledged === status.matched;
      return isEverywhere && ecds.includes(`${name}"`) && ecds.includes(wanted) && (await isAlone());
    }, `${workload} to have ${name} with ${wanted}`);
  };
  await change(config);
  return { apply, change };
}

/** How often a workload's application was asked for a path, asked past the proxies of callers. */
export async function countOf(mesh: TestMesh, workload: string, path: string): Promise<number> {
  const target: Target = { host: (await mesh.pod(workload)).ip, port: 8080 };
  return JSON.parse((await call({ ...target, path: "/counts" })).body)[path] ?? 0;
}
