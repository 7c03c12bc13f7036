import { describe, expect, test } from "vitest";
import { line, plugin, tell, virtualService } from "../mesh/test-support/tell.ts";
import { readDocuments } from "../sources/documents.ts";
import { parseObject } from "./parse-object.ts";

// What users are told of their YAML, word for word, with file, line and column. A change here is a change that users see.

const route = "http: [{route: [{destination: {host: catalog}}]}]";

describe("the text", () => {
  test.each`
    slip                     | text                                | told
    ${"no end of a flow"}    | ${"a: [1, 2\nb: 3"}                 | ${"mesh/a.yaml:2:1 can't be read as YAML: flow sequence in block collection must be sufficiently indented and end with a ]"}
    ${"a tab"}               | ${"a:\n\tb: 1"}                     | ${"mesh/a.yaml:2:1 can't be read as YAML: tabs are not allowed as indentation; indent with spaces"}
    ${"the same key twice"}  | ${"kind: A\nspec:\n  x: 1\n  x: 2"} | ${"mesh/a.yaml:4:3 can't be read as YAML: map keys must be unique; this key stands a second time here, remove one"}
    ${"a missing quote"}     | ${"kind: 'A"}                       | ${"mesh/a.yaml:1:9 can't be read as YAML: missing closing 'quote"}
    ${"a wrong indentation"} | ${"a:\n    b: 1\n  c: 2"}           | ${"mesh/a.yaml:3:1 can't be read as YAML: all mapping items must start at the same column"}
    ${"an alias to nothing"} | ${"a: *nowhere"}                    | ${"mesh/a.yaml:1:1 can't be read as YAML: Unresolved alias (the anchor must be set before the alias): nowhere"}
  `("$slip: $told", ({ text, told }) => {
    expect(tell(text).lines).toEqual([`error SLU0001 ${told}`]);
  });

  test("aliases and merge keys are fine", () => {
    const text =
      "apiVersion: v1\nkind: Service\nmetadata: &m {name: a, namespace: shop}\nspec: {selector: &s {app: a}}\n";
    expect(
      tell(`${text}---\napiVersion: v1\nkind: Service\nmetadata: {<<: {namespace: x}, name: b}\nspec: {}`),
    ).toEqual({
      lines: [],
      refs: ["Service shop/a", "Service x/b"],
    });
  });

  test("of two documents with one bad, the other works", () => {
    expect(tell(`a: [\n---\n${virtualService(`hosts: [catalog]\n${route}`).trim()}`)).toEqual({
      lines: [
        "error SLU0001 mesh/a.yaml:2:1 can't be read as YAML: flow sequence in block collection must be sufficiently indented and end with a ]",
      ],
      refs: ["VirtualService shop/catalog", "Service shop/catalog"],
    });
  });
});

