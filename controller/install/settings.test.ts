import { expect, test } from "vitest";
import { defaultInstallSettings, imagesOf, readSettings } from "./settings.ts";

const defaults = defaultInstallSettings("1.2.3");

test.each`
  texts                                               | settings
  ${[]}                                               | ${{}}
  ${["profile=minimal"]}                              | ${{ profile: "minimal" }}
  ${["hub=registry.example.com/a", "tag=x", "tag=y"]} | ${{ hub: "registry.example.com/a", tag: "y" }}
  ${["values.global.tracer.zipkin.address=a.b:1"]}    | ${{ zipkin: "a.b:1" }}
  ${["values.global.proxy.clusterDomain=a.example"]}  | ${{ clusterDomain: "a.example" }}
  ${["meshConfig.trustDomain=a", "trustDomain=b.c"]}  | ${{ trustDomain: "b.c" }}
  ${["certificateTtl=90m", "gatewayNodePort=31000"]}  | ${{ certificateTtl: "90m", gatewayNodePort: 31000 }}
  ${["proxyImage=envoy@sha256:0=="]}                  | ${{ proxyImage: "envoy@sha256:0==" }}
`("$texts change $settings", ({ texts, settings }) => {
  expect(readSettings(texts, defaults)).toEqual({ settings: { ...defaults, ...settings }, problems: [] });
});

test("all that is wrong is said at once, and what is not wrong counts", () => {
  expect(readSettings(["profil=demo", "profile=demo", "tag=", "hub", "hub=a"], defaults)).toEqual({
    settings: { ...defaults, hub: "a" },
    problems: [
      '--set profil=demo: "profil" is no setting; there are profile, hub, tag, proxyImage, clusterDomain, trustDomain, certificateTtl, gatewayNodePort, zipkin',
      '--set profile=demo: "demo" is no profile; there are default (control plane and ingress gateway) and minimal (control plane alone)',
      "--set tag=: a value is missing; write tag=<value>",
      "--set hub: a value is missing; write hub=<value>",
    ],
  });
});

test.each`
  text                       | problem
  ${"clusterDomain=a_b"}     | ${'"a_b" is no DNS name, such as cluster.local'}
  ${"trustDomain=spiffe://"} | ${'"spiffe://" is no trust domain, such as cluster.local'}
  ${"zipkin=a"}              | ${'"a" is no host and port, such as zipkin.istio-system:9411'}
  ${"certificateTtl=24"}     | ${'a unit is missing; write "24s" or "24m"'}
  ${"certificateTtl=1ms"}    | ${"must be 1s or more"}
  ${"gatewayNodePort=x"}     | ${"a port is 1 to 65535"}
  ${"gatewayNodePort=65536"} | ${"a port is 1 to 65535"}
`("$text: $problem", ({ text, problem }) => {
  expect(readSettings([text], defaults)).toEqual({ settings: defaults, problems: [`--set ${text}: ${problem}`] });
});

test("the image is that of this version", () => {
  expect(imagesOf(defaults)).toEqual({
    sluice: "sluice/sluice:1.2.3",
    envoy: "envoyproxy/envoy:distroless-v1.40.0",
  });
});
