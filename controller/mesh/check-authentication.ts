import { codes } from "../model/codes.ts";
import type { Mesh } from "../model/mesh.ts";
import { refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import { overruled } from "./same-scope.ts";

/** PeerAuthentications that another one leaves without effect. */
export function checkAuthentication(mesh: Mesh): readonly Problem[] {
  return overruled(mesh.peerAuthentications, mesh).map(({ object, message }) => ({
    ...{ severity: "warning", code: codes.conflictingAuthentication },
    ...{ object: refOf(object), path: ["spec"], message },
  }));
}