describe("the object", () => {
  test.each`
    slip                        | text                                                                        | told
    ${"a list"}                 | ${"- a"}                                                                    | ${["error IST0106 mesh/a.yaml:1:1 is a list: an object is a mapping with apiVersion, kind and metadata"]}
    ${"no kind"}                | ${"apiVersion: v1\nmetadata: {name: a}"}                                    | ${["error IST0106 mesh/a.yaml:1:1 kind is missing"]}
    ${"no apiVersion"}          | ${"# x\nkind: Service\nmetadata: {name: a}"}                                | ${["error IST0106 mesh/a.yaml:2:1 apiVersion is missing"]}
    ${"no name"}                | ${"apiVersion: v1\nkind: Service\nmetadata: {}\nspec: {}"}                  | ${["error IST0106 mesh/a.yaml:3:1 metadata.name is missing"]}
    ${"a bad name"}             | ${"apiVersion: v1\nkind: Service\nmetadata: {name: A_b}\nspec: {}"}         | ${['error IST0106 mesh/a.yaml:3:18 Service default/A_b: metadata.name is "A_b": must be lower-case letters, digits, - and ., at most 253, with letters or digits at both ends']}
    ${"a misspelt kind"}        | ${"apiVersion: networking.istio.io/v1\nkind: VirtualServce"}                | ${['error IST0106 mesh/a.yaml:2:7 kind is "VirtualServce": networking.istio.io/v1 has no such kind; did you mean "VirtualService"?']}
    ${"an unknown version"}     | ${"apiVersion: networking.istio.io/v2\nkind: Gateway\nmetadata: {name: g}"} | ${['error IST0106 mesh/a.yaml:1:13 Gateway default/g: apiVersion is "networking.istio.io/v2": must be networking.istio.io/v1, networking.istio.io/v1beta1 or networking.istio.io/v1alpha3']}
    ${"a kind to come"}         | ${"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy"}            | ${['warning SLU0003 mesh/a.yaml:2:7 kind is "AuthorizationPolicy" of security.istio.io, which has no effect yet']}
    ${"a kind of Istio's past"} | ${"apiVersion: rbac.istio.io/v1alpha1\nkind: ServiceRole"}                  | ${['warning SLU0003 mesh/a.yaml:2:7 kind is "ServiceRole" of rbac.istio.io, which has no effect yet']}
    ${"a misspelt Deployment"}  | ${"apiVersion: apps/v1\nkind: Deploymnet"}                                  | ${['error IST0106 mesh/a.yaml:2:7 kind is "Deploymnet": apps/v1 has no such kind; did you mean "Deployment"?']}
    ${"a kind of no concern"}   | ${"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}"}                   | ${[]}
  `("$slip: $told", ({ text, told }) => {
    expect(tell(text).lines).toEqual(told);
  });

  test.each([
    ["as long as a pod's may be", `${"a".repeat(238)}-7f6d9c4b-x2k9q`, 0],
    ["longer", `${"a".repeat(239)}-7f6d9c4b-x2k9q`, 1],
    ["with an empty part", "a..b", 1],
  ])("a name %s", (_, name, errors) => {
    const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: []}`;
    expect(tell(pod).lines).toHaveLength(errors);
  });

  test("twice: the first counts, and the other place is named", () => {
    const service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\nspec: {}\n";
    expect(tell(service, `# copy\n${service}`)).toEqual({
      lines: [
        "error SLU0002 mesh/b.yaml:5:9 Service default/a stands already in mesh/a.yaml:4:9, and that one counts; remove one of them",
      ],
      refs: ["Service default/a"],
    });
  });
});

describe("Service", () => {
  test.each`
    spec                                                                           | told
    ${"type: ExternalName\n  externalName: a.example"}                             | ${"type is ExternalName, which has no effect yet; write a ServiceEntry for the name"}
    ${"sessionAffinity: ClientIP"}                                                 | ${"sessionAffinity is ClientIP, which has no effect yet: each request may go to another pod"}
    ${"internalTrafficPolicy: Local"}                                              | ${"internalTrafficPolicy is Local, which has no effect yet: calls go to pods of all nodes"}
    ${"trafficDistribution: PreferSameZone"}                                       | ${"trafficDistribution is PreferSameZone, which has no effect yet: calls go to pods of all zones and nodes"}
    ${"sessionAffinity: None\n  internalTrafficPolicy: Cluster\n  type: NodePort"} | ${undefined}
  `("$spec: $told", ({ spec, told }) => {
    const [column] = /\S+$/.exec(spec.split("\n")[0]) ?? [];
    const { lines, refs } = tell(`apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ${spec}\n`);
    const at = `mesh/a.yaml:5:${spec.indexOf(column) + 3}`;
    expect({ lines, refs }).toEqual({
      lines: told === undefined ? [] : [`warning SLU0003 ${at} Service default/a: spec.${told}`],
      refs: ["Service default/a"],
    });
  });
});

