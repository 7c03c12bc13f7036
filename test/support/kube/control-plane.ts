// etcd, kube-apiserver, kube-controller-manager and the kubelet, as processes of this machine.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Kube } from "../../../setup/kube.mjs";
import { until } from "../wait.ts";
import { KubeApi } from "./api.ts";
import { writeCertificates } from "./certificates.ts";
import { Daemon } from "./daemon.ts";
import type { Slot } from "./slot.ts";

/** The controllers that tests need: namespaces, service accounts and their CA, Deployments, StatefulSets, endpoints, owner references. */
const controllers = [
  "serviceaccount-controller",
  "namespace-controller",
  "endpointslice-controller",
  "deployment-controller",
  "replicaset-controller",
  "statefulset-controller",
  "root-ca-certificate-publisher-controller",
  "garbage-collector-controller",
];

const ports = { apiserver: 6443, kubelet: 10250, etcd: 2379, etcdPeer: 2380 } as const;

export interface ControlPlane {
  /** `https://198.18.0.1:6443` */
  readonly server: string;
  /** Of the administrator. */
  readonly kubeconfig: string;
  readonly api: KubeApi;
  readonly kubeletPort: number;
  /** Of each program that doesn't run any more: how it has ended, with the end of its log. */
  ends(): readonly string[];
  /** SIGKILL, and a new one over the same data; resolves when it is ready. */
  restartApiServer(): Promise<void>;
  /** The API server is ended until this is called again with `true`. */
  setApiServer(running: boolean): Promise<void>;
  /** etcd stands still for `ms`; resolves when it goes on. */
  stopEtcd(ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** Where the kubelet finds the pods. */
  readonly podsDir: string;
  /** How long after a pod its endpoints follow. */
  readonly endpointLagMs: number;
}

export async function startControlPlane(
  slot: Slot,
  kube: Kube,
  { podsDir, endpointLagMs }: ControlPlaneOptions,
): Promise<ControlPlane> {
  const { dir } = slot;
  const server = `https://${slot.hostIp}:${ports.apiserver}`;
  await writeCertificates(dir, {
    apiserver: {
      subject: "CN=kube-apiserver",
      hosts: [slot.hostIp, slot.serviceRange.replace(/0\/20$/, "1"), "kubernetes", "kubernetes.default.svc"],
    },
    kubelet: { subject: "CN=kubelet", hosts: [slot.hostIp] },
    admin: { subject: "O=system:masters, CN=admin" },
    kcm: { subject: "CN=system:kube-controller-manager" },
    "kubelet-client": { subject: "CN=kube-apiserver-kubelet-client" }, // the name that setup/kube/kubelet asks for
  });
  const daemon = (name: string, argv: readonly string[]): Daemon =>
    new Daemon({ argv, dir, log: join(dir, `${name}.log`) });
  const etcd = daemon("etcd", etcdCommand(slot, kube.etcd));
  const startApiServer = (): Daemon => daemon("apiserver", apiServerCommand(slot, kube.apiserver));
  let apiServer = startApiServer();
  const kubelet = daemon("kubelet", [
    kube.kubelet,
    `--root=${podsDir}`,
    `--address=${slot.hostIp}:${ports.kubelet}`,
    ...["--cert=kubelet.crt", "--key=kubelet.key", "--ca=ca.crt"],
  ]);
  const kubeconfig = await writeKubeconfig(dir, server, "admin");
  const kcmKubeconfig = await writeKubeconfig(dir, server, "kcm");
  let kcm: Daemon | undefined;
  const api = new KubeApi({
    server,
    ca: await readFile(join(dir, "ca.crt"), "utf8"),
    cert: await readFile(join(dir, "admin.crt"), "utf8"),
    key: await readFile(join(dir, "admin.key"), "utf8"),
  });
  const ends = (): readonly string[] => [etcd, apiServer, kubelet, kcm].flatMap((one) => one?.end() ?? []);
  const ready = async (): Promise<void> => {
    const state = await until(
      async () => ends()[0] ?? ((await api.get("/readyz")) === "ok" && "ready"), // what has ended doesn't come back
      () => `the API server to be ready; it wrote:\n${apiServer.lastLines()}`,
      { deadlineMs: 90_000 },
    );
    if (state !== "ready") throw new Error(state);
  };
  const setApiServer = async (running: boolean): Promise<void> => {
    if (!running) return apiServer.kill();
    apiServer = startApiServer();
    await ready();
  };
  const close = async (): Promise<void> => {
    api.close();
    await Promise.all([kcm, kubelet, apiServer, etcd].map((one) => one?.kill()));
  };
  try {
    await ready();
    kcm = daemon("kcm", controllerManagerCommand(kube, kcmKubeconfig, endpointLagMs)); // not before: it gives up after 10 s without a server
    const account = "/api/v1/namespaces/default/serviceaccounts/default"; // without one no pod is taken
    await until(async () => ends()[0] ?? api.get(account).catch(() => undefined), "the first service account");
  } catch (error) {
    await close();
    throw error;
  }
  return {
    server,
    kubeconfig,
    api,
    kubeletPort: ports.kubelet,
    ends,
    setApiServer,
    async restartApiServer() {
      await setApiServer(false);
      await setApiServer(true);
    },
    async stopEtcd(ms) {
      etcd.signal("SIGSTOP");
      await pause(ms);
      etcd.signal("SIGCONT");
    },
    close,
  };
}

function etcdCommand({ loopbackIp }: Slot, path: string): string[] {
  const clients = `http://${loopbackIp}:${ports.etcd}`;
  const peers = `http://${loopbackIp}:${ports.etcdPeer}`;
  return [
    path,
    "--data-dir=etcd-data",
    `--listen-client-urls=${clients}`,
    `--advertise-client-urls=${clients}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
    "--unsafe-no-fsync",
  ];
}

function apiServerCommand({ hostIp, loopbackIp, serviceRange }: Slot, path: string): string[] {
  return [
    path,
    `--etcd-servers=http://${loopbackIp}:${ports.etcd}`,
    `--bind-address=${hostIp}`,
    `--advertise-address=${hostIp}`,
    `--secure-port=${ports.apiserver}`,
    "--tls-cert-file=apiserver.crt",
    "--tls-private-key-file=apiserver.key",
    "--client-ca-file=ca.crt",
    "--kubelet-client-certificate=kubelet-client.crt",
    "--kubelet-client-key=kubelet-client.key",
    "--kubelet-certificate-authority=ca.crt",
    "--authorization-mode=RBAC",
    "--allow-privileged=true",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--api-audiences=https://kubernetes.default.svc",
    "--service-account-key-file=sa.pub",
    "--service-account-signing-key-file=sa.key",
    `--service-cluster-ip-range=${serviceRange}`,
    "--enable-aggregator-routing=true", // webhooks go to the endpoints of a Service: this machine has no kube-proxy
    "--profiling=false",
  ];
}

function controllerManagerCommand(kube: Kube, kubeconfig: string, endpointLagMs: number): string[] {
  return [
    kube.controllerManager,
    `--kubeconfig=${kubeconfig}`,
    "--use-service-account-credentials=true",
    "--leader-elect=false",
    "--secure-port=0",
    `--controllers=${controllers.join(",")}`,
    `--endpointslice-updates-batch-period=${endpointLagMs}ms`,
    "--service-account-private-key-file=sa.key",
    "--root-ca-file=ca.crt",
  ];
}

async function writeKubeconfig(dir: string, server: string, user: string): Promise<string> {
  const data = async (file: string): Promise<string> => (await readFile(join(dir, file))).toString("base64");
  const path = join(dir, `${user}.kubeconfig`);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user } }],
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": await data("ca.crt") } }],
    users: [
      {
        name: user,
        user: {
          "client-certificate-data": await data(`${user}.crt`),
          "client-key-data": await data(`${user}.key`),
        },
      },
    ],
  };
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}
