// Says of any proxy-wasm module what it wants, what it offers and why Envoy would refuse it, without running it. Pure.
import { allocators, callbacks, markers } from "../abi/callbacks.ts";
import { hostFunctions } from "../abi/host-functions.ts";
import { type AbiVersion, formatSignature, type Signature } from "../abi/signatures.ts";
import { type Manifest, manifestSection, parseManifest } from "./manifest.ts";
import {
  type CustomSection,
  type Export,
  hasHeader,
  type Import,
  readSections,
  type SectionSize,
  type Sections,
} from "./sections.ts";

/** Why a module does not load. */
export interface ModuleProblem {
  readonly code: ModuleProblemCode;
  /** Envoy's own text where Envoy has one; what is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
}

export type ModuleProblemCode =
  | "not-wasm"
  | "truncated"
  | "bad-code"
  | "no-abi-marker"
  | "unknown-import"
  | "import-type"
  | "export-type"
  | "no-allocator"
  | "start-section"
  | "bad-manifest";

/** What a module is. */
export interface ModuleInspection {
  /** ABI it speaks; absent if it has no marker. */
  readonly abi?: AbiVersion;
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  readonly sections: readonly SectionSize[];
  readonly customSections: readonly CustomSection[];
  /** What a module built with the SDK says of itself; absent in others. */
  readonly manifest?: Manifest;
  /**
   * All that the module calls and all of it that Envoy calls, as Envoy's capability restriction names them: hostcalls
   * and WASI calls without their module, `proxy_on_*` exports. Sorted.
   */
  readonly capabilities: readonly string[];
  /** All reasons for which Envoy would refuse it or, at a start section, might crash; none: it links. */
  readonly problems: readonly ModuleProblem[];
}

/** Inspects any bytes; what cannot be read is a problem, never a throw. */
export function inspectModule(bytes: Uint8Array): ModuleInspection {
  if (!hasHeader(bytes)) return { ...nothing, problems: [notWasm(bytes)] };
  const sections = readSections(bytes);
  const abi = abiOf(sections.exports);
  const manifestBytes = sections.customSections.find(({ name }) => name === manifestSection)?.bytes;
  const manifest = manifestBytes && parseManifest(manifestBytes);
  const problems = [
    ...(sections.complete ? [] : [truncated]),
    ...(abi ? [] : [noMarker]),
    ...linkProblems(sections, abi ?? "0.2.1"),
    ...(manifestBytes && !manifest ? [badManifest] : []),
  ];
  return {
    ...(abi && { abi }),
    imports: sections.imports,
    exports: sections.exports,
    sections: sections.sections,
    customSections: sections.customSections,
    ...(manifest && { manifest }),
    capabilities: capabilitiesOf(sections),
    problems,
  };
}

/**
 * All reasons for which Envoy would refuse it: those of the inspection, or else what its engine, which is Node's too, says of
 * the code.
 */
export async function refusalsOf(bytes: Uint8Array, { problems }: ModuleInspection): Promise<readonly ModuleProblem[]> {
  if (problems.length > 0) return problems;
  try {
    await WebAssembly.compile(bytes);
    return [];
  } catch (error) {
    return [badCode(error instanceof Error ? error.message : String(error))];
  }
}

/** `message; advice` */
export function formatModuleProblem({ message, advice }: ModuleProblem): string {
  return `${message}; ${advice}`;
}

const nothing = { imports: [], exports: [], sections: [], customSections: [], capabilities: [] } as const;

function notWasm(bytes: Uint8Array): ModuleProblem {
  const begins = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return {
    code: "not-wasm",
    message: `Failed to parse corrupted Wasm module: ${bytes.length} bytes that begin with ${begins || "nothing"}`,
    advice: "a module begins with 00 61 73 6d 01 00 00 00; check what was fetched",
  };
}

const truncated: ModuleProblem = {
  code: "truncated",
  message: "Failed to parse corrupted Wasm module: a part of it is missing",
  advice: "fetch or build it again and compare the sha256",
};

const badCode = (reason: string): ModuleProblem => ({
  code: "bad-code",
  message: `Failed to load Wasm bytecode: ${reason}`,
  advice: "build it again, with a compiler that knows the WebAssembly features of this Envoy",
});

const noMarker: ModuleProblem = {
  code: "no-abi-marker",
  message: "Missing or unknown Proxy-Wasm ABI version",
  advice: `export a function named one of ${[...markers.keys()].join(", ")}`,
};

const badManifest: ModuleProblem = {
  code: "bad-manifest",
  message: `the custom section ${manifestSection} holds no manifest`,
  advice: "build the module with asbuild, which writes it",
};

const noAllocator: ModuleProblem = {
  code: "no-allocator",
  message: "Wasm module is missing malloc function.",
  advice: `export a function (size) -> address named ${allocators.join(" or ")}`,
};

const startSection: ModuleProblem = {
  code: "start-section",
  message: "the module has a start section, which can crash Envoy at load",
  advice: "build it with --exportStart _initialize, or as a WASI reactor",
};

/** The first marker in export order counts, as in Envoy. */
function abiOf(exports: readonly Export[]): AbiVersion | undefined {
  const marker = exports.find(({ name, kind }) => kind === "function" && markers.has(name));
  return marker && markers.get(marker.name);
}

function linkProblems(sections: Sections, abi: AbiVersion): ModuleProblem[] {
  const host = hostFunctions(abi);
  const called = callbacks(abi);
  return [
    ...sections.imports.flatMap((wanted) => importProblem(wanted, host.get(`${wanted.module}.${wanted.name}`), abi)),
    ...sections.exports.flatMap((offered) => exportProblem(offered, called.get(offered.name))),
    ...(sections.exports.some(({ name, kind }) => kind === "function" && allocators.some((a) => a === name))
      ? []
      : [noAllocator]),
    ...(sections.hasStart ? [startSection] : []),
  ];
}

function importProblem(wanted: Import, offered: Signature | undefined, abi: AbiVersion): ModuleProblem[] {
  if (wanted.kind === "memory" || wanted.kind === "table") return []; // the host makes them
  const name = `${wanted.module}.${wanted.name}`;
  if (wanted.kind !== "function" || !offered) {
    const message = `Failed to load Wasm module due to a missing import: ${name}`;
    return [{ code: "unknown-import", message, advice: importAdvice(wanted, abi) }];
  }
  if (!wanted.signature || formatSignature(wanted.signature) === formatSignature(offered)) return [];
  return [
    {
      code: "import-type",
      message:
        `Failed to load Wasm module due to an import type mismatch: ${name}, want: ${formatSignature(wanted.signature)}` +
        `, but host exports: ${formatSignature(offered)}`,
      advice: `declare it as ${formatSignature(offered)}`,
    },
  ];
}

function importAdvice({ module, name, kind }: Import, abi: AbiVersion): string {
  if (kind !== "function") return `Envoy offers functions only, and this is a ${kind}`;
  if (module === "env" && name === "abort")
    return "build it with asbuild, or with --use abort= and a handler of your own";
  if (module === "env" && /^(seed|trace)$|^(console|Date|performance|process|crypto)\./.test(name)) {
    return "do without Math.random, trace, console, Date, performance, process and crypto: the SDK has log and clock";
  }
  const other = (["0.1.0", "0.2.0", "0.2.1"] as const).find((version) =>
    hostFunctions(version).has(`${module}.${name}`),
  );
  if (other) return `Envoy has it only for ABI ${other}, and the module says ${abi}`;
  return "Envoy does not have it: remove what calls it";
}

function exportProblem({ name, kind, signature }: Export, wanted: Signature | undefined): ModuleProblem[] {
  if (kind !== "function" || !signature || !wanted) return [];
  if (formatSignature(signature) === formatSignature(wanted)) return [];
  return [
    {
      code: "export-type",
      message:
        `Bad function signature for: ${name}, want: ${formatSignature(wanted)}` +
        `, but the module exports: ${formatSignature(signature)}`,
      advice: "correct its parameters and result",
    },
  ];
}

function capabilitiesOf({ imports, exports }: Sections): string[] {
  const names = [
    ...imports.filter(({ kind }) => kind === "function").map(({ name }) => name),
    ...exports.filter(({ name, kind }) => kind === "function" && isCallback(name)).map(({ name }) => name),
  ];
  return [...new Set(names)].sort();
}

function isCallback(name: string): boolean {
  return (
    (name.startsWith("proxy_on_") && !allocators.some((a) => a === name)) || name === "proxy_validate_configuration"
  );
}
