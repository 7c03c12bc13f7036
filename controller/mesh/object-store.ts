import { type AnyObject, type Kind, type MeshObject, type Ref, refText } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Origin, ParsedObject } from "../model/raw-object.ts";

/** The objects that are in force, after all that the sources have said so far. */
export class ObjectStore {
  /** By `refText`: of each object its newest version that was valid. */
  #inForce: ReadonlyMap<string, AnyObject> = new Map();
  /** By `refText`: where the newest version stands, valid or not. */
  #origins: ReadonlyMap<string, Origin> = new Map();

  /**
   * Takes over all that the sources have now. An object that is wrong stays as it was when it was last right; one that is
   * not named any more goes.
   *
   * @returns what is in force now
   */
  update(parsed: readonly ParsedObject[]): readonly AnyObject[] {
    const inForce = new Map<string, AnyObject>();
    const origins = new Map<string, Origin>();
    for (const { raw, ref, object } of parsed) {
      if (!ref) continue;
      const key = refText(ref);
      const version = object ?? this.#inForce.get(key);
      if (version) inForce.set(key, version);
      if (raw.origin) origins.set(key, raw.origin);
    }
    this.#inForce = inForce;
    this.#origins = origins;
    return this.objects();
  }

  objects(): readonly AnyObject[] {
    return [...this.#inForce.values()];
  }

  /** One object; `undefined` where none is in force. */
  find<K extends Kind>(ref: Ref & { readonly kind: K }): MeshObject<K> | undefined {
    return this.#inForce.get(refText(ref)) as MeshObject<K> | undefined;
  }

  /** The problem with the place of its object and path, where its object comes from a file. */
  located(problem: Problem): Problem {
    const origin = problem.object && this.#origins.get(refText(problem.object));
    return problem.place || !origin ? problem : { ...problem, place: origin.locate(problem.path ?? []) };
  }
}
