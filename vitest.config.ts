import { defineConfig } from "vitest/config";
import { say } from "./setup/cache.mjs";
import { kubeObstacle, locateKube } from "./setup/kube.mjs";

const noKube = kubeObstacle() ?? (locateKube() ? undefined : "it is not built yet: npm run test:kube (8 min, once)");
if (noKube !== undefined && !process.argv.some((one) => one.startsWith("--project")))
  say(`leaving out the tests on a real Kubernetes API, ${noKube}`);

/** Filters are compiled so that they count what of them runs. */
const covers = process.argv.some((one) => one.startsWith("--coverage"));

export default defineConfig({
  test: {
    coverage: {
      provider: "istanbul",
      // All lines and branches of the filters are run by their tests, and stay so.
      thresholds: { "filters/*/assembly/**": { 100: true } },
    },
    projects: [
      {
        test: {
          name: "unit",
          setupFiles: covers ? ["sdk/vitest/coverage.ts"] : [],
          include: ["{sdk,controller,filters,examples}/**/*.test.ts", "test/*.test.ts"],
          testTimeout: 30_000, // where a module is not kept in build/test/ yet, the compiler takes seconds
          hookTimeout: 60_000,
        },
      },
      {
        // What starts real Envoys: after the unit tests, and a file at a time, because each takes both cores.
        test: {
          name: "envoy",
          include: ["test/{envoy,conformance}/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      // What starts a real Kubernetes API, where it is built. Last: an API server and its pods need both cores, too.
      ...(noKube === undefined
        ? [
            {
              test: {
                name: "kube",
                include: ["test/kube/**/*.test.ts"],
                fileParallelism: false,
                testTimeout: 120_000,
                hookTimeout: 120_000,
                sequence: { groupOrder: 2 },
              },
            },
          ]
        : []),
    ],
  },
});
