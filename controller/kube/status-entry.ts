import { refText } from "../model/object.ts";
import { fieldsOf, identityOf, type RawObject } from "../model/raw-object.ts";
import type { WrittenStatus } from "../model/written-status.ts";
import type { ObjectStatus } from "../status/object-status.ts";
import type { KubeObject } from "./api.ts";

/** One generation of an object of the cluster, and its status. */
export interface StatusEntry {
  /** As a write names it, with its uid: one that was made anew is another. */
  readonly object: Pick<KubeObject, "apiVersion" | "kind" | "metadata">;
  readonly uid: string;
  readonly generation: number | undefined;
  /** Absent until the first check of it is over. */
  status: ObjectStatus | undefined;
  /** What the API server holds; absent: not known yet. */
  written: WrittenStatus | undefined;
  /** Whether something is to be written, or first to be read. */
  isDue: boolean;
}

/** By `refText`: the objects that the control plane gives a status, Istio's kinds. Those that have not changed stay. */
export function statusEntries(
  objects: readonly RawObject[],
  before: ReadonlyMap<string, StatusEntry>,
): ReadonlyMap<string, StatusEntry> {
  return new Map(
    objects.flatMap(({ value }): [string, StatusEntry][] => {
      const identity = identityOf(value);
      if (!identity?.group.endsWith(".istio.io")) return [];
      const { kind, namespace, name } = identity;
      const { apiVersion, metadata } = fieldsOf(value);
      const { uid, generation } = fieldsOf(metadata);
      const key = refText(identity);
      const known = before.get(key);
      const isSame = known !== undefined && known.uid === uid;
      if (isSame && known.generation === generation) return [[key, known]];
      const entry: StatusEntry = {
        object: { apiVersion: String(apiVersion), kind, metadata: { namespace, name, uid: String(uid) } },
        uid: String(uid),
        generation: typeof generation === "number" ? generation : undefined,
        status: undefined,
        written: isSame ? known.written : undefined,
        isDue: false,
      };
      return [[key, entry]];
    }),
  );
}
