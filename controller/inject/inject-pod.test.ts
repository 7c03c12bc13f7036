import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { expand } from "../../test/support/kube/expand.ts";
import { defaultSettings } from "../model/mesh.ts";
import { fieldsOf } from "../model/raw-object.ts";
import type { PodNamespace } from "./decide.ts";
import { type Injection, injectPod } from "./inject-pod.ts";
import { type Json, objectsOf, viewOf } from "./pod.ts";
import { applyPatch } from "./test-support/apply-patch.ts";

const images = { sluice: "sluice/sluice:test", envoy: "envoyproxy/envoy:test" };
const shop = { name: "shop", labels: { "istio-injection": "enabled" } };

interface Case {
  readonly pod: Json;
  readonly namespace: PodNamespace;
}

function read(name: string): Case {
  const {
    pod,
    namespace = shop,
    ...rest
  } = parse(readFileSync(`${import.meta.dirname}/testdata/inject/${name}.yaml`, "utf8"));
  expect(rest).toEqual({});
  return { pod, namespace };
}

function injected(name: string): Injection & { readonly outcome: "injected" } {
  const injection = injectPod({ ...read(name), settings: defaultSettings, images });
  if (injection.outcome !== "injected") throw new Error(JSON.stringify(injection));
  return injection;
}

/** The bootstrap as Envoy gets it. */
function bootstrapOf(pod: Json): { readonly proxy: Json; readonly config: Json } {
  const { containers, initContainers } = viewOf(pod);
  const proxy = [...containers, ...initContainers].find(({ name }) => name === "istio-proxy") ?? {};
  const args = proxy["args"];
  const env = {
    POD_NAME: "the-pod",
    POD_NAMESPACE: "the-namespace",
    INSTANCE_IP: "10.0.0.7",
    SERVICE_ACCOUNT: "robot",
  };
  const text = Array.isArray(args) ? expand(String(args.at(-1)), new Map(Object.entries(env))) : "";
  return { proxy, config: parse(text) };
}

/** What can differ between pods: the rest stands in the golden of the bootstrap, and in those that are shown whole. */
function shown(injection: Injection, isWhole: boolean): unknown {
  if (injection.outcome !== "injected") return injection;
  const { proxy, config } = bootstrapOf(injection.pod);
  const args = Array.isArray(proxy["args"]) ? [...proxy["args"].slice(0, -1), "(bootstrap)"] : [];
  const { name, image, restartPolicy, resources, readinessProbe, lifecycle } = proxy;
  const brief = { name, image, restartPolicy, args, resources, readinessProbe, lifecycle };
  const view = viewOf(injection.pod);
  const shownOf = (container: Json) => (container === proxy ? (isWhole ? { ...proxy, args } : brief) : container);
  const inits = view.initContainers.length > 0 && { initContainers: view.initContainers.map(shownOf) };
  const spec = { ...view.spec, ...inits, containers: view.containers.map(shownOf) };
  const statics = fieldsOf(config["static_resources"]);
  return {
    outcome: injection.outcome,
    warnings: injection.warnings,
    pod: { ...injection.pod, spec },
    bootstrap: {
      node: config["node"],
      clusters: objectsOf(statics["clusters"]).slice(1),
      listeners: objectsOf(statics["listeners"]).slice(3),
      ...(isWhole ? { dynamic_resources: config["dynamic_resources"] } : {}),
    },
  };
}

const names = globSync(`${import.meta.dirname}/testdata/inject/*.yaml`)
  .map((file) => basename(file, ".yaml"))
  .filter((name) => !name.endsWith(".out"))
  .sort();

describe("a pod, and what is made of it", () => {
  test.each(names)("%s", async (name) => {
    const { pod, namespace } = read(name);
    const before = JSON.stringify(pod);
    const injection = injectPod({ pod, namespace, settings: defaultSettings, images });
    expect(JSON.stringify(pod)).toBe(before);
    if (injection.outcome === "injected") expect(applyPatch(pod, injection.patch)).toEqual(injection.pod);
    const text = stringify(shown(injection, ["deployment", "own-proxy", "user-volumes"].includes(name)), {
      lineWidth: 120,
      aliasDuplicateObjects: false,
    });
    await expect(text).toMatchFileSnapshot(`testdata/inject/${name}.out.yaml`);
  });
});

