import { resolve } from "node:path";
import type { Container } from "../model/workload.ts";
import { type Namespaces, within } from "./namespaces.ts";
import { httpProxyPort } from "./objects.ts";
import type { PodPlan } from "./plan.ts";
import type { Command } from "./processes.ts";

/** A container with the port of 127.0.0.1 that its application uses. */
export interface PlacedContainer {
  readonly container: Container;
  /** Absent where the container declares no port. */
  readonly appPort?: number;
}

/** What a program needs of the environment in which `sluice up` was started; the rest is not handed on. */
const inherited = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"];

export interface ContainerSurroundings {
  readonly plan: PodPlan;
  readonly ip: string;
  /** The pod's; absent: traffic is not intercepted. */
  readonly namespaces?: Namespaces;
  /** The watched folder. */
  readonly dir: string;
  /** Of `sluice up`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * How a container is run: its command and arguments, in `workingDir` (taken from the watched folder where it is not
 * absolute), with the environment it would have in Kubernetes. Where traffic is not intercepted, `http_proxy` makes its
 * calls take the sidecar, and `PORT` and `HOST` tell it where to listen. Its own `env` wins.
 */
export function commandOf(
  { container, appPort }: PlacedContainer,
  { plan, ip, namespaces, dir, env }: ContainerSurroundings,
): Command {
  const argv = [...container.command, ...container.args];
  const cwd = resolve(dir, container.workingDir ?? ".");
  return {
    argv: namespaces ? within(namespaces, { argv, cwd }) : argv,
    cwd,
    env: {
      ...Object.fromEntries(inherited.map((name) => [name, env[name]])),
      POD_NAME: plan.name,
      POD_NAMESPACE: plan.namespace,
      INSTANCE_IP: ip,
      ...(namespaces ? {} : explicitPorts(ip, appPort)),
      ...Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
    },
  };
}

/** What a program needs to know that calls and is called over ports of its sidecar. */
export function explicitPorts(ip: string, appPort?: number): Readonly<Record<string, string>> {
  return {
    http_proxy: `http://${ip}:${httpProxyPort}`,
    no_proxy: "127.0.0.1,localhost",
    HOST: "127.0.0.1",
    ...(appPort === undefined ? {} : { PORT: String(appPort) }),
  };
}
