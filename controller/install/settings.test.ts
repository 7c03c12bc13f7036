import { expect, test } from "vitest";
import { defaultInstallSettings, imagesOf, readSettings } from "./settings.ts";

const defaults = defaultInstallSettings("1.2.3");

test.each`
  texts                                               | settings
  ${[]}                                               | ${{}}
  ${["profile=minimal"]}                              | ${{ profile: "minimal" }}
  ${["hub=registry.example.com/a", "tag=x", "tag=y"]} | ${{ hub: "registry.example.com/a", tag: "y" }}
  ${["proxyImage=envoy@sha256:0=="]}                  | ${{ proxyImage: "envoy@sha256:0==" }}
`("$texts change $settings", ({ texts, settings }) => {
  expect(readSettings(texts, defaults)).toEqual({ settings: { ...defaults, ...settings }, problems: [] });
});

test("all that is wrong is said at once, and what is not wrong counts", () => {
  expect(readSettings(["profil=demo", "profile=demo", "tag=", "hub", "hub=a"], defaults)).toEqual({
    settings: { ...defaults, hub: "a" },
    problems: [
      '--set profil=demo: "profil" is no setting; there are profile, hub, tag, proxyImage',
      '--set profile=demo: "demo" is no profile; there are default and minimal',
      "--set tag=: a value is missing; write tag=<value>",
      "--set hub: a value is missing; write hub=<value>",
    ],
  });
});

test("the image is that of this version", () => {
  expect(imagesOf(defaults)).toEqual({
    sluice: "sluice/sluice:1.2.3",
    envoy: "envoyproxy/envoy:distroless-v1.40.0",
  });
});
