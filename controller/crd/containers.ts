import * as z from "zod";
import type { Container } from "../model/workload.ts";
import { defined, port } from "./fields.ts";

const containerPort = z.object({ name: z.string().optional(), containerPort: port() });

const httpGet = z.object({
  path: z.string().optional().describe("Default: /."),
  port: z.union([port(), z.string().min(1)], {
    error: "must be a port number (1 to 65535) or the name of a container port",
  }),
});

/** Beside the containers, and before them; one that is always restarted goes on and may have ports (a native sidecar). */
export const initContainer = z.object({
  ports: z.array(containerPort).optional(),
  restartPolicy: z.string().optional(),
});

/** A container of a pod, as far as Sluice looks at it. */
export const container = z.object({
  name: z.string(),
  image: z.string().optional(),
  command: z.array(z.string()).optional().describe("Program and first arguments."),
  args: z.array(z.string()).optional(),
  workingDir: z.string().optional(),
  env: z
    .array(z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() }))
    .optional(),
  ports: z.array(containerPort).optional(),
  readinessProbe: z.object({ httpGet: httpGet.optional() }).optional(),
});

export function readPorts(ports: readonly z.output<typeof containerPort>[] = []): Container["ports"] {
  return ports.map(({ name, containerPort: number }) => defined({ name, containerPort: number }));
}

export function readContainer(input: z.output<typeof container>): Container {
  const probe = input.readinessProbe?.httpGet;
  return defined({
    name: input.name,
    image: input.image,
    command: input.command ?? [],
    args: input.args ?? [],
    workingDir: input.workingDir,
    env: (input.env ?? []).flatMap(({ name, value = "", valueFrom }) =>
      valueFrom === undefined ? [{ name, value }] : [],
    ),
    ports: readPorts(input.ports),
    readinessProbe: probe && { path: probe.path ?? "/", port: probe.port },
  });
}
