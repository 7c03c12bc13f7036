import { describe, expect, test } from "vitest";
import { plugin, tell, virtualService } from "./test-support/tell.ts";

// What users are told of their YAML, word for word, with file, line and column. A change here is a change that users see.

const route = "http: [{route: [{destination: {host: catalog}}]}]";

describe("references", () => {
  const rule = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: catalog, namespace: shop}
spec: {host: catalog, subsets: [{name: v1, labels: {version: v1}}]}
`;
  test.each`
    slip                      | spec                                                                                                                                                        | told
    ${"an unknown host"}      | ${"http: [{route: [{destination: {host: catalogue}}]}]"}                                                                                                    | ${'error IST0101 mesh/a.yaml:6:40 VirtualService shop/catalog: spec.http[0].route[0].destination.host is "catalogue": Referenced host not found: "catalogue": there is no Service or ServiceEntry for catalogue.shop.svc.cluster.local; did you mean "catalog"?'}
    ${"an unknown full host"} | ${"http: [{route: [{destination: {host: a.example.com}}]}]"}                                                                                                | ${'error IST0101 mesh/a.yaml:6:40 VirtualService shop/catalog: spec.http[0].route[0].destination.host is "a.example.com": Referenced host not found: "a.example.com"'}
    ${"an unknown subset"}    | ${"http: [{route: [{destination: {host: catalog, subset: v9}}]}]"}                                                                                          | ${'error IST0101 mesh/a.yaml:6:57 VirtualService shop/catalog: spec.http[0].route[0].destination.subset is "v9": Referenced host+subset in destinationrule not found: "catalog+v9"; the subsets are v1'}
    ${"an unknown port"}      | ${"http: [{route: [{destination: {host: catalog, port: {number: 81}}}]}]"}                                                                                  | ${'error IST0101 mesh/a.yaml:6:64 VirtualService shop/catalog: spec.http[0].route[0].destination.port.number is 81: Referenced host:port not found: "catalog:81"; its ports are 80'}
    ${"an unknown gateway"}   | ${`gateways: [edge]\n${route}`}                                                                                                                             | ${'error IST0101 mesh/a.yaml:6:14 VirtualService shop/catalog: spec.gateways[0] is "edge": Referenced gateway not found: "edge"'}
    ${"an unreachable rule"}  | ${"http: [{route: [{destination: {host: catalog}}]}, {route: [{destination: {host: catalog}}]}]"}                                                           | ${"warning IST0130 mesh/a.yaml:6:53 VirtualService shop/catalog: spec.http[1] is never reached: spec.http[0] matches everything"}
    ${"a repeated match"}     | ${"http: [{match: [{uri: {exact: /a}}], route: [{destination: {host: catalog}}]}, {match: [{uri: {exact: /a}}], route: [{destination: {host: catalog}}]}]"} | ${"warning IST0130 mesh/a.yaml:6:82 VirtualService shop/catalog: spec.http[1] is never reached: its matches stand in earlier rules"}
  `("$slip: $told", ({ spec, told }) => {
    const { lines, refs } = tell(virtualService(`hosts: [catalog]\n${spec}`) + rule);
    expect(lines).toEqual([told]);
    expect(refs).toContain("VirtualService shop/catalog");
  });

  const others: readonly { slip: string; text: string; told: readonly string[] }[] = [
    {
      slip: "several ports and none chosen",
      text: `${virtualService(`hosts: [catalog]\n${route.replaceAll("catalog", "two")}`)}---
apiVersion: v1
kind: Service
metadata: {name: two, namespace: shop}
spec: {ports: [{name: http, port: 80}, {name: http-b, port: 81}]}
`,
      told: [
        "error IST0112 mesh/a.yaml:6:20 VirtualService shop/catalog: spec.http[0].route[0].destination.port is missing: two has the ports 80, 81, and one must be chosen",
      ],
    },
    {
      slip: "a host of two VirtualServices",
      text: `${virtualService(`hosts: [catalog]\n${route}`)}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other, namespace: shop}
