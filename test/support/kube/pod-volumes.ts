import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type {
  V1ConfigMapProjection,
  V1DownwardAPIVolumeFile,
  V1Pod,
  V1ServiceAccountTokenProjection,
  V1Volume,
  V1VolumeProjection,
} from "@kubernetes/client-node";
import { configValues, type Objects } from "./objects.ts";
import { type Placement, podField, resourceField } from "./pod-fields.ts";
import type { PodToken } from "./pod-token.ts";
import { type VolumeFile, writeVolume } from "./volume-files.ts";

const modeDefault = 0o644;

export interface VolumeOptions {
  /** A folder for each volume is made here. */
  readonly dir: string;
  /** The same for volumes of medium Memory. */
  readonly memoryDir: string;
  readonly objects: Objects;
  readonly placement: Placement;
  /** The current token of this audience and time; see {@link PodToken}. */
  readonly token: (projection: V1ServiceAccountTokenProjection) => Promise<PodToken>;
}

/** A pod's volumes as folders of this machine. */
export class PodVolumes {
  readonly #options: VolumeOptions;

  constructor(options: VolumeOptions) {
    this.#options = options;
  }

  /** The folder of a volume. */
  path(pod: V1Pod, name: string): string {
    const volume = pod.spec?.volumes?.find((one) => one.name === name);
    return join(volume?.emptyDir?.medium === "Memory" ? this.#options.memoryDir : this.#options.dir, name);
  }

  /**
   * Makes every volume hold what it should hold now; called again after each change of what they are made from.
   *
   * @throws where something is missing that is not optional, or for a kind of volume that is not known here
   */
  async write(pod: V1Pod): Promise<void> {
    const fsGroup = pod.spec?.securityContext?.fsGroup;
    for (const volume of pod.spec?.volumes ?? []) {
      const dir = this.path(pod, volume.name);
      await mkdir(dir, { recursive: true });
      if (volume.emptyDir) await chmod(dir, 0o777);
      else await writeVolume(dir, await this.#files(pod, volume), fsGroup);
    }
  }

  async #files(pod: V1Pod, volume: V1Volume): Promise<ReadonlyMap<string, VolumeFile>> {
    const { configMap, secret, downwardAPI, projected } = volume;
    const sources: V1VolumeProjection[] = projected?.sources ?? [];
    if (configMap) sources.push({ configMap });
    if (secret) sources.push({ secret: { ...secret, ...(secret.secretName ? { name: secret.secretName } : {}) } });
    if (downwardAPI) sources.push({ downwardAPI });
    if (!(projected || configMap || secret || downwardAPI))
      throw new Error(
        `volume ${volume.name}: the pod runner knows emptyDir, configMap, secret, downwardAPI and projected`,
      );
    const mode = (projected ?? configMap ?? secret ?? downwardAPI)?.defaultMode ?? modeDefault;
    const files = new Map<string, VolumeFile>();
    for (const source of sources)
      for (const [path, file] of await this.#project(pod, source, mode)) files.set(path, file);
    return files;
  }

  async #project(pod: V1Pod, source: V1VolumeProjection, mode: number): Promise<ReadonlyMap<string, VolumeFile>> {
    const { configMap, secret, downwardAPI, serviceAccountToken } = source;
    if (configMap) return this.#config(pod, "ConfigMap", configMap, mode);
    if (secret) return this.#config(pod, "Secret", secret, mode);
    if (downwardAPI)
      return new Map(
        (downwardAPI.items ?? []).map((item) => [
          item.path,
          { content: Buffer.from(this.#downward(pod, item)), mode: item.mode ?? mode },
        ]),
      );
    if (serviceAccountToken) {
      const { token } = await this.#options.token(serviceAccountToken);
      const tokenMode = pod.spec?.securityContext?.fsGroup === undefined ? mode : 0o640;
      return new Map([[serviceAccountToken.path, { content: Buffer.from(token), mode: tokenMode }]]);
    }
    throw new Error(`the pod runner does not know the projection ${Object.keys(source).join(", ")}`);
  }

  #config(
    pod: V1Pod,
    kind: "ConfigMap" | "Secret",
    { name, items, optional }: V1ConfigMapProjection,
    mode: number,
  ): ReadonlyMap<string, VolumeFile> {
    const full = `${pod.metadata?.namespace}/${name}`;
    const values = configValues(this.#options.objects, kind, full);
    if (!values) {
      if (optional === true) return new Map();
      throw new Error(`there is no ${kind} ${full}`);
    }
    if (!items) return new Map([...values].map(([key, content]) => [key, { content, mode }]));
    return new Map(
      items.flatMap((item) => {
        const content = values.get(item.key);
        if (!content && optional !== true) throw new Error(`there is no key ${item.key} in ${kind} ${full}`);
        return content ? [[item.path, { content, mode: item.mode ?? mode }]] : [];
      }),
    );
  }

  #downward(pod: V1Pod, { fieldRef, resourceFieldRef }: V1DownwardAPIVolumeFile): string {
    if (fieldRef) return podField(pod, fieldRef.fieldPath, this.#options.placement);
    const container = pod.spec?.containers.find((one) => one.name === resourceFieldRef?.containerName);
    if (!container || !resourceFieldRef) throw new Error(`no container ${resourceFieldRef?.containerName}`);
    return resourceField(container, resourceFieldRef.resource, resourceFieldRef.divisor);
  }
}