describe("VirtualService", () => {
  test.each`
    slip                       | spec                                                                                                                                                                                | told
    ${"an unknown field"}      | ${"hosts: [catalog]\nhttp:\n- timeot: 2s\n  route: [{destination: {host: catalog}}]"}                                                                                               | ${'7:13 VirtualService shop/catalog: spec.http[0].timeot is an unknown field "timeot"; did you mean "timeout"?'}
    ${"a field like no other"} | ${`hosts: [catalog]\nzebra: 1\n${route}`}                                                                                                                                           | ${'6:10 VirtualService shop/catalog: spec.zebra is an unknown field "zebra"; known here: exportTo, gateways, hosts, http, tcp, tls'}
    ${"a wrong type"}          | ${"hosts: catalog\nhttp: [{route: [{destination: {host: catalog}}]}]"}                                                                                                              | ${'5:10 VirtualService shop/catalog: spec.hosts is "catalog": must be a list'}
    ${"a number as text"}      | ${"hosts: [catalog]\nhttp:\n- name: 1\n  route: [{destination: {host: catalog}}]"}                                                                                                  | ${"7:11 VirtualService shop/catalog: spec.http[0].name is 1: must be text; write it in quotes"}
    ${"no unit"}               | ${"hosts: [catalog]\nhttp:\n- timeout: 10\n  route: [{destination: {host: catalog}}]"}                                                                                              | ${'7:14 VirtualService shop/catalog: spec.http[0].timeout is 10: a unit is missing; write "10s" or "10m"'}
    ${"a bad duration"}        | ${"hosts: [catalog]\nhttp:\n- timeout: 2 s\n  route: [{destination: {host: catalog}}]"}                                                                                             | ${'7:14 VirtualService shop/catalog: spec.http[0].timeout is "2 s": not a duration; write numbers with units h, m, s or ms: "2s", "500ms", "1h30m"'}
    ${"a bad enum"}            | ${"hosts: [catalog]\nhttp:\n- redirect: {scheme: ftp}"}                                                                                                                             | ${'7:24 VirtualService shop/catalog: spec.http[0].redirect.scheme is "ftp": must be http or https'}
    ${"a port out of range"}   | ${"hosts: [catalog]\nhttp:\n- route: [{destination: {host: catalog, port: {number: 70000}}}]"}                                                                                      | ${"7:58 VirtualService shop/catalog: spec.http[0].route[0].destination.port.number is 70000: port numbers are 1 to 65535"}
    ${"nothing required"}      | ${"hosts: [catalog]\nhttp:\n- route:\n  - weight: 3"}                                                                                                                               | ${"8:7 VirtualService shop/catalog: spec.http[0].route[0].destination is missing"}
    ${"no action"}             | ${"hosts: [catalog]\nhttp:\n- timeout: 2s"}                                                                                                                                         | ${"7:5 VirtualService shop/catalog: spec.http[0] has no action: HTTP route, redirect or direct_response is required"}
    ${"two actions"}           | ${"hosts: [catalog]\nhttp:\n- route: [{destination: {host: catalog}}]\n  directResponse: {status: 200}"}                                                                            | ${"7:5 VirtualService shop/catalog: spec.http[0] has route and directResponse: only one of them can be the answer"}
    ${"bad weights"}           | ${"hosts: [catalog]\nhttp:\n- route:\n  - {destination: {host: a}}\n  - {destination: {host: b}}"}                                                                                  | ${"7:5 VirtualService shop/catalog: spec.http[0].route has weights that add up to 0: total destination weight = 0; give each destination a weight"}
    ${"too much weight"}       | ${"hosts: [catalog]\nhttp:\n- route:\n  - {destination: {host: a}, weight: 2147483647}\n  - {destination: {host: b}, weight: 2147483647}\n  - {destination: {host: c}, weight: 2}"} | ${"7:5 VirtualService shop/catalog: spec.http[0].route has weights that add up to 4294967296: at most 4294967295; divide them all by the same number"}
    ${"a negative weight"}     | ${"hosts: [catalog]\nhttp:\n- route: [{destination: {host: catalog}, weight: -1}]"}                                                                                                 | ${"7:52 VirtualService shop/catalog: spec.http[0].route[0].weight is -1: must be 0 or more"}
    ${"a lookahead"}           | ${"hosts: [catalog]\nhttp:\n- match: [{uri: {regex: (?=a)}}]\n  route: [{destination: {host: catalog}}]"}                                                                           | ${'7:27 VirtualService shop/catalog: spec.http[0].match[0].uri.regex is "(?=a)": RE2, which Envoy uses, has no lookahead and lookbehind'}
    ${"a broken regex"}        | ${'hosts: [catalog]\nhttp:\n- match: [{uri: {regex: "(a"}}]\n  route: [{destination: {host: catalog}}]'}                                                                            | ${'7:27 VirtualService shop/catalog: spec.http[0].match[0].uri.regex is "(a": not a regular expression: unterminated group'}
    ${"two ways to match"}     | ${"hosts: [catalog]\nhttp:\n- match: [{uri: {exact: /a, prefix: /b}}]\n  route: [{destination: {host: catalog}}]"}                                                                  | ${"7:14 VirtualService shop/catalog: spec.http[0].match[0].uri must have one of exact, prefix or regex"}
    ${"a retry condition"}     | ${"hosts: [catalog]\nhttp:\n- retries: {attempts: 1, retryOn: '5xx,50'}\n  route: [{destination: {host: catalog}}]"}                                                                | ${'7:37 VirtualService shop/catalog: spec.http[0].retries.retryOn is "5xx,50": "50" is not a retry condition; known: 5xx, gateway-error, reset, reset-before-request, connect-failure, envoy-ratelimited, retriable-4xx, refused-stream, retriable-status-codes, retriable-headers, http3-post-connect-failure, cancelled, deadline-exceeded, internal, resource-exhausted, unavailable, and status codes'}
    ${"all hosts in the mesh"} | ${`hosts: ["*"]\n${route}`}                                                                                                                                                         | ${'5:11 VirtualService shop/catalog: spec.hosts[0] is "*": wildcard host * is not allowed for virtual services bound to the mesh gateway; name the host, or a Gateway'}
    ${"a delegate"}            | ${"hosts: [catalog]\nhttp:\n- delegate: {name: x}"}                                                                                                                                 | ${"7:5 VirtualService shop/catalog: spec.http[0].delegate is not supported yet; write the routes here"}
    ${"only tcp"}              | ${"hosts: [catalog]\ntcp: []"}                                                                                                                                                      | ${"4:1 VirtualService shop/catalog: spec.http is missing: http must be provided in virtual service: tcp and tls have no effect yet"}
  `("$slip: $told", ({ spec, told }) => {
    const { lines, refs } = tell(virtualService(spec));
    expect(lines.filter((text) => text.startsWith("error"))).toEqual([`error IST0106 mesh/a.yaml:${told}`]);
    expect(refs).toEqual(["Service shop/catalog"]);
  });

  test.each`
    setting      | value               | complaint
    ${"minimum"} | ${"5"}              | ${'a unit is missing; write "5s" or "5m"'}
    ${"minimum"} | ${"main=soon"}      | ${'not a duration; write numbers with units h, m, s or ms: "2s", "500ms", "1h30m"'}
    ${"minimum"} | ${"0s"}             | ${"must be 1ms or more"}
    ${"minimum"} | ${"1500us"}         | ${"must be whole milliseconds"}
    ${"minimum"} | ${"2h"}             | ${"must be 1h or less"}
    ${"minimum"} | ${"none"}           | ${'not a duration; write numbers with units h, m, s or ms: "2s", "500ms", "1h30m"'}
    ${"minimum"} | ${"mian=5ms, 20ms"} | ${'no route has the name "mian"; there are main'}
    ${"default"} | ${"25h"}            | ${"must be 24h or less"}
    ${"default"} | ${"main=never"}     | ${'not a duration; write numbers with units h, m, s or ms: "2s", "500ms", "1h30m"'}
    ${"default"} | ${"mian=none"}      | ${'no route has the name "mian"; there are main'}
  `("sluice.dev/deadline-$setting of $value: $complaint", ({ setting, value, complaint }) => {
    const written = `metadata: {name: catalog, namespace: shop, annotations: {sluice.dev/deadline-${setting}: "${value}"}}`;
    const route =
      "http: [{name: main, route: [{destination: {host: catalog}}]}, {route: [{destination: {host: catalog}}]}]";
    const text = virtualService(`hosts: [catalog]\n${route}`).replace(/metadata: .*/, written);
    const where = "mesh/a.yaml:3:87 VirtualService shop/catalog: metadata.annotations.sluice.dev";
    expect(tell(text).lines).toEqual([`error IST0106 ${where}/deadline-${setting} is "${value}": ${complaint}`]);
  });

  test("a field without effect is named, and the rest of the object counts", () => {
    const told = tell(
      virtualService(
        "hosts: [catalog]\nhttp:\n- fault: {abort: {httpStatus: 500}}\n  corsPolicy:\n  route: [{destination: {host: catalog}}]",
      ),
    );
    expect(told.lines).toEqual([
      "warning SLU0003 mesh/a.yaml:7:5 VirtualService shop/catalog: spec.http[0].fault has no effect yet",
    ]);
    expect(told.refs).toEqual(["VirtualService shop/catalog", "Service shop/catalog"]);
  });

  test("all problems at once, in the order of the file", () => {
    const spec = "hosts: [catalog]\nhttp:\n- timeout: 10\n  retries: {attempts: three}\n  rout: []\n  fault: {}";
    expect(tell(virtualService(spec)).lines.map((text) => text.replace(/ VirtualService shop\/catalog/, ""))).toEqual([
      'error IST0106 mesh/a.yaml:7:14: spec.http[0].timeout is 10: a unit is missing; write "10s" or "10m"',
      'error IST0106 mesh/a.yaml:8:25: spec.http[0].retries.attempts is "three": must be a number',
      'error IST0106 mesh/a.yaml:9:5: spec.http[0].rout is an unknown field "rout"; did you mean "route"?',
      "warning SLU0003 mesh/a.yaml:10:5: spec.http[0].fault has no effect yet",
    ]);
  });
});

