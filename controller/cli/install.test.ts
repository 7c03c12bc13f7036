import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { everything } from "../install/components.ts";
import { memoryApi } from "../install/test-support/memory-api.ts";
import type { KubeObject } from "../kube/api.ts";
import { realClock } from "../ports/clock.ts";
import { registerInstall } from "./install.ts";
import type { InstallDeps } from "./install-deps.ts";
import { registerPrecheck } from "./precheck.ts";
import { execute, newProgram } from "./program.ts";
import { registerUninstall } from "./uninstall.ts";
import { registerVerifyInstall } from "./verify-install.ts";

/** @param answer to a question; absent: there must be none */
async function sluice(line: string, answer?: boolean, api: InstallDeps["installApi"] = () => Promise.reject(noApi)) {
  let output = "";
  const questions: string[] = [];
  const write = (text: string): void => {
    output += text;
  };
  const program = newProgram("1.2.3", { out: write, err: write });
  const deps: InstallDeps = {
    version: "1.2.3",
    installApi: api,
    clock: realClock,
    print: write,
    async confirm(question) {
      questions.push(question);
      if (answer === undefined) throw new Error("asked");
      return answer;
    },
  };
  for (const register of [registerInstall, registerUninstall, registerVerifyInstall, registerPrecheck])
    register(program, deps);
  const code = await execute(program, line.split(" "), write);
  return { code, output, questions };
}

const noApi = Object.assign(new Error("no kubeconfig found"), { name: "KubeError" });

test("install --dry-run prints all objects, and asks no API server", async () => {
  const { code, output } = await sluice("install --dry-run --set hub=example.com/a");
  const objects = parseAllDocuments(output).map((document) => document.toJS() as { kind: string });
  expect(code).toBe(0);
  expect([...new Set(objects.map(({ kind }) => kind))]).toEqual([
    ...["CustomResourceDefinition", "Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role"],
    ...["RoleBinding", "Service", "NetworkPolicy"],
    ...["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "Deployment"],
  ]);
  expect(output).toContain("image: example.com/a/sluice:1.2.3");
});

test("what is set for the mesh comes to the controller and the gateway", async () => {
  const set = ["clusterDomain=a.example", "meshConfig.trustDomain=td", "certificateTtl=1h", "gatewayNodePort=31000"];
  const { output } = await sluice(`install --dry-run ${set.map((one) => `--set ${one}`).join(" ")}`);
  const objects = parseAllDocuments(output).map((document) => document.toJS());
  const text = (kind: string, name: string): string =>
    JSON.stringify(objects.find((object) => object.kind === kind && object.metadata.name === name));
  expect(text("Deployment", "sluice")).toContain(
    '"args":["controller","--kubernetes","--cluster-domain=a.example","--trust-domain=td","--certificate-ttl=1h","--zipkin=zipkin.istio-system:9411"]',
  );
  expect(text("Deployment", "istio-ingressgateway")).toContain("$(POD_NAMESPACE).svc.a.example");
  expect(text("Deployment", "istio-ingressgateway")).not.toContain("cluster.local");
  expect(text("Service", "istio-ingressgateway")).toContain('"nodePort":31000');
});

test("settings that are no good are all told, before anything is asked", async () => {
  expect(await sluice("install --set profil=a --timeout 5")).toEqual({
    code: 64,
    output:
      'Error: --set profil=a: "profil" is no setting; there are profile, hub, tag, proxyImage, clusterDomain, trustDomain, certificateTtl, gatewayNodePort, zipkin\n--timeout is "5": a unit is missing; write "5s" or "5m"\n',
    questions: [],
  });
});

test("install asks, and a no changes nothing", async () => {
  const api = memoryApi();
  const { code, output, questions } = await sluice("install --set profile=minimal", false, async () => api);
  expect([code, output, questions]).toEqual([
    1,
    "Error: Cancelled.\n",
    [
      'This will install the Sluice 1.2.3 minimal profile with ["Sluice core" "Control plane"] components into the cluster. Proceed? (y/N) ',
    ],
  ]);
  expect(api.objects.size).toBe(0);
});

test("uninstall asks, and a yes removes all", async () => {
  const api = memoryApi();
  expect((await sluice("install -y --no-wait", undefined, async () => api)).code).toBe(0);
  const { code, output, questions } = await sluice("uninstall", true, async () => api);
  expect(questions).toEqual(["All Sluice resources will be pruned from the cluster. Proceed? (y/N) "]);
  expect([code, output.split("\n").at(-3), api.objects.size]).toEqual([0, "✔ Uninstall complete", 0]);
});

/** As Helm leaves the chart's objects: its own marks on all but the definitions. */
function byHelm(object: KubeObject): KubeObject {
  if (object.kind === "CustomResourceDefinition") return object;
  const labels = { ...object.metadata.labels, "app.kubernetes.io/managed-by": "Helm" };
  const annotations = { ...object.metadata.annotations, "meta.helm.sh/release-name": "mesh" };
  return { ...object, metadata: { ...object.metadata, labels, annotations } };
}

test.each`
  command           | said
  ${"install -y"}   | ${"Error: Sluice is installed as Helm release mesh; helm upgrade brings it up to date\n"}
  ${"uninstall -y"} | ${"Error: Sluice is installed as Helm release mesh: helm uninstall it first; sluice uninstall then removes what Helm leaves\n"}
`("$command changes nothing of what Helm installed", async ({ command, said }) => {
  const api = memoryApi({ objects: everything("1.2.3").map(byHelm) });
  const before = [...api.objects];
  expect(await sluice(command, undefined, async () => api)).toEqual({ code: 1, output: said, questions: [] });
  expect([...api.objects]).toEqual(before);
});

test("uninstall removes the definitions that Helm leaves", async () => {
  const left = everything("1.2.3").filter(({ kind }) => kind === "CustomResourceDefinition");
  const api = memoryApi({ objects: left });
  expect((await sluice("uninstall -y", undefined, async () => api)).code).toBe(0);
  expect(api.objects.size).toBe(0);
});

test.each(["install -y", "uninstall -y", "verify-install", "x precheck", "experimental precheck"])(
  "sluice %s without a cluster says what is missing",
  async (line) => expect(await sluice(line)).toMatchObject({ code: 1, output: "Error: no kubeconfig found\n" }),
);
