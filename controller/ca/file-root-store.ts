// EDGE: a root of trust in files, for a mesh that runs on one machine.
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PrivateKey } from "../model/certificate.ts";
import { type RootPem, type RootStore, rootFiles, type StoredRoot } from "./root-store.ts";

/**
 * Files with Istio's names in a folder; those made here can be read by their owner only. Certificate and key must both be
 * there: one without the other is an error.
 */
export class FileRootStore implements RootStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async load(): Promise<StoredRoot | undefined> {
    const [caCert, caKey, rootCert, certChain] = await Promise.all([
      this.#read(rootFiles.caCert),
      this.#read(rootFiles.caKey),
      this.#read(rootFiles.rootCert),
      this.#read(rootFiles.certChain),
    ]);
    if (caCert === undefined && caKey === undefined) return undefined;
    if (caCert === undefined || caKey === undefined) {
      const missing = caCert === undefined ? rootFiles.caCert : rootFiles.caKey;
      throw new Error(`${this.#folder}: ${missing} is missing beside the other half: bring both, or remove both`);
    }
    return {
      origin: this.#folder,
      caCert,
      caKey: new PrivateKey(caKey),
      ...(rootCert !== undefined && { rootCert }),
      ...(certChain !== undefined && { certChain }),
    };
  }

  async save(root: RootPem): Promise<StoredRoot> {
    await mkdir(dirname(this.#folder), { recursive: true });
    const folder = await mkdtemp(`${this.#folder}-`); // all of it is there, or nothing
    const texts = Object.entries({ ...root, caKey: root.caKey.reveal() }) as [keyof RootPem, string][];
    for (const [part, text] of texts) await writeFile(join(folder, rootFiles[part]), text, { mode: 0o600 });
    try {
      await rename(folder, this.#folder);
      return { origin: this.#folder, ...root };
    } catch (error) {
      await rm(folder, { recursive: true });
      const others = await this.load();
      if (others === undefined) throw error;
      return others;
    }
  }

  async #read(file: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#folder, file), "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }
}
