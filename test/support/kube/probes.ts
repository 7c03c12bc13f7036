import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { V1Container, V1HTTPGetAction, V1Probe } from "@kubernetes/client-node";

export interface ProbeTarget {
  readonly ip: string;
  readonly container: V1Container;
  /** As {@link execIn} answers. */
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<string | undefined>;
}

/** Performs a probe or hook once. @returns why it failed; `undefined` where it succeeded */
export async function probeOnce(probe: V1Probe, target: ProbeTarget): Promise<string | undefined> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.httpGet) return httpProbe(probe.httpGet, target, timeoutMs);
  if (probe.tcpSocket)
    return tcpProbe({
      host: probe.tcpSocket.host ?? target.ip,
      port: portOf(probe.tcpSocket.port, target.container),
      timeoutMs,
    });
  if (probe.exec) return target.exec(probe.exec.command ?? [], timeoutMs);
  return "the pod runner knows httpGet, tcpSocket and exec probes";
}

/** From this machine to the pod's address, as the kubelet does: it is traffic into the pod, seen by a sidecar. */
function httpProbe(
  action: V1HTTPGetAction,
  { ip, container }: ProbeTarget,
  timeoutMs: number,
): Promise<string | undefined> {
  const headers = new Map([["User-Agent", "kube-probe/1.37"]]);
  for (const { name, value } of action.httpHeaders ?? []) headers.set(name, value);
  const options = {
    host: action.host ?? ip,
    port: portOf(action.port, container),
    path: action.path ?? "/",
    headers: Object.fromEntries(headers),
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    rejectUnauthorized: false,
  };
  return new Promise((resolve) => {
    const send = action.scheme === "HTTPS" ? httpsRequest : httpRequest;
    const sent = send(options, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      resolve(statusCode >= 200 && statusCode < 400 ? undefined : `HTTP probe failed with statuscode: ${statusCode}`);
    });
    sent.once("error", (error) => resolve(error.message));
    sent.end();
  });
}

function tcpProbe({
  host,
  port,
  timeoutMs,
}: {
  host: string;
  port: number;
  timeoutMs: number;
}): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (result: string | undefined): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => end(undefined));
    socket.once("error", (error) => end(error.message));
    socket.once("timeout", () => end(`no connection to ${host}:${port} within ${timeoutMs} ms`));
  });
}

function portOf(port: unknown, { ports, name }: V1Container): number {
  if (typeof port === "number") return port;
  const found = ports?.find((one) => one.name === port)?.containerPort ?? Number(port);
  if (Number.isNaN(found)) throw new Error(`container ${name} has no port ${port}`);
  return found;
}

/** Between two readiness probes of a container that isn't ready, in ms: Kubernetes, too, doesn't wait for a whole period then. */
const hurryMs = 100;

/** A probe that is performed over and over, and what its results amount to. */
export class ProbeLoop {
  readonly #probe: V1Probe;
  readonly #check: () => Promise<string | undefined>;
  readonly #onVerdict: (ok: boolean) => void;
  readonly #hurry: boolean;
  #timer: NodeJS.Timeout | undefined;
  #run = 0;
  #last: boolean | undefined;
  #stopped = false;

  /**
   * @param onVerdict called each time as many results in a row as the thresholds ask for say something else than before
   * @param hurry     doesn't wait for a whole period after a failure
   */
  constructor(
    probe: V1Probe,
    {
      check,
      onVerdict,
      hurry = false,
    }: {
      check: () => Promise<string | undefined>;
      onVerdict: (ok: boolean) => void;
      hurry?: boolean;
    },
  ) {
    this.#probe = probe;
    this.#check = check;
    this.#onVerdict = onVerdict;
    this.#hurry = hurry;
    this.#next((probe.initialDelaySeconds ?? 0) * 1000);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #next(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#tick(), delayMs);
  }

  async #tick(): Promise<void> {
    const ok = (await this.#check().catch((error: unknown) => String(error))) === undefined;
    if (this.#stopped) return;
    this.#run = ok === this.#last ? this.#run + 1 : 1;
    this.#last = ok;
    const threshold = ok ? (this.#probe.successThreshold ?? 1) : (this.#probe.failureThreshold ?? 3);
    if (this.#run === threshold) this.#onVerdict(ok);
    const periodMs = (this.#probe.periodSeconds ?? 10) * 1000;
    if (!this.#stopped) this.#next(this.#hurry && !ok ? Math.min(hurryMs, periodMs) : periodMs);
  }
}
