// HTTP probes under interception. The kubelet speaks plain HTTP to the application's port, where the proxy takes the
// connection: with strict mutual TLS it would be refused. So a probe is sent to a port of the proxy that is not
// intercepted, which leads it on to the application from 127.0.0.6, an address that the rules let pass. It is Istio's
// way, with routes of a listener in place of an agent. The headers stand in the probe still, so the kubelet sends them.
import { fieldsOf, isMapping } from "../model/raw-object.ts";
import { type Json, objectsOf, textOf } from "./pod.ts";

/** Istio's port for probes. */
export const probePort = 15020;

/** One probe, as the proxy must lead it on. */
export interface ProbeRoute {
  /** `/app-health/web/livez` */
  readonly path: string;
  readonly app: {
    readonly port: number;
    /** With its query; begins with a slash. */
    readonly path: string;
    /** The certificate is not verified, as the kubelet doesn't. */
    readonly tls: boolean;
    /** The probe brings a Host of its own, which stays. */
    readonly hasHost: boolean;
  };
}

export interface RewrittenContainer {
  readonly container: Json;
  readonly routes: readonly ProbeRoute[];
  readonly warnings: readonly string[];
}

const probes = { livenessProbe: "livez", readinessProbe: "readyz", startupProbe: "startupz" } as const;
const hooks = { preStop: "prestopz", postStart: "poststartz" } as const;

/**
 * Leads the HTTP probes and hooks of a container to the proxy; what can't be is left as it is and named.
 *
 * @param isAfter the container starts when the proxy runs
 */
export function rewriteProbes(container: Json, { isAfter = false } = {}): RewrittenContainer {
  const name = textOf(container["name"]);
  const ports = objectsOf(container["ports"]);
  const routes: ProbeRoute[] = [];
  const warnings: string[] = [];
  const rewritten = (handler: unknown, field: string, path: string): Json | undefined => {
    if (!isMapping(handler)) return undefined;
    const result = rewriteHandler(handler, { path, ports });
    if (result === undefined) return undefined;
    if ("kept" in result) warnings.push(`container ${name}: ${field}${result.kept}`);
    else routes.push(result.route);
    return "kept" in result ? undefined : result.handler;
  };
  const changedProbes = Object.entries(probes).flatMap(([field, file]) => {
    const probe = rewritten(container[field], field, `/app-health/${name}/${file}`);
    return probe === undefined ? [] : [[field, probe]];
  });
  const lifecycle = fieldsOf(container["lifecycle"]);
  const changedHooks = Object.entries(hooks).flatMap(([field, file]) => {
    const hook = rewritten(lifecycle[field], `lifecycle.${field}`, `/app-lifecycle/${name}/${file}`);
    return hook === undefined ? [] : [[field, hook]];
  });
  if (!isAfter && changedHooks.some(([field]) => field === "postStart")) {
    warnings.push(
      `container ${name}: lifecycle.postStart.httpGet fails until the proxy runs, which starts after it; use exec`,
    );
  }
  const hooked = changedHooks.length > 0 ? { lifecycle: { ...lifecycle, ...Object.fromEntries(changedHooks) } } : {};
  return { container: { ...container, ...Object.fromEntries(changedProbes), ...hooked }, routes, warnings };
}

type Rewritten = { readonly handler: Json; readonly route: ProbeRoute } | { readonly kept: string };

/** `undefined`: there is nothing that interception could be in the way of. */
function rewriteHandler(
  handler: Json,
  { path, ports }: { readonly path: string; readonly ports: readonly Json[] },
): Rewritten | undefined {
  if (isMapping(handler["tcpSocket"])) {
    return {
      kept: ".tcpSocket is not rewritten: the proxy accepts the connection, whether the application does or not",
    };
  }
  if (isMapping(handler["grpc"])) {
    return {
      kept: ".grpc is not rewritten: it is refused where mutual TLS is STRICT, and works where it is PERMISSIVE",
    };
  }
  const get = handler["httpGet"];
  if (!isMapping(get) || textOf(get["host"]) !== "") return undefined; // a host: it is asked outside of the pod
  const port = typeof get["port"] === "string" ? portNamed(get["port"], ports) : get["port"];
  if (typeof port !== "number") {
    return { kept: `.httpGet is not rewritten: the container has no port named ${JSON.stringify(get["port"])}` };
  }
  const { scheme, ...rest } = get;
  const tls = scheme === "HTTPS";
  const written = textOf(get["path"]);
  const route: ProbeRoute = {
    path,
    app: {
      port,
      path: written.startsWith("/") ? written : `/${written}`,
      tls,
      hasHost: objectsOf(get["httpHeaders"]).some((header) => textOf(header["name"]).toLowerCase() === "host"),
    },
  };
  const shown = scheme === undefined ? {} : { scheme: "HTTP" };
  return { handler: { ...handler, httpGet: { ...rest, ...shown, path, port: probePort } }, route };
}

function portNamed(name: string, ports: readonly Json[]): unknown {
  if (/^\d+$/.test(name)) return Number(name);
  return ports.find((port) => port["name"] === name)?.["containerPort"];
}

/**
 * The same for an init container. One that stays (`restartPolicy: Always`) runs beside the proxy, but starts before it and
 * ends after it: what is asked at its start and at its end is left as it is. Others have no probes.
 */
export function rewriteInitProbes(container: Json): RewrittenContainer {
  if (container["restartPolicy"] !== "Always") return { container, routes: [], warnings: [] };
  const { startupProbe, lifecycle, ...whileItRuns } = container;
  const { container: rewritten, routes, warnings } = rewriteProbes(whileItRuns);
  const asked = { startupProbe, ...fieldsOf(lifecycle) };
  const direct = Object.entries(asked).flatMap(([field, handler]) => {
    const kind = ["httpGet", "grpc"].find((name) => isMapping(fieldsOf(handler)[name]));
    return kind === undefined
      ? []
      : [`${field}.${kind} is asked when the proxy may not run, and not rewritten; use exec`];
  });
  const isLed = routes.some(({ path }) => path.endsWith(probes.livenessProbe));
  const slow = `livenessProbe fails until the proxy runs; if init containers after it take ${patience(container)} s, it is restarted`;
  const said = [...direct, ...(isLed ? [slow] : [])].map((text) => `container ${textOf(container["name"])}: ${text}`);
  return { container: { ...container, ...rewritten }, routes, warnings: [...warnings, ...said] };
}

/** Seconds that a liveness probe may fail from the start. */
function patience({ livenessProbe }: Json): number {
  const { initialDelaySeconds = 0, periodSeconds = 10, failureThreshold = 3 } = fieldsOf(livenessProbe);
  return Number(initialDelaySeconds) + Number(periodSeconds) * Number(failureThreshold);
}