spec: {hosts: [catalog.shop.svc.cluster.local], ${route}}
`,
      told: [
        'error IST0109 mesh/a.yaml:16:16 VirtualService shop/other: spec.hosts[0] is "catalog.shop.svc.cluster.local", a host that VirtualService shop/catalog defines too for gateway mesh; merge them into one',
      ],
    },
    {
      slip: "a host that the Gateway does not serve",
      text: `${virtualService(`hosts: [a.io, b.io]\ngateways: [edge]\n${route}`)}---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*.io", a.io]}, {port: {number: 81, name: b, protocol: HTTP}, hosts: ["other/*"]}]}
`.replace('"*.io", ', ""),
      told: [
        'warning IST0132 mesh/a.yaml:5:17 VirtualService shop/catalog: spec.hosts[1] is "b.io", which Gateway shop/edge does not serve; its hosts are a.io, other/*',
      ],
    },
    {
      slip: "a DestinationRule for no host, and a subset without pods",
      text: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: nothing, namespace: shop}
spec: {host: nothing}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: catalog, namespace: shop}
spec:
  host: catalog
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: v1
kind: Service
metadata: {name: catalog, namespace: shop}
spec: {selector: {app: catalog}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: catalog, namespace: shop}
spec: {selector: {}, template: {metadata: {labels: {app: catalog, version: v1}}, spec: {containers: []}}}
`,
      told: [
        'warning IST0173 mesh/a.yaml:11:55 DestinationRule shop/catalog: spec.subsets[1].name is "v2", which selects no pods: requests to it get 503; none of catalog has version=v2',
        'warning IST0174 mesh/a.yaml:4:14 DestinationRule shop/nothing: spec.host is "nothing": no Service or ServiceEntry has the host nothing.shop.svc.cluster.local',
      ],
    },
    {
      slip: "a WasmPlugin that selects nothing",
      text: plugin("selector: {matchLabels: {app: nothing}}\nurl: builtin://deadline"),
      told: [
        "warning IST0127 mesh/a.yaml:5:14 WasmPlugin shop/p: spec.selector.matchLabels matches nothing: no workload of namespace shop has the labels app=nothing",
      ],
    },
    {
      slip: "Telemetries beside others, and one of the root that selects what is elsewhere",
      text: ["a: {}", "b: {}", "c: {selector: {matchLabels: {app: p}}}", "d: {selector: {matchLabels: {app: p}}}"]
        .map((one, i) => {
          const [name, spec] = one.split(/: (.*)/);
          const namespace = i < 2 ? "shop" : "istio-system";
          return `apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;
        })
        .join("---\n"),
      told: [
        "error IST0160 mesh/a.yaml:9:1 Telemetry shop/b: spec has no effect: Telemetry shop/a comes before it and decides for namespace shop; merge them into one",
        "error IST0159 mesh/a.yaml:19:1 Telemetry istio-system/d: spec has no effect: Telemetry istio-system/c comes before it and decides for the workloads that it selects; merge them into one",
        "warning IST0127 mesh/a.yaml:14:19 Telemetry istio-system/c: spec.selector.matchLabels matches nothing: no workload of namespace istio-system has the labels app=p",
        "warning IST0127 mesh/a.yaml:19:19 Telemetry istio-system/d: spec.selector.matchLabels matches nothing: no workload of namespace istio-system has the labels app=p",
      ],
    },
    {
      slip: "a PeerAuthentication beside another one, and one that selects nothing",
      text: ["a: {}", "b: {mtls: {mode: STRICT}}", "c: {selector: {matchLabels: {app: nothing}}}"]
        .map((one) => {
          const [name, spec] = one.split(/: (.*)/);
          return `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: ${name}, namespace: shop}\nspec: ${spec}\n`;
        })
        .join("---\n"),
      told: [
        "warning SLU0006 mesh/a.yaml:9:1 PeerAuthentication shop/b: spec has no effect: PeerAuthentication shop/a comes before it and decides for namespace shop; merge them into one",
        "warning IST0127 mesh/a.yaml:14:19 PeerAuthentication shop/c: spec.selector.matchLabels matches nothing: no workload of namespace shop has the labels app=nothing",
      ],
    },
    {
      slip: "a host of two ServiceEntries",
      text: ["a", "b"]
        .map(
          (name) =>
            `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: ${name}}\nspec: {hosts: [x.example.com]}\n`,
        )
        .join("---\n"),
      told: [
        'warning SLU0005 mesh/a.yaml:9:16 ServiceEntry default/b: spec.hosts[0] is "x.example.com", a host that ServiceEntry default/a has already: that one counts',
      ],
    },
  ];
  test.each(others)("$slip: $told", ({ text, told }) => {
    expect(tell(text).lines).toEqual(told);
  });
});
