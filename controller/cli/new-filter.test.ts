import { expect, test } from "vitest";
import { registerNewFilter } from "./new-filter.ts";
import { execute, newProgram } from "./program.ts";

async function newFilter(there: readonly string[], ...args: readonly string[]) {
  let [out, err] = ["", ""];
  const written = new Map<string, string>();
  const write = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const program = newProgram("0.1.0", write);
  registerNewFilter(program, {
    version: "0.1.0",
    exists: (path) => there.includes(path),
    writeNew: async (path, text) => {
      if (path.startsWith("/proc")) throw new Error(`EACCES: ${path}`);
      written.set(path, text);
    },
    print: write.out,
  });
  const code = await execute(program, ["filter", ...args], write.err);
  return { out, err, code, written };
}

test("in a repository that is there, a filter is a folder", async () => {
  const { out, code, written } = await newFilter(["./package.json"], "cart-limit");
  expect([...written.keys()]).toEqual([
    "./filters/cart-limit/assembly/index.ts",
    "./filters/cart-limit/assembly/config.ts",
    "./filters/cart-limit/assembly/tsconfig.json",
    "./filters/cart-limit/cart-limit.test.ts",
    "./filters/cart-limit/README.md",
  ]);
  expect(written.get("./filters/cart-limit/assembly/index.ts")).toContain("registerPlugin(() => new CartLimit());");
  expect(out).toContain("Next, in .: npm run asbuild cart-limit && npx vitest run filters/cart-limit\n");
  expect(code).toBe(0);
});

test("elsewhere the repository is made, too", async () => {
  const { out, written } = await newFilter([], "cart-limit", "/new");
  expect([...written.keys()].slice(0, 4)).toEqual([
    "/new/package.json",
    "/new/vitest.config.ts",
    "/new/asconfig.json",
    "/new/.gitignore",
  ]);
  expect(out).toContain("Next, in /new: npm install && npm test\n");
});

test.each([
  [[], ["Cart"], "Error: Cart is no name of a filter; write it as cart-limit\n", 64],
  [[], ["../cart"], "Error: ../cart is no name of a filter; write it as cart-limit\n", 64],
  [["./filters/cart"], ["cart"], "Error: ./filters/cart is there already; choose another name\n", 1],
  [[], ["cart", "/proc"], "Error: EACCES: /proc/package.json\n", 1],
])("where %j is there, new filter %j is refused, and nothing is written", async (there, args, message, exitCode) => {
  const { err, code, written } = await newFilter(there, ...args);
  expect({ err, code, written: written.size }).toEqual({ err: message, code: exitCode, written: 0 });
});
