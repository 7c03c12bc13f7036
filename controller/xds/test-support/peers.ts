// An xDS server whose admission the test decides, and proxies that arrive at it.
import { until } from "../../../test/support/wait.ts";
import type { AdmissionRefusal, AdmissionRequest, Admitted } from "../../model/admission.ts";
import { type Resource, typeUrls } from "../../model/resource.ts";
import { TestClock } from "../../ports/clock.ts";
import { TestLog } from "../../ports/log.ts";
import type { XdsEvent } from "../connection.ts";
import { XdsServer } from "../server.ts";
import { sidecar, TestClient, type TestClientOptions } from "./client.ts";
import { deny, target } from "./harness.ts";

/** A test has its own. */
export class Peers {
  readonly clock = new TestClock(1000);
  readonly log = new TestLog();
  readonly events: XdsEvent[] = [];
  /** What is asked of admission, and how each is answered. */
  readonly pending: { request: AdmissionRequest; answer: (outcome: Admitted | AdmissionRefusal) => void }[] = [];
  /** By service account. */
  secrets = new Map<string, Resource>();
  readonly clients: TestClient[] = [];
  readonly server = new XdsServer({
    admit: (request) => new Promise((answer) => this.pending.push({ request, answer })),
    targetFor: (_, { serviceAccount }) => {
      const { snapshot } = target({ CDS: "a@1", LDS: "l@1" });
      const secret = this.secrets.get(serviceAccount);
      return { snapshot: { ...snapshot, SDS: new Map(secret && [["default", secret]]) } };
    },
    onEvent: (event) => this.events.push(event),
    ...{ deny, clock: this.clock, log: this.log, identifier: "sluice-test" },
  });
  port = 0;

  static async start(): Promise<Peers> {
    const peers = new Peers();
    peers.port = await peers.server.listen("127.0.0.1:0");
    return peers;
  }

  async close(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    await this.server.close();
  }

  /** A proxy that has sent its first request, which waits to be admitted. */
  async arrive(options: TestClientOptions = {}): Promise<TestClient> {
    const client = new TestClient(this.port, options);
    this.clients.push(client);
    const before = this.pending.length;
    client.say({ node: sidecar(), typeUrl: typeUrls.CDS });
    await until(() => this.pending.length > before, "the proxy to be asked about");
    return client;
  }

  /** What lets the proxy in that came last. */
  admitted({
    serviceAccount = "web",
    untilMs = Number.POSITIVE_INFINITY,
    isStanding = (): boolean => true,
  } = {}): Admitted {
    const { proxy } = this.pending.at(-1)?.request ?? {};
    if (proxy === undefined) throw new Error("nobody has arrived");
    const identity = { trustDomain: "cluster.local", namespace: "shop", serviceAccount };
    return { proxy: { ...proxy, serviceAccount }, identity, untilMs, isStanding };
  }

  /** Lets the proxy in that came last. */
  admit(as: Parameters<Peers["admitted"]>[0] = {}): void {
    this.pending.at(-1)?.answer(this.admitted(as));
  }
}

/** `name@version` of all that a client got. */
export function received(client: TestClient): string[] {
  return client.responses.flatMap(({ resources }) => resources.map(({ name, version }) => `${name}@${version}`));
}
