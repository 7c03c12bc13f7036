import { type RootPem, type RootStore, rootFiles, type StoredRoot } from "../ca/root-store.ts";
import { PrivateKey } from "../model/certificate.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { rootSecrets } from "../model/root-names.ts";
import type { KubeClient } from "./client.ts";
import { isKubeError } from "./kube-error.ts";

const secrets = { group: "", version: "v1", plural: "secrets" };

const { brought, selfMade } = rootSecrets;

/**
 * The root of trust in Istio's Secrets. Of controllers that start at once, the first to write one wins. An operator's comes
 * before a self-made one, which is then the former one.
 */
export class SecretRootStore implements RootStore {
  readonly #client: Pick<KubeClient, "get" | "create">;
  readonly #namespace: string;

  constructor({ client, namespace }: { client: Pick<KubeClient, "get" | "create">; namespace: string }) {
    this.#client = client;
    this.#namespace = namespace;
  }

  async load(): Promise<StoredRoot | undefined> {
    const [own, made] = [await this.#read(brought), await this.#read(selfMade)];
    return own && made ? { ...own, former: made } : (own ?? made);
  }

  async save(root: RootPem): Promise<StoredRoot> {
    const texts = Object.entries({ ...root, caKey: root.caKey.reveal() }) as [keyof RootPem, string][];
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: selfMade, labels: { app: "sluice" } },
      type: "istio.io/ca-root",
      stringData: Object.fromEntries(texts.map(([part, text]) => [rootFiles[part], text])),
    };
    try {
      await this.#client.create({ ...secrets, namespace: this.#namespace }, secret);
      return { origin: this.#origin(selfMade), ...root };
    } catch (error) {
      const others = isKubeError(error, 409) ? await this.load() : undefined;
      if (others === undefined) throw error;
      return others;
    }
  }

  async #read(name: string): Promise<StoredRoot | undefined> {
    const secret = await this.#client.get({ ...secrets, namespace: this.#namespace, name });
    if (secret === undefined) return undefined;
    const data = fieldsOf(secret["data"]);
    const text = (file: string): string | undefined => {
      const value = data[file];
      return typeof value === "string" && value !== "" ? Buffer.from(value, "base64").toString() : undefined;
    };
    const [caCert, caKey] = [text(rootFiles.caCert), text(rootFiles.caKey)];
    if (caCert === undefined || caKey === undefined) {
      const missing = caCert === undefined ? rootFiles.caCert : rootFiles.caKey;
      throw new Error(`${this.#origin(name)}: ${missing} is missing: bring it, or remove the Secret`);
    }
    const [rootCert, certChain] = [text(rootFiles.rootCert), text(rootFiles.certChain)];
    return {
      origin: this.#origin(name),
      caCert,
      caKey: new PrivateKey(caKey),
      ...(rootCert !== undefined && { rootCert }),
      ...(certChain !== undefined && { certChain }),
    };
  }

  #origin(name: string): string {
    return `Secret ${this.#namespace}/${name}`;
  }
}
