import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { describe, expect, test } from "vitest";

// Who may import whom. A folder may always import itself; what is not listed here is forbidden.

const root = dirname(import.meta.dirname);
const builtin = (name: string): string => `node:${name}`;

interface Rule {
  /** Folders, or `folder/file.ts` for one file of a folder. */
  readonly may: readonly string[];
  /** Packages and node: modules. */
  readonly packages?: readonly string[];
  /** Files of the folder that touch the outside world, with what else they may import. */
  readonly edges?: Readonly<Record<string, readonly string[]>>;
}

/** Loaded when a filter evaluates an expression. */
const cel = ["@bufbuild/cel", "@bufbuild/protobuf", "@bufbuild/protobuf/reflect", "@bufbuild/protobuf/wkt"];

const rules: Record<string, Rule> = {
  "sdk/assembly": { may: ["sdk/abi"], packages: ["util/string"] }, // of the standard library
  "sdk/abi": { may: [] },
  "sdk/cel": { may: [] },
  "sdk/module": { may: ["sdk/abi"] },
  "sdk/host": {
    may: ["sdk/abi", "sdk/cel", "sdk/module"],
    packages: ["node:crypto", "node:zlib"],
    edges: { "load.ts": ["node:fs/promises", "node:path"], "expressions.ts": ["node:module", ...cel] },
  },
  "sdk/vitest": { may: ["sdk/host"], packages: ["vitest"], edges: { "coverage.ts": ["node:path"] } },
  "sdk/build": {
    may: ["sdk/abi", "sdk/module"],
    edges: {
      "api-reference.ts": ["assemblyscript"],
      "build-filter.ts": ["node:fs", "node:path", "node:process", "node:zlib"],
      "compile.ts": ["node:fs/promises", "node:path", "assemblyscript", "assemblyscript/asc"],
      "compiler.ts": ["assemblyscript/asc"],
      "config-class.ts": ["assemblyscript"],
      "coverage.ts": ["assemblyscript"],
      "declaration.ts": ["node:fs", "node:path"],
      "filters.ts": ["node:fs", "node:path"],
      "host-reference.ts": ["@babel/parser"],
      "made-from.ts": ["node:crypto", "node:fs", "node:module", "node:path"],
      "main.ts": ["node:fs", "node:path", "node:process", "node:util"],
      "overrides.ts": ["assemblyscript"],
      "place.ts": ["assemblyscript"],
      "pack.ts": ["node:child_process", "node:fs", "node:path", "node:process"],
      "quiet-logs.ts": ["assemblyscript"],
      "shared-state.ts": ["assemblyscript"],
      "typed-config.ts": ["assemblyscript"],
      "version.ts": ["node:fs"],
      "watch.ts": ["node:fs", "node:path"],
      "write-api.ts": ["node:fs", "node:path"],
    },
  },
  "controller/model": { may: ["controller/package.json"] }, // the version
  "controller/ports": { may: [] },
  "controller/crd": { may: ["controller/model", "controller/ports", "sdk/cel"], packages: ["zod"] },
  "controller/sources": {
    may: ["controller/model", "controller/ports"],
    packages: ["yaml"],
    edges: {
      "files.ts": ["node:fs", "node:fs/promises", "node:path"],
      "walk.ts": ["node:fs/promises", "node:path"],
    },
  },
  "controller/mesh": { may: ["controller/model", "controller/ports"] },
  "controller/ca": {
    may: ["controller/model", "controller/ports"],
    packages: ["jose"],
    edges: {
      "authority.ts": ["node:crypto", "node:net"],
      "file-root-store.ts": ["node:fs/promises", "node:path"],
      "read-root.ts": ["node:crypto"],
      "run-token-key.ts": ["node:crypto", "node:fs/promises"],
      "x509.ts": ["@peculiar/x509", "reflect-metadata"],
    },
  },
  "controller/inject": { may: ["controller/model", "controller/ports"] },
  "controller/init": {
    may: ["controller/model"],
    edges: { "apply.ts": ["child_process", "fs/promises", "os", "stream/consumers"].map(builtin) },
  },
  "controller/install": {
    may: ["model", "ports", "crd", "inject", "kube/api.ts", "kube/kube-error.ts"].map(
      (folder) => `controller/${folder}`,
    ),
    packages: ["yaml"],
  },
  "controller/status": { may: ["controller/model", "controller/ports"], edges: { "monitoring.ts": ["node:http"] } },
  "controller/kube": {
    may: ["model", "ports", "status", "sources/coalesce.ts", "ca/root-store.ts", "ca/token-claims.ts"].map(
      (folder) => `controller/${folder}`,
    ),
    edges: {
      "client.ts": ["@kubernetes/client-node", "node:http", "node:stream/consumers"],
      "config.ts": ["@kubernetes/client-node"],
      "transport.ts": ["@kubernetes/client-node", "node:http", "node:https"],
    },
  },
  "controller/webhooks": {
    may: ["controller/model", "controller/ports", "controller/inject"],
    edges: { "server.ts": ["node:http", "node:https"] },
  },
  "controller/modules": {
    may: ["controller/model", "controller/ports", "sdk/module", "sdk/host"],
    packages: ["node:crypto", "node:url"],
    edges: {
      "preflight.ts": ["node:child_process", "node:path"],
      "preflight-child.ts": ["node:process", "node:worker_threads"],
      "read-module.ts": ["node:fs", "node:fs/promises", "node:path"],
      "watch.ts": ["node:fs", "node:path"],
    },
  },
  "controller/run": {
    may: ["controller/model", "controller/ports", "controller/inject", "controller/init", "controller/ca"],
    packages: ["yaml", ...["child_process", "crypto", "fs", "http", "net", "os", "path", "readline"].map(builtin)],
    edges: { "leftovers.ts": ["node:timers/promises"], "namespaces.ts": ["node:stream/consumers"] },
  },
  "controller/cli": {
    may: [
      "sdk/abi/signatures.ts",
      "sdk/module",
      ...[
        ...["model", "ports", "status", "inject", "init", "install", "crd", "mesh"],
        ...["sources/documents.ts", "sources/file-set.ts"],
      ].map((folder) => `controller/${folder}`),
    ],
    packages: ["commander", "yaml", "node:crypto", "node:stream"],
    edges: { "http-ask.ts": ["node:http"], "port-forward.ts": ["@kubernetes/client-node"] },
  },
  "controller/translate": {
    may: ["controller/model", "controller/gen"],
    packages: ["@bufbuild/protobuf", "@bufbuild/protobuf/wkt", "node:crypto"],
  },
  "controller/xds": {
    may: ["controller/model", "controller/ports", "controller/gen"],
    packages: ["@bufbuild/protobuf", "@bufbuild/protobuf/wire", "@bufbuild/protobuf/wkt"],
    edges: { "listener.ts": ["node:net"], "server.ts": ["@grpc/grpc-js"], "tls.ts": ["@grpc/grpc-js", "node:tls"] },
  },
};

