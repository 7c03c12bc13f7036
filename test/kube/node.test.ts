// What the pod runner works out without a cluster.
import type { V1EndpointSlice, V1Pod, V1Service } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import { userOf } from "../support/kube/container-script.ts";
import { expand } from "../support/kube/expand.ts";
import { imageOf } from "../support/kube/images.ts";
import { podField, resourceField } from "../support/kube/pod-fields.ts";
import { hostsFile, natRules } from "../support/kube/services.ts";

// the cases of k8s.io/kubernetes/third_party/forked/golang/expansion/expand_test.go that differ in kind
test.each`
  text                    | expanded
  ${"$(A)-$(B)"}          | ${"a-b"}
  ${"$(A)$(A)"}           | ${"aa"}
  ${"$(NONE)"}            | ${"$(NONE)"}
  ${"$$(A)"}              | ${"$(A)"}
  ${"$$$(A)"}             | ${"$a"}
  ${"$$$$(A)"}            | ${"$$(A)"}
  ${"$A"}                 | ${"$A"}
  ${"$(A"}                | ${"$(A"}
  ${"cost: 5$"}           | ${"cost: 5$"}
  ${"$()"}                | ${"$()"}
  ${"$(REF)"}             | ${"$(A)"}
  ${"--id=$(A)\n$(B): x"} | ${"--id=a\nb: x"}
`("$text is expanded to $expanded", ({ text, expanded }: { text: string; expanded: string }) => {
  expect(
    expand(
      text,
      new Map([
        ["A", "a"],
        ["B", "b"],
        ["REF", "$(A)"],
      ]),
    ),
  ).toBe(expanded);
});

const echo: V1Service = {
  metadata: { name: "echo", namespace: "shop" },
  spec: { clusterIPs: ["198.19.0.9"], ports: [{ name: "http", port: 80, nodePort: 30_000 }] },
};
const headless: V1Service = {
  metadata: { name: "peers", namespace: "shop" },
  spec: { clusterIPs: ["None"], ports: [{ name: "http", port: 80 }] },
};

function slice(service: string, ...endpoints: { ip: string; ready: boolean; serving?: boolean }[]): V1EndpointSlice {
  return {
    addressType: "IPv4",
    metadata: { namespace: "shop", labels: { "kubernetes.io/service-name": service } },
    ports: [{ name: "http", port: 8080 }],
    endpoints: endpoints.map(({ ip, ready, serving = ready }) => ({
      addresses: [ip],
      conditions: { ready, serving, terminating: !ready },
    })),
  };
}

describe("a Service on the node", () => {
  const targets = (...endpoints: { ip: string; ready: boolean; serving?: boolean }[]) =>
    [
      ...natRules({ services: [echo], slices: [slice("echo", ...endpoints)] }, "198.18.0.2").matchAll(
        /--to-destination (\S+)/g,
      ),
    ].map(([, to]) => to);

  test("is translated by ClusterIP and NodePort, to each endpoint with the same chance", () => {
    const endpoints = ["198.18.0.11", "198.18.0.12", "198.18.0.13"].map((ip) => ({ ip, ready: true }));
    const rules = natRules({ services: [echo], slices: [slice("echo", ...endpoints)] }, "198.18.0.2");
    const chain = /-d 198\.19\.0\.9\/32 -p tcp --dport 80 -j (\S+)/.exec(rules)?.[1];
    expect(rules).toContain(`-d 198.18.0.2/32 -p tcp --dport 30000 -j ${chain}\n`);
    expect(rules.split("\n").filter((line) => line.startsWith(`-A ${chain}`))).toEqual([
      `-A ${chain} -p tcp -m statistic --mode random --probability 0.333333 -j DNAT --to-destination 198.18.0.11:8080`,
      `-A ${chain} -p tcp -m statistic --mode random --probability 0.500000 -j DNAT --to-destination 198.18.0.12:8080`,
      `-A ${chain} -p tcp -j DNAT --to-destination 198.18.0.13:8080`,
    ]);
  });

  test("leaves out what is not ready, unless nothing else serves", () => {
    const ready = { ip: "198.18.0.11", ready: true };
    const ending = { ip: "198.18.0.12", ready: false, serving: true };
    const dead = { ip: "198.18.0.13", ready: false };
    expect(targets(ready, ending, dead)).toEqual(["198.18.0.11:8080"]);
    expect(targets(ending, dead)).toEqual(["198.18.0.12:8080"]);
    expect(targets(dead)).toEqual([]);
  });

  test("has its names in every pod, the short one in its own namespace; a headless one is its endpoints", () => {
    const state = {
      services: [echo, headless],
      slices: [slice("peers", { ip: "198.18.0.21", ready: true }, { ip: "198.18.0.22", ready: true })],
    };
    expect(hostsFile(state, { name: "web-1", namespace: "shop", ip: "198.18.0.30" })).toBe(`127.0.0.1 localhost
198.18.0.30 web-1
198.19.0.9 echo echo.shop echo.shop.svc echo.shop.svc.cluster.local
198.18.0.21 peers peers.shop peers.shop.svc peers.shop.svc.cluster.local
198.18.0.22 peers peers.shop peers.shop.svc peers.shop.svc.cluster.local
`);
    expect(hostsFile(state, { name: "x", namespace: "other", ip: "198.18.0.31" })).toContain("\n198.19.0.9 echo.shop ");
  });
});

