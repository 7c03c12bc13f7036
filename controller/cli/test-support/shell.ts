import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defaultSettings } from "../../model/mesh.ts";
import { type AnalyzeDeps, registerAnalyze } from "../analyze.ts";
import type { KubeApi, RunningPod } from "../deps.ts";
import { httpAsk } from "../http-ask.ts";
import { execute, newProgram } from "../program.ts";
import { registerProxyConfig } from "../proxy-config.ts";
import { registerProxyStatus } from "../proxy-status.ts";
import { registerVersion } from "../version.ts";

export function testdata(name: string): string {
  return readFileSync(join(dirname(import.meta.dirname), "testdata", name), "utf8");
}

const state = { state: "SYNCED" };

/** A row of /debug/syncz. */
export function sync(name: string) {
  return {
    name,
    cluster: "Kubernetes",
    version: "1.40.0",
    controller: "sluice",
    connectedAtMs: 0,
    types: { CDS: state, LDS: state, EDS: state, RDS: state, ECDS: { state: "NOT SENT" } },
  };
}

/** By method, where it is no GET, and path. */
const defaultAnswers: Readonly<Record<string, string>> = {
  "/config_dump?include_eds": testdata("config_dump.json"),
  "/clusters?format=json": testdata("clusters.json"),
  "POST /logging": "active loggers:\n  http: info\n",
  "POST /logging?level=warning": "active loggers:\n  http: warning\n",
  "POST /logging?paths=http%3Adebug%2Crouter%3Awarning": "active loggers:\n  http: debug\n",
  "/debug/syncz": JSON.stringify([
    sync("webapp-7d9c-x2k9q.istioinaction"),
    sync("catalog-1.istioinaction"),
    sync("webapp-2.shop"),
  ]),
  "/version": JSON.stringify({ version: "0.1.0" }),
};

/** An HTTP server that stands for an Envoy's admin or for a controller. */
export async function fakeServer(
  listen: { readonly path: string } | { readonly port: 0 },
  answers: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const all = { ...defaultAnswers, ...answers };
  const server = createServer(({ method, url = "" }, response) => {
    const body = all[method === "GET" ? url : `${method} ${url}`];
    response.writeHead(body === undefined ? 404 : 200).end(body ?? "no such path");
  });
  await new Promise<void>((listening) => server.listen({ host: "127.0.0.1", ...listen }, listening));
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** A folder for sockets; `remove` it. */
export function scratch(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "sluice-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

export function runningPod(name: string, namespace: string, workload: string, adminSocket: string): RunningPod {
  return { name, namespace, workload, labels: { app: workload }, ip: "127.0.0.1", adminSocket, ready: true };
}

export interface Named {
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string };
}

/**
 * An API server.
 *
 * @param pods    by namespace, or by namespace and label selector: `istio-system app=sluice`
 * @param forward the port of this machine that a pod's port is forwarded to
 * @param objects all others
 */
export function fakeApi(
  pods: Readonly<Record<string, readonly object[]>>,
  forward: (pod: string, port: number) => number,
  objects: readonly Named[] = [],
): KubeApi {
  return {
    namespace: "istioinaction",
    runningPods: async ({ namespace, labelSelector }) =>
      pods[labelSelector === undefined ? namespace : `${namespace} ${labelSelector}`] ?? [],
    get: async ({ plural, namespace, name }) =>
      objects.find(
        ({ kind, metadata }) =>
          `${kind.toLowerCase()}s` === plural && metadata.namespace === namespace && metadata.name === name,
      ),
    meshObjects: async () => objects,
    connect: async ({ name }, port) => connect({ host: "127.0.0.1", port: forward(name, port) }),
  };
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line: what a shell would see. */
export async function sluice(args: string, world: Partial<AnalyzeDeps>): Promise<Outcome> {
  const text = { out: "", err: "" };
  const print = (part: string): void => {
    text.out += part;
  };
  const err = (part: string): void => {
    text.err += part;
  };
  const deps: AnalyzeDeps = {
    version: "0.1.0",
    meshes: () => [],
    kubeconfig: () => undefined,
    kubeApi: async () => Promise.reject(new Error("no cluster")),
    readText: async (path) => testdata(path),
    http: httpAsk,
    nowMs: () => Date.parse("2026-11-24T00:00:00Z"),
    print,
    note: (line) => err(`${line}\n`),
    settings: defaultSettings,
    readFiles: async (path) => [{ file: path, text: testdata(path) }],
    tryModules: async () => [],
    ...world,
  };
  const program = newProgram("0.1.0", { out: print, err });
  registerProxyConfig(program, deps);
  registerProxyStatus(program, deps);
  registerVersion(program, deps);
  registerAnalyze(program, deps);
  return { code: await execute(program, args.split(" "), err), ...text };
}