/** The algorithms, and what connects them to Envoy: nothing but the SDK. */
for (const folder of globSync("{filters,examples/filters}/*/", { cwd: root }))
  rules[folder] = { may: ["sdk/assembly"] };

/** What makes a function's result depend on more than its arguments. */
const impure =
  /\b((Date\.now|Math\.random|setTimeout|setInterval|setImmediate|performance\.now)\(|new Date\(\)|process\.env\b)/;

function filesOf(folder: string): string[] {
  return globSync(`${folder}/**/*.ts`, { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .filter(
      (file) => !file.endsWith(".test.ts") && !file.endsWith(".d.ts") && !/\/(testdata|test-support)\//.test(file),
    );
}

function importsOf(text: string): string[] {
  return [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|(?:^|\n)import\s+"([^"]+)"|import\("([^"]+)"\)/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

/** An import as `folder/file.ts` from the root where it is ours, else as written. */
function target(file: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.normalize(posix.join(posix.dirname(file), specifier));
  return specifier.replace(/^@sluice\//, "");
}

function isOurs(name: string): boolean {
  return /^(sdk|controller|filters|examples|test|setup)\//.test(name);
}

function violations(file: string, folder: string, rule: Rule): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const edge = rule.edges?.[relative(folder, file)];
  const bad = importsOf(text)
    .map((specifier) => target(file, specifier))
    .filter((name) => {
      if (!isOurs(name)) return ![...(rule.packages ?? []), ...(edge ?? [])].includes(name);
      return ![folder, ...rule.may].some((allowed) => name === allowed || name.startsWith(`${allowed}/`));
    })
    .map((name) => `${file} imports ${name}`);
  const isPure =
    rule.packages?.some((name) => name === "node:fs") !== true && edge === undefined && folder !== "controller/ports";
  return isPure && impure.test(text) ? [...bad, `${file} uses ${impure.exec(text)?.[0]}`] : bad;
}

describe("the arrows of ARCHITECTURE.md", () => {
  test.each(Object.entries(rules))("%s", (folder, rule) => {
    expect(filesOf(folder).flatMap((file) => violations(file, folder, rule))).toEqual([]);
  });

  test("nothing in sdk or filters knows the controller", () => {
    const files = [...filesOf("sdk"), ...filesOf("filters")];
    const found = files.filter((file) =>
      importsOf(readFileSync(join(root, file), "utf8")).some((name) => target(file, name).startsWith("controller/")),
    );
    expect(found).toEqual([]);
  });

  test("a folder that imports a forbidden one is found", () => {
    const rule = { may: ["controller/model"] };
    expect(
      importsOf('import { a } from "../translate/x.ts";\nimport "zod";\nconst b = await import("node:fs");'),
    ).toEqual(["../translate/x.ts", "zod", "node:fs"]);
    expect(target("controller/crd/a.ts", "../translate/x.ts")).toBe("controller/translate/x.ts");
    expect(rule.may.includes("controller/translate")).toBe(false);
  });
});
