import { codes } from "../model/codes.ts";
import { type AnyObject, type MeshObject, refOf } from "../model/object.ts";
import { type Problem, problemText } from "../model/problem.ts";
import { fieldsOf, type ParsedObject, type RawObject } from "../model/raw-object.ts";
import type { Clock } from "../ports/clock.ts";
import type { AdmissionRequest, Verdict } from "./admission-review.ts";

export interface ValidatorOptions {
  readonly parse: (raw: RawObject) => ParsedObject;
  /** Tries a plugin's module out with its configuration. */
  readonly tryModule: (plugin: MeshObject<"WasmPlugin">) => Promise<readonly Problem[]>;
  /** What would not fit together if the object were in force. */
  readonly problemsInMesh: (object: AnyObject) => readonly Problem[];
  readonly clock: Clock;
}

/** By then the API server's watch has told what was written before, and the mesh is made anew. In ms. */
export const settleMs = 300;

const allowed: Verdict = { allowed: true, warnings: [] };

/**
 * Whether an object may be written: what is wrong with it alone, and with a plugin's module and its configuration, refuses
 * it; what does not fit the rest of the mesh, which may follow in any order, is a warning. An object that was wrong
 * before, and is not touched in what is wrong, may be labelled, annotated and deleted.
 *
 * @param deadlineMs how long a module may keep the API server waiting; beyond it, its outcome is left to the status
 */
export async function validate(
  request: AdmissionRequest,
  deadlineMs: number,
  options: ValidatorOptions,
): Promise<Verdict> {
  const { operation, object, oldObject, subresource } = request;
  if ((operation !== "CREATE" && operation !== "UPDATE") || subresource !== "") return allowed;
  if (fieldsOf(object["metadata"])["deletionTimestamp"] !== undefined) return allowed;
  const parsed = options.parse({ value: named(request) });
  const found = parsed.object ? await furtherProblems(parsed.object, deadlineMs, options) : [];
  const problems = [...parsed.problems, ...found];
  const textsOf = (severity: Problem["severity"]): readonly string[] =>
    problems.filter((problem) => problem.severity === severity).map(problemText);
  const [errors, warnings] = [textsOf("error"), textsOf("warning")];
  if (errors.length === 0) return { allowed: true, warnings };
  const isTouched = operation === "CREATE" || JSON.stringify(object["spec"]) !== JSON.stringify(oldObject["spec"]);
  return isTouched
    ? { allowed: false, problems: errors, warnings }
    : { allowed: true, warnings: [...errors, ...warnings] };
}

/** With the namespace of the request, and some name where the API server makes one from generateName. */
function named({ object, namespace, name }: AdmissionRequest): unknown {
  const metadata = fieldsOf(object["metadata"]);
  const prefix = metadata["generateName"];
  const made = typeof prefix === "string" ? `${prefix}00000` : undefined;
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(namespace !== "" && { namespace }),
      ...(metadata["name"] === undefined && { name: name || made }),
    },
  };
}

async function furtherProblems(
  object: AnyObject,
  deadlineMs: number,
  { tryModule, problemsInMesh, clock }: ValidatorOptions,
): Promise<readonly Problem[]> {
  const inMesh = settled(() => problemsInMesh(object), clock).then((problems) =>
    problems.map((problem): Problem => ({ ...problem, severity: lessThanError(problem) })),
  );
  if (object.kind !== "WasmPlugin") return inMesh;
  const late: Problem = {
    severity: "warning",
    code: codes.module,
    object: refOf(object),
    path: ["spec", "url"],
    message: `is "${object.spec.url}", which could not be tried within ${deadlineMs / 1000} s: its status will tell`,
  };
  return (await Promise.all([inMesh, within(deadlineMs, tryModule(object), [late], clock)])).flat();
}

/** Looks again before it complains: what one `kubectl apply` wrote right before may be on its way here. */
async function settled(look: () => readonly Problem[], clock: Clock): Promise<readonly Problem[]> {
  if (look().length === 0) return [];
  await new Promise<void>((resolve) => clock.after(settleMs, resolve));
  return look();
}

function lessThanError({ severity }: Problem): Problem["severity"] {
  return severity === "error" ? "warning" : severity;
}

function within<T>(ms: number, result: Promise<T>, otherwise: T, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(otherwise));
    result.then(resolve, reject).finally(cancel);
  });
}