describe("the patch", () => {
  test("touches nothing else, whatever the pod has", () => {
    const paths = injected("unknown-fields").patch.map(({ op, path }) => `${op} ${path}`);
    expect(paths).toEqual([
      "add /metadata/annotations/istio.io~1rev",
      "add /metadata/annotations/kubectl.kubernetes.io~1default-container",
      "add /metadata/annotations/kubectl.kubernetes.io~1default-logs-container",
      "add /metadata/annotations/prometheus.io~1scrape",
      "add /metadata/annotations/prometheus.io~1port",
      "add /metadata/annotations/prometheus.io~1path",
      "add /metadata/annotations/sidecar.istio.io~1status",
      "add /metadata/labels",
      "replace /spec/containers/0/livenessProbe/httpGet/path",
      "replace /spec/containers/0/livenessProbe/httpGet/port",
      "add /spec/containers/-",
      "add /spec/volumes/-",
      "add /spec/volumes/-",
      "add /spec/volumes/-",
      "add /spec/initContainers",
    ]);
  });

  test.each(names)("of %s does not make a second proxy", (name) => {
    const { pod, namespace } = read(name);
    const first = injectPod({ pod, namespace, settings: defaultSettings, images });
    if (first.outcome !== "injected") return;
    const second = injectPod({ pod: first.pod, namespace, settings: defaultSettings, images });
    expect(second).toMatchObject({ outcome: "skipped", reason: "it has a proxy already" });
  });
});

test("labels that a pod names are taken out of the names of metrics, as the mesh's are", () => {
  const labelsOf = (name: string): readonly unknown[] => {
    const { stats_tags: tags } = fieldsOf(bootstrapOf(injected(name).pod).config["stats_config"]);
    return objectsOf(tags).map(({ tag_name: label }) => label);
  };
  expect(labelsOf("proxy-settings")).toEqual([...labelsOf("deployment"), "route", "tenant"]);
});

describe("Envoy refuses requests before its container's memory is full", () => {
  const heapOf = (pod: Json): unknown => {
    const { resource_monitors: monitors } = fieldsOf(bootstrapOf(pod).config["overload_manager"]);
    const heap = objectsOf(monitors).find(({ name }) => name === "envoy.resource_monitors.fixed_heap");
    return fieldsOf(heap?.["typed_config"])["max_heap_size_bytes"];
  };
  const mebi = 1024 ** 2;

  test.each`
    name                 | limit                            | bytes
    ${"deployment"}      | ${"1Gi, the default"}            | ${Math.floor(0.8 * 1024 * mebi)}
    ${"proxy-settings"}  | ${"256Mi, by annotation"}        | ${Math.floor(0.8 * 256 * mebi)}
    ${"own-proxy"}       | ${"2Gi, by its own container"}   | ${Math.floor(0.8 * 2048 * mebi)}
    ${"gateway"}         | ${"512Mi, by its own container"} | ${Math.floor(0.8 * 512 * mebi)}
    ${"unlimited-proxy"} | ${"none"}                        | ${undefined}
  `("$name: $limit", ({ name, bytes }) => {
    expect(heapOf(injected(name).pod)).toBe(bytes);
  });
});

describe("the namespace's and the pod's labels", () => {
  test.each`
    istioInjection | rev          | inject       | podRev       | proxy
    ${"enabled"}   | ${undefined} | ${undefined} | ${undefined} | ${true}
    ${"enabled"}   | ${undefined} | ${"true"}    | ${undefined} | ${true}
    ${"enabled"}   | ${undefined} | ${"false"}   | ${undefined} | ${false}
    ${"enabled"}   | ${"canary"}  | ${undefined} | ${undefined} | ${true}
    ${"disabled"}  | ${undefined} | ${undefined} | ${undefined} | ${false}
    ${"disabled"}  | ${undefined} | ${"true"}    | ${undefined} | ${false}
    ${"disabled"}  | ${"default"} | ${undefined} | ${undefined} | ${false}
    ${undefined}   | ${"default"} | ${undefined} | ${undefined} | ${true}
    ${undefined}   | ${"default"} | ${"false"}   | ${undefined} | ${false}
    ${undefined}   | ${"canary"}  | ${"true"}    | ${undefined} | ${false}
    ${undefined}   | ${undefined} | ${undefined} | ${undefined} | ${false}
    ${undefined}   | ${undefined} | ${"true"}    | ${undefined} | ${true}
    ${undefined}   | ${undefined} | ${undefined} | ${"default"} | ${true}
    ${undefined}   | ${undefined} | ${"false"}   | ${"default"} | ${false}
    ${undefined}   | ${undefined} | ${"true"}    | ${"canary"}  | ${false}
  `(
    "istio-injection $istioInjection, istio.io/rev $rev; pod: inject $inject, rev $podRev: proxy $proxy",
    ({ istioInjection, rev, inject, podRev, proxy }) => {
      const given = (labels: Readonly<Record<string, string | undefined>>) =>
        Object.fromEntries(
          Object.entries(labels).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
        );
      const labels = given({ "sidecar.istio.io/inject": inject, "istio.io/rev": podRev });
      const injection = injectPod({
        pod: { metadata: { name: "p", labels }, spec: { containers: [{ name: "app" }] } },
        namespace: { name: "shop", labels: given({ "istio-injection": istioInjection, "istio.io/rev": rev }) },
        settings: defaultSettings,
        images,
      });
      expect(injection.outcome).toBe(proxy ? "injected" : "skipped");
    },
  );
});