describe("the downward API", () => {
  const pod: V1Pod = {
    metadata: { name: "web-1", namespace: "shop", labels: { b: '2 "x"', a: "1" }, annotations: { "x.y/z": "note" } },
    spec: { containers: [], serviceAccountName: "web" },
  };
  const placement = { podIp: "198.18.0.10", hostIp: "198.18.0.1", nodeName: "node-1" };

  test.each([
    ["metadata.name", "web-1"],
    ["metadata.labels", 'a="1"\nb="2 \\"x\\""'],
    ["metadata.labels['a']", "1"],
    ["metadata.annotations['x.y/z']", "note"],
    ["spec.serviceAccountName", "web"],
    ["status.podIP", "198.18.0.10"],
  ])("%s", (path, value) => {
    expect(podField(pod, path, placement)).toBe(value);
  });

  test("a field that pods don't have is refused", () => {
    expect(() => podField(pod, "spec.color", placement)).toThrow("pods have no field spec.color");
  });

  test.each([
    ["limits.cpu", "1", "2"],
    ["limits.cpu", "1m", "1500"],
    ["limits.memory", "1Mi", "128"],
    ["requests.memory", "0", "0"],
  ])("%s divided by %s is %s", (resource, divisor, value) => {
    const container = { name: "app", resources: { limits: { cpu: "1500m", memory: "128Mi" } } };
    expect(resourceField(container, resource, divisor)).toBe(value);
  });
});

describe("a container's user", () => {
  const image = { entrypoint: ["x"] };
  const pod = (securityContext: object): V1Pod => ({ spec: { containers: [], securityContext } });

  test("is the container's, else the pod's, else the image's; root has Docker's capabilities", () => {
    expect(userOf(pod({}), { name: "a" }, { ...image, uid: 65532 }).uid).toBe(65532);
    expect(userOf(pod({ runAsUser: 5, fsGroup: 7 }), { name: "a" }, image)).toMatchObject({
      uid: 5,
      gid: 0,
      groups: [7],
    });
    const own = { name: "a", securityContext: { runAsUser: 9, capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] } } };
    expect(userOf(pod({ runAsUser: 5 }), own, image)).toMatchObject({ uid: 9, capabilities: ["net_admin"] });
    expect(userOf(pod({}), { name: "a" }, image).capabilities).not.toContain("net_admin");
  });

  test("may not be root where the pod forbids it", () => {
    expect(() => userOf(pod({ runAsNonRoot: true }), { name: "a" }, image)).toThrow("runAsNonRoot");
  });
});

test("the longest beginning of an image's name counts", () => {
  const images = { "shop/": { entrypoint: ["any"] }, "shop/catalog": { entrypoint: ["catalog"] } };
  expect(imageOf(images, "shop/catalog:latest").entrypoint).toEqual(["catalog"]);
  expect(() => imageOf(images, "nginx")).toThrow("no image nginx: the test's images are shop/, shop/catalog");
});
