import { resolve } from "node:path";
import type { Container } from "../model/workload.ts";
import { httpProxyPort } from "./objects.ts";
import type { PodPlan } from "./plan.ts";
import type { Command } from "./processes.ts";

/** A container with the port of 127.0.0.1 that its application is told to use. */
export interface PlacedContainer {
  readonly container: Container;
  /** Absent where the container declares no port. */
  readonly appPort?: number;
}

/** What a program needs of the environment in which `sluice up` was started; the rest is not handed on. */
const inherited = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/**
 * How a container is run: its command and arguments, in `workingDir` (taken from the watched folder where it is not
 * absolute), with the environment it would have in Kubernetes, and `http_proxy` so that its calls take the sidecar.
 * `PORT` and `HOST` tell it where to listen. Its own `env` wins.
 */
export function commandOf(
  { container, appPort }: PlacedContainer,
  { plan, ip, dir, env }: { plan: PodPlan; ip: string; dir: string; env: Readonly<Record<string, string | undefined>> },
): Command {
  return {
    argv: [...container.command, ...container.args],
    cwd: resolve(dir, container.workingDir ?? "."),
    env: {
      ...Object.fromEntries(inherited.map((name) => [name, env[name]])),
      POD_NAME: plan.name,
      POD_NAMESPACE: plan.namespace,
      INSTANCE_IP: ip,
      http_proxy: `http://${ip}:${httpProxyPort}`,
      no_proxy: "127.0.0.1,localhost",
      HOST: "127.0.0.1",
      ...(appPort === undefined ? {} : { PORT: String(appPort) }),
      ...Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
    },
  };
}
