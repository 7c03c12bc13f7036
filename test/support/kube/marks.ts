// The WasmPlugin `mark` of a cluster: it marks the responses of every proxy (see ../modules.ts). How it is applied, and how
// kubectl shows it.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Reply } from "../http.ts";
import { repo } from "./images.ts";
import type { Ended } from "./kubectl.ts";
import type { KubeMesh } from "./mesh.ts";

const root = join(import.meta.dirname, "..", "..", "..");
/** The mesh's root namespace: what stands here holds for all proxies, the gateway's too. */
const namespace = "istio-system";

export interface Mark {
  /** `file:///…` on this machine, in this repository. */
  readonly url: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Where the controller's container, which has a /tmp of its own, finds a file of this repository. */
export function inContainer(url: string): string {
  return url.replace(pathToFileURL(root).href, `file://${repo}`);
}

/** `kubectl apply` of the plugin, whatever comes of it. */
export function applyMark({ kubectl }: KubeMesh, { url, config = {} }: Mark): Promise<Ended> {
  const spec = { url: inContainer(url), pluginConfig: config };
  const object = {
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name: "mark", namespace },
    spec,
  };
  return kubectl.attempt(["apply", "-f", "-"], JSON.stringify(object));
}

export async function deleteMark({ kubectl }: KubeMesh): Promise<void> {
  await kubectl("delete", "wasmplugin", "mark", "-n", namespace);
}

/** A field of it, as `kubectl get -o jsonpath` prints it. */
export function markField({ kubectl }: KubeMesh, path: string): Promise<string> {
  return kubectl("get", "wasmplugin", "mark", "-n", namespace, "-o", `jsonpath={${path}}`);
}

/** Returns when it is Programmed in the version that was applied last. */
export async function markProgrammed({ kubectl }: KubeMesh): Promise<void> {
  await kubectl("wait", "--for=condition=Programmed", "wasmplugin/mark", "-n", namespace, "--timeout=60s");
}

/** Its columns but for the age, `mark True True False 3 1f3a0000`. */
export async function markColumns({ kubectl }: KubeMesh): Promise<string> {
  const row = await kubectl("get", "wasmplugin", "mark", "-n", namespace, "--no-headers");
  return row.trim().split(/ +/).slice(0, -1).join(" ");
}

/** What stands in the column DIGEST while a module is live: the first 8 digits of its SHA-256. */
export async function digestColumn(url: string): Promise<string> {
  const bytes = await readFile(fileURLToPath(url));
  return createHash("sha256").update(bytes).digest("hex").slice(0, 8);
}

/** The marks of a reply, outermost last. */
export function marksOf({ headers }: Pick<Reply, "headers">): readonly string[] {
  return String(headers["x-mark"] ?? "")
    .split(", ")
    .filter(Boolean);
}
