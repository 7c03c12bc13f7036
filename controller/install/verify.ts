import { targetOf } from "../kube/api.ts";
import { components, everything } from "./components.ts";
import { deployment, profileAnnotation } from "./control-plane.ts";
import type { InstallApi } from "./install-api.ts";
import { unreadinessOf } from "./look.ts";
import { isOurs } from "./manifest.ts";
import { defaultInstallSettings } from "./settings.ts";

/**
 * Says of each object of the installation whether it is there and does its work, as istioctl does.
 *
 * @returns whether all of them do
 */
export async function verify(
  version: string,
  { api, say }: { readonly api: InstallApi; readonly say: (line: string) => void },
): Promise<boolean> {
  const settings = defaultInstallSettings(version);
  const installed = await api.get(targetOf(deployment(settings)));
  if (installed === undefined && !(await anyOf(version, api))) {
    say("! No Sluice installation found");
    return false;
  }
  const profile = installed?.metadata.annotations?.[profileAnnotation] ?? settings.profile;
  const objects = components({ ...settings, profile }).flatMap((component) => component.objects);
  let bad = 0;
  for (const object of objects) {
    const reason = await unreadinessOf(object, api);
    const name = `${object.kind}: ${object.metadata.name}${object.metadata.namespace ? `.${object.metadata.namespace}` : ""}`;
    if (reason === undefined) say(`✔ ${name} checked successfully`);
    else say(`✘ ${name}: ${reason}`);
    if (reason !== undefined) bad += 1;
  }
  const count = (kind: string): number => objects.filter((object) => object.kind === kind).length;
  say(`Checked ${count("CustomResourceDefinition")} custom resource definitions`);
  say(`Checked ${count("Deployment")} Sluice Deployments`);
  say(
    bad === 0
      ? "✔ Sluice is installed and verified successfully"
      : `✘ Sluice is not all there: ${bad} of ${objects.length} objects are not as they should be`,
  );
  return bad === 0;
}

async function anyOf(version: string, api: InstallApi): Promise<boolean> {
  for (const object of everything(version)) {
    const there = await api.get(targetOf(object));
    if (there && isOurs(there)) return true;
  }
  return false;
}
