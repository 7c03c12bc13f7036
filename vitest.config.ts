import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{sdk,controller,filters,examples}/**/*.test.ts", "test/*.test.ts"],
          testTimeout: 30_000, // where a module is not kept in build/test/ yet, the compiler takes seconds
          hookTimeout: 60_000,
        },
      },
      {
        // What starts real Envoys: after the unit tests, and a file at a time, because each takes both cores.
        test: {
          name: "envoy",
          include: ["test/envoy/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