describe("WasmPlugin", () => {
  const good = "url: builtin://deadline\n";
  test.each`
    slip                         | spec                                                                | told
    ${"no url"}                  | ${"phase: AUTHN"}                                                   | ${"4:1 WasmPlugin shop/p: spec.url is missing: url field needs to be set"}
    ${"an empty url"}            | ${'url: ""'}                                                        | ${'5:8 WasmPlugin shop/p: spec.url is "": url field needs to be set'}
    ${"an unsupported scheme"}   | ${"url: ftp://x/y.wasm"}                                            | ${'5:8 WasmPlugin shop/p: spec.url is "ftp://x/y.wasm": url contains unsupported scheme: ftp; write file:///folder/module.wasm or builtin://<filter>'}
    ${"no scheme, which is oci"} | ${"url: ghcr.io/x"}                                                 | ${'5:8 WasmPlugin shop/p: spec.url is "ghcr.io/x": url contains unsupported scheme: oci; write file:///folder/module.wasm or builtin://<filter>'}
    ${"a short sha256"}          | ${`${good}sha256: abc`}                                             | ${'6:11 WasmPlugin shop/p: spec.sha256 is "abc": sha256 field must be 64 characters long, and this has 3'}
    ${"a wrong sha256"}          | ${`${good}sha256: ${"G".repeat(64)}`}                               | ${`6:11 WasmPlugin shop/p: spec.sha256 is "${"G".repeat(56)}...: sha256 field must match [a-f0-9]{64} pattern`}
    ${"a bad enum"}              | ${`${good}failStrategy: FAIL_FAST`}                                 | ${'6:17 WasmPlugin shop/p: spec.failStrategy is "FAIL_FAST": must be FAIL_CLOSE, FAIL_OPEN or FAIL_RELOAD'}
    ${"a variable twice"}        | ${`${good}vmConfig: {env: [{name: A}, {name: A}]}`}                 | ${'6:38 WasmPlugin shop/p: spec.vmConfig.env[1].name is "A": duplicate env'}
    ${"a value beside HOST"}     | ${`${good}vmConfig: {env: [{name: A, valueFrom: HOST, value: b}]}`} | ${'6:54 WasmPlugin shop/p: spec.vmConfig.env[0].value is "b": value may only be set when valueFrom is INLINE'}
    ${"a port out of range"}     | ${`${good}match: [{ports: [{number: 70000}]}]`}                     | ${"6:29 WasmPlugin shop/p: spec.match[0].ports[0].number is 70000: spec.Match[0].Ports[0] is out of range: 70000; port numbers are 1 to 65535"}
    ${"a wildcard label"}        | ${`${good}selector: {matchLabels: {app: "a*"}}`}                    | ${'6:33 WasmPlugin shop/p: spec.selector.matchLabels.app is "a*": wildcard not allowed in label value match'}
    ${"targetRefs"}              | ${`${good}targetRefs: []`}                                          | ${"6:3 WasmPlugin shop/p: spec.targetRefs is not supported yet: without it the plugin would act on more workloads; write selector"}
  `("$slip: $told", ({ spec, told }) => {
    expect(tell(plugin(spec)).lines).toEqual([`error IST0106 mesh/a.yaml:${told}`]);
  });

  test.each`
    field                         | told
    ${"failStrategy: FAIL_CLOSE"} | ${"info SLU0004 mesh/a.yaml:6:17 WasmPlugin shop/p: spec.failStrategy is FAIL_CLOSE, which runs as Envoy's FAIL_RELOAD: after a trap requests are denied until the filter has been loaded again by itself"}
    ${"type: NETWORK"}            | ${"info SLU0003 mesh/a.yaml:6:9 WasmPlugin shop/p: spec.type is NETWORK: the plugin sees connections that speak no HTTP; those that do, and gateways, pass without it"}
  `("what $field means here is told", ({ field, told }) => {
    const [raw] = readDocuments(plugin(`${good}${field}`).trim(), "mesh/a.yaml").objects;
    expect(raw && parseObject(raw).problems.map(line)).toEqual([told]);
  });
});

describe("other kinds", () => {
  const object = (kind: string, spec: string, api = "networking.istio.io/v1"): string =>
    `apiVersion: ${api}\nkind: ${kind}\nmetadata: {name: x}\nspec: ${spec}`;
  test.each`
    slip                           | text                                                                                                                                                    | told
    ${"a Gateway with TLS"}        | ${object("Gateway", "{servers: [{port: {number: 443, name: a, protocol: TLS}, tls: {}, hosts: [a]}]}")}                                                 | ${['4:58 Gateway default/x: spec.servers[0].port.protocol is "TLS": TLS is not supported yet, and the port must not be open without it; write HTTP', "4:64 Gateway default/x: spec.servers[0].tls is not supported yet: the port would be open without TLS"]}
    ${"a port name twice"}         | ${object("Gateway", "{servers: [{port: {number: 1, name: a, protocol: HTTP}, hosts: [a]}, {port: {number: 2, name: a, protocol: HTTP}, hosts: [a]}]}")} | ${['4:101 Gateway default/x: spec.servers[1].port.name is "a": port names in servers must be unique: duplicate name a']}
    ${"a subset twice"}            | ${object("DestinationRule", "{host: x, subsets: [{name: a}, {name: a}]}")}                                                                              | ${['4:45 DestinationRule default/x: spec.subsets[1].name is "a": duplicate subset names']}
    ${"a percentage"}              | ${object("DestinationRule", "{host: x, trafficPolicy: {outlierDetection: {maxEjectionPercent: 101}}}")}                                                 | ${["4:72 DestinationRule default/x: spec.trafficPolicy.outlierDetection.maxEjectionPercent is 101: percentages are 0 to 100"]}
    ${"TLS with own certificates"} | ${object("DestinationRule", "{host: x, trafficPolicy: {tls: {mode: MUTUAL, credentialName: c}}}")}                                                      | ${["4:45 DestinationRule default/x: spec.trafficPolicy.tls.mode is MUTUAL, which is not supported yet: the client would have no certificate; write mode ISTIO_MUTUAL or SIMPLE", "4:69 DestinationRule default/x: spec.trafficPolicy.tls.credentialName is not supported yet: the client would have no certificate; write mode ISTIO_MUTUAL or SIMPLE"]}
    ${"roots beside no TLS"}       | ${object("DestinationRule", "{host: x, trafficPolicy: {tls: {caCertificates: c}}}")}                                                                    | ${["4:55 DestinationRule default/x: spec.trafficPolicy.tls.caCertificates has no place beside mode DISABLE; leave it out or write mode SIMPLE"]}
    ${"an empty policy"}           | ${object("DestinationRule", "{host: x, trafficPolicy: {}}")}                                                                                            | ${["4:17 DestinationRule default/x: spec.trafficPolicy is empty: traffic policy must have at least one field"]}
    ${"a name under STATIC"}       | ${object("ServiceEntry", "{hosts: [a.io], resolution: STATIC, endpoints: [{address: b.io}]}")}                                                          | ${['4:65 ServiceEntry default/x: spec.endpoints[0].address is "b.io": must be an IP address under resolution STATIC; write resolution: DNS for host names']}
    ${"a wildcard under DNS"}      | ${object("ServiceEntry", '{hosts: ["*.io"], resolution: DNS}')}                                                                                         | ${['4:16 ServiceEntry default/x: spec.hosts[0] is "*.io", which can\'t be resolved: write endpoints, or a name without wildcard']}
    ${"an empty Sidecar"}          | ${object("Sidecar", "{}")}                                                                                                                              | ${["4:1 Sidecar default/x: spec is empty: write ingress or egress"]}
    ${"a host without namespace"}  | ${object("Sidecar", "{egress: [{hosts: [a.io]}]}")}                                                                                                     | ${['4:26 Sidecar default/x: spec.egress[0].hosts[0] is "a.io": must be <namespace>/<host>: ./*, shop/* or */*']}
    ${"a wrong endpoint"}          | ${object("Sidecar", '{ingress: [{port: {number: 80, protocol: HTTP}, defaultEndpoint: "10.0.0.1:80"}]}')}                                               | ${['4:72 Sidecar default/x: spec.ingress[0].defaultEndpoint is "10.0.0.1:80": must be 127.0.0.1:<port>, 0.0.0.0:<port>, [::1]:<port>, [::]:<port> or unix:///path']}
    ${"a bad protocol"}            | ${object("Sidecar", "{ingress: [{port: {number: 80, protocol: HTPP}}]}")}                                                                               | ${['4:48 Sidecar default/x: spec.ingress[0].port.protocol is "HTPP": must be HTTP, HTTP2, GRPC, GRPC-WEB, HTTP_PROXY, HTTPS, TLS, TCP, MONGO, MYSQL, REDIS or UDP']}
    ${"no address"}                | ${object("WorkloadEntry", "{ports: {http: 80}}")}                                                                                                       | ${["4:1 WorkloadEntry default/x: spec.address is missing"]}
    ${"a target port"}             | ${object("Service", "{ports: [{port: 80, targetPort: 0}]}", "v1")}                                                                                      | ${["4:39 Service default/x: spec.ports[0].targetPort is 0: port numbers are 1 to 65535"]}
    ${"a port without name"}       | ${object("Service", "{ports: [{port: 80}, {port: 81}]}", "v1")}                                                                                         | ${["4:28 Service default/x: spec.ports[1].name is missing: with several ports each needs a name"]}
    ${"a selector for others"}     | ${object("Deployment", "{selector: {matchLabels: {a: b}}, template: {spec: {containers: []}}}", "apps/v1")}                                             | ${["4:19 Deployment default/x: spec.selector.matchLabels does not match the labels of spec.template.metadata"]}
    ${"a mode of no Istio"}        | ${object("PeerAuthentication", "{mtls: {mode: OFF}}", "security.istio.io/v1")}                                                                          | ${['4:21 PeerAuthentication default/x: spec.mtls.mode is "OFF": must be UNSET, DISABLE, PERMISSIVE or STRICT']}
    ${"ports without selector"}    | ${object("PeerAuthentication", "{portLevelMtls: {80: {mode: STRICT}}}", "security.istio.io/v1")}                                                        | ${["4:8 PeerAuthentication default/x: spec.portLevelMtls needs selector.matchLabels, which say whose ports these are"]}
    ${"a port that is none"}       | ${object("PeerAuthentication", "{selector: {matchLabels: {a: b}}, portLevelMtls: {0: {mode: STRICT}}}", "security.istio.io/v1")}                        | ${["4:41 PeerAuthentication default/x: spec.portLevelMtls has a key that is no port: port numbers are 1 to 65535"]}
    ${"a label that is none"}      | ${object("Telemetry", "{metrics: [{overrides: [{tagOverrides: {a-b: {value: request.host}}}]}]}", "telemetry.istio.io/v1")}                             | ${["4:47 Telemetry default/x: spec.metrics[0].overrides[0].tagOverrides.a-b is no label: letters, digits and _, not beginning with a digit"]}
    ${"a label without value"}     | ${object("Telemetry", "{metrics: [{overrides: [{tagOverrides: {a: {}}}]}]}", "telemetry.istio.io/v1")}                                                  | ${["4:47 Telemetry default/x: spec.metrics[0].overrides[0].tagOverrides.a.value is missing: tagOverrides.value must be set when operation is UPSERT"]}
    ${"a value that is removed"}   | ${object("Telemetry", "{metrics: [{overrides: [{tagOverrides: {a: {operation: REMOVE, value: request.host}}}]}]}", "telemetry.istio.io/v1")}            | ${["4:77 Telemetry default/x: spec.metrics[0].overrides[0].tagOverrides.a.value is set: tagOverrides.value may only be set when operation is UPSERT"]}
    ${"a label that is no CEL"}    | ${object("Telemetry", "{metrics: [{overrides: [{tagOverrides: {a: {value: request.}}}]}]}", "telemetry.istio.io/v1")}                                   | ${['4:58 Telemetry default/x: spec.metrics[0].overrides[0].tagOverrides.a.value is "request.": not an expression in CEL: end of input at column 9 can\'t stand there']}
    ${"a filter that is no CEL"}   | ${object("Telemetry", '{accessLogging: [{filter: {expression: ""}}]}', "telemetry.istio.io/v1")}                                                        | ${['4:46 Telemetry default/x: spec.accessLogging[0].filter.expression is "": an expression is missing']}
    ${"a percentage of traces"}    | ${object("Telemetry", "{tracing: [{randomSamplingPercentage: 101}]}", "telemetry.istio.io/v1")}                                                         | ${["4:45 Telemetry default/x: spec.tracing[0].randomSamplingPercentage is 101: must be 100 or less"]}
    ${"a tag of two types"}        | ${object("Telemetry", "{tracing: [{customTags: {a: {literal: {value: b}, header: {name: c}}}}]}", "telemetry.istio.io/v1")}                             | ${["4:32 Telemetry default/x: spec.tracing[0].customTags.a must have exactly one of literal, environment, header and formatter"]}
    ${"a tag of no header"}        | ${object("Telemetry", '{tracing: [{customTags: {a: {header: {name: "x y"}}}}]}', "telemetry.istio.io/v1")}                                              | ${['4:51 Telemetry default/x: spec.tracing[0].customTags.a.header.name is "x y": not a valid header name']}
    ${"a report all the time"}     | ${object("Telemetry", "{metrics: [{reportingInterval: 0s}]}", "telemetry.istio.io/v1")}                                                                 | ${['4:38 Telemetry default/x: spec.metrics[0].reportingInterval is "0s": must be 1ms or more']}
    ${"a report without unit"}     | ${object("Telemetry", "{metrics: [{reportingInterval: 5}]}", "telemetry.istio.io/v1")}                                                                  | ${['4:38 Telemetry default/x: spec.metrics[0].reportingInterval is 5: a unit is missing; write "5s" or "5m"']}
    ${"a telemetry of a Gateway"}  | ${object("Telemetry", "{targetRefs: [{kind: Gateway, name: g}]}", "telemetry.istio.io/v1")}                                                             | ${["4:8 Telemetry default/x: spec.targetRefs is not supported yet: without it the telemetry would be of more workloads; write selector"]}
    ${"a number as variable"}      | ${object("Deployment", "{selector: {}, template: {spec: {containers: [{name: c, env: [{name: A, value: 1}]}]}}}", "apps/v1")}                           | ${["4:86 Deployment default/x: spec.template.spec.containers[0].env[0].value is 1: must be text; write it in quotes"]}
  `("$slip: $told", ({ text, told }) => {
    expect(tell(text).lines).toEqual(told.map((one: string) => `error IST0106 mesh/a.yaml:${one}`));
  });
});

test("what a Telemetry asks for and does not get is told", () => {
  const text = `apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: x}
spec:
  metrics:
  - providers: [{name: stackdriver}]
    overrides: [{match: {customMetric: mine}, disabled: true}]
  accessLogging: [{providers: [{name: otel}]}]
  tracing:
  - providers: [{name: zipkin}, {name: jaeger}]
    useRequestIdForTraceSampling: false
    disableContextPropagation: true
`;
  const about = (place: string, what: string): string =>
    `warning SLU0003 mesh/a.yaml:${place} Telemetry default/x: spec.${what}`;
  expect(tell(text).lines).toEqual([
    about(
      "6:24",
      'metrics[0].providers[0].name is "stackdriver", which has no effect: the only provider of metrics is prometheus',
    ),
    about(
      "7:40",
      "metrics[0].overrides[0].match.customMetric has no effect: there are no metrics but Istio's, which match.metric names; a WasmPlugin can count others",
    ),
    about(
      "8:39",
      'accessLogging[0].providers[0].name is "otel", which has no effect: the only provider of accessLogging is envoy',
    ),
    about(
      "10:40",
      'tracing[0].providers[1].name is "jaeger", which has no effect: the only provider of tracing is zipkin, whose API Jaeger and OpenTelemetry\'s collector take, too',
    ),
    about(
      "11:35",
      "tracing[0].useRequestIdForTraceSampling is false, which has no effect: Envoy holds that in its listeners, whose change would close connections; what a caller has decided counts before the request id",
    ),
    about(
      "12:32",
      "tracing[0].disableContextPropagation is true, which has no effect: Envoy holds that in its listeners, whose change would close connections; the headers must be removed behind this proxy",
    ),
  ]);
  expect(tell(text).refs).toContain("Telemetry default/x");
});
