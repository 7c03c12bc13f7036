import { preflight } from "@sluice/sdk/host/preflight.ts";
import { formatModuleProblem, inspectModule } from "@sluice/sdk/module/inspect.ts";
import type { Attachment } from "@sluice/sdk/module/manifest.ts";
import type { Path } from "../model/problem.ts";
import { type Module, rootId, type WasmPlugin } from "../model/wasm-plugin.ts";

/** A module with the configuration it shall run with. Plain data: it goes to another process. */
export interface Job {
  readonly bytes: Uint8Array;
  /** What its plugin wants of it. */
  readonly type: WasmPlugin["type"];
  /** Envoy's `root_id`. */
  readonly pluginName: string;
  /** JSON; empty: none. */
  readonly config: string;
}

export interface Checked {
  /** Absent: Envoy would refuse the module or its configuration. */
  readonly module?: Pick<Module, "attach" | "capabilities">;
  readonly problems: readonly { readonly message: string; readonly field?: Path }[];
}

/** Name of the plugin in what it logs here; cut off again. */
const name = "plugin";

/** What a module is that is made for this. */
const kinds: Readonly<Record<Attachment, string>> = {
  downstream: "an HTTP filter",
  upstream: "an HTTP filter",
  network: "a network filter (createTcpContext)",
  "access-log": "an access logger (Plugin.onLog)",
};

/** Looks at a module, starts it in the host and hands it its configuration. */
export async function check({ bytes, type, pluginName, config }: Job): Promise<Checked> {
  const { manifest, capabilities, problems } = inspectModule(bytes);
  if (problems.length > 0) return { problems: problems.map((problem) => ({ message: formatModuleProblem(problem) })) };
  const attachments = manifest?.attach ?? [type === "NETWORK" ? "network" : "downstream"];
  const attach = attachments.filter((one) => one !== "access-log");
  const isNetwork = type === "NETWORK";
  if (!attach.some((one) => (one === "network") === isNetwork))
    return { problems: [{ message: unsuitable(attachments, type) }] };
  const tried = await preflight(bytes, {
    name,
    config,
    rootId: rootId(attach, isNetwork ? "network" : "downstream", pluginName),
    upstream: !isNetwork && attach.includes("upstream"),
    allowedCapabilities: capabilities,
  });
  if (tried.problems.length === 0) return { module: { attach, capabilities }, problems: [] };
  const said = tried.logs.filter(({ level }) => level === "error" || level === "critical").map(({ text }) => text);
  const unique = [...new Set(said.length > 0 ? said : tried.problems)];
  return { problems: unique.map((text) => problemOf(text, config)) };
}

function unsuitable(attachments: readonly Attachment[], type: WasmPlugin["type"]): string {
  const what = attachments.map((one) => kinds[one]).join(" and ");
  const other = attachments.includes("network") ? "NETWORK" : "HTTP";
  const advice = attachments.every((one) => one === "access-log")
    ? "which Sluice does not deliver; it delivers HTTP and network filters"
    : `but spec.type is ${type}; write type: ${other}`;
  return `the module is ${what}, ${advice}`;
}

/** `plugin: window is "10": a unit is missing` -> the message `is "10": …` at the field `window`. */
function problemOf(text: string, config: string): Checked["problems"][number] {
  const message = text.startsWith(`${name}: `) ? text.slice(name.length + 2) : text;
  const [path = ""] = message.split(" ", 1);
  const field = path
    .split(/[.[\]]+/)
    .filter(Boolean)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const isField = /^(is|are|must) /.test(message.slice(path.length + 1)) && /^[\w-]+([.[][\w\]-]+)*$/.test(path);
  return isField && config !== "" ? { message: message.slice(path.length + 1), field } : { message };
}
