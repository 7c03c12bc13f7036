// What injection adds to a pod's creation, and how long the webhook itself takes.
import { Agent, request } from "node:https";
import type { KubeApi } from "../support/kube/api.ts";
import { type KubeMesh, shopNamespace } from "../support/kube/mesh.ts";
import type { Figure } from "./figures.ts";
import { controllerPod } from "./kube-mesh.ts";

const creations = 200;

/** By turns with and without, so that the machine's mood is the same for both. Nothing is stored. */
export async function injectionOf(mesh: KubeMesh): Promise<readonly Figure[]> {
  const { api } = mesh;
  await api.create("/api/v1/namespaces", { metadata: { name: "plain" } });
  await api.create("/api/v1/namespaces/plain/serviceaccounts", { metadata: { name: "catalog" } });
  await mesh.waitFor(
    () =>
      create(api, "plain").then(
        () => true,
        () => false,
      ),
    "namespace plain to take pods",
  );
  const [plain, injected]: [number[], number[]] = [[], []];
  for (let n = 0; n < creations; n++) {
    plain.push(await create(api, "plain"));
    injected.push(await create(api, shopNamespace));
  }
  const own = await webhookAlone(mesh);
  const how = `${creations} dry runs each, by turns`;
  return [
    { what: "pod's creation without injection", samples: plain, unit: "ms", how },
    { what: "pod's creation with injection", samples: injected, unit: "ms", how },
    {
      what: "injection: the webhook's own time",
      samples: own,
      unit: "ms",
      how: "called without the API server, one connection",
    },
  ];
}

async function create(api: KubeApi, namespace: string): Promise<number> {
  const startMs = performance.now();
  await api.create(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, podOf("measured"));
  return performance.now() - startMs;
}

/** Another of catalog's. */
export function podOf(name: string): object {
  const ports = [{ name: "http", containerPort: 3000 }];
  const env = [{ name: "KUBERNETES_NAMESPACE", value: shopNamespace }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: "measured" } },
    spec: {
      serviceAccountName: "catalog",
      containers: [{ name: "catalog", image: "istioinaction/catalog:latest", ports, env }],
    },
  };
}

async function webhookAlone(mesh: KubeMesh): Promise<number[]> {
  const host = await mesh.waitFor(async () => (await controllerPod(mesh))?.status?.podIP, "the controller");
  const ca = await mesh.shop("get", "configmap", "istio-ca-root-cert", "-o", "jsonpath={.data.root-cert\\.pem}");
  const agent = new Agent({ ca, servername: "sluice.istio-system.svc", keepAlive: true, maxSockets: 1 });
  const kind = { group: "", version: "v1", kind: "Pod" };
  const asked = { uid: "1", kind, operation: "CREATE", namespace: shopNamespace, object: podOf("measured") };
  const body = JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: asked });
  const post = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request({ host, port: 15017, path: "/inject", method: "POST", agent }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.once("end", () => resolve(text));
      });
      sent.once("error", reject);
      sent.setHeader("content-type", "application/json");
      sent.end(body);
    });
  const samples: number[] = [];
  for (let n = 0; n < creations; n++) {
    const startMs = performance.now();
    const answer = await post();
    samples.push(performance.now() - startMs);
    if (!answer.includes('"patch"')) throw new Error(`the webhook did not inject: ${answer}`);
  }
  agent.destroy();
  return samples;
}
