import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { Authority } from "../ca/authority.ts";
import { readRoot } from "../ca/read-root.ts";
import { party } from "../ca/test-support/pki.ts";
import { type Certificate, PrivateKey } from "../model/certificate.ts";
import { typeUrls } from "../model/resource.ts";
import { sidecar, TestClient } from "./test-support/client.ts";
import { Peers, received } from "./test-support/peers.ts";

let peers: Peers;
beforeEach(async () => {
  peers = await Peers.start();
});
afterEach(() => peers.close());

describe("with TLS", () => {
  let authority: Authority;
  let certificate: Certificate;
  let listeners: (() => void)[];

  const issue = (): Promise<Certificate> =>
    authority.issue({ hosts: ["127.0.0.1"] }, { nowMs: Date.now(), ttlMs: 3_600_000 });

  beforeEach(async () => {
    const root = await party("root");
    const stored = { origin: "test", caCert: root.certificate, caKey: new PrivateKey(root.key) };
    const read = await readRoot(stored, Date.now());
    if ("problems" in read) throw new Error(read.problems.join());
    authority = new Authority(read.issuer);
    certificate = await issue();
    listeners = [];
    const serving = {
      get current() {
        return certificate;
      },
      onChange: (listener: () => void) => {
        listeners.push(listener);
        return () => undefined;
      },
    };
    peers.port = await peers.server.listen("127.0.0.1:0", serving);
  });

  /** The serial number that the server shows, or how it refuses. */
  async function handshake(options: ConnectionOptions = {}): Promise<string> {
    const socket = connectTls({
      host: "127.0.0.1",
      port: peers.port,
      ca: authority.roots,
      servername: "",
      ALPNProtocols: ["h2"],
      ...options,
    });
    const seen = await once(socket, "secureConnect").then(
      () => socket.getPeerX509Certificate()?.serialNumber ?? "none",
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    socket.destroy();
    return seen;
  }

  test("a proxy that believes in the root is served; a renewal ends no stream, and counts for the next", async () => {
    const client = await peers.arrive({ roots: authority.roots, token: "t" });
    peers.admit();
    await until(() => client.responses.length === 1, "the first answer");
    const first = await handshake();
    certificate = await issue();
    for (const listener of listeners) listener();
    const second = await handshake();
    expect(second).not.toBe(first);
    expect(second).toBe(new X509Certificate(certificate.chain).serialNumber);
    client.say({ typeUrl: typeUrls.LDS });
    await until(() => received(client).includes("l@1"), "an answer on the old stream");
    const next = await peers.arrive({ roots: authority.roots });
    peers.admit();
    await until(() => next.responses.length === 1, "the next stream to be served");
  });

  test("plaintext and TLS 1.1 are refused", async () => {
    expect(await handshake({ maxVersion: "TLSv1.1", minVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).toContain(
      "PROTOCOL_VERSION",
    );
    const plain = new TestClient(peers.port);
    peers.clients.push(plain);
    plain.say({ node: sidecar(), typeUrl: typeUrls.CDS });
    expect((await until(() => plain.status, "the refusal")).code).toBe(14);
    expect(peers.pending).toEqual([]);
  });
});
