// What three tiers do for requests whose caller has long been answered, without the deadline filter and with it. A gateway's
// route has 300 ms, the last tier works for three seconds. Each tier stops when its request is broken off; none breaks off
// the call that it makes itself, as most applications don't. Draws docs/deadline.svg.
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, startEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call, tally } from "../support/http.ts";
import { until } from "../support/wait.ts";
import { type Figure, percentile } from "./figures.ts";
import { plot } from "./plot.ts";

const tiers = ["webapp", "catalog", "reports"] as const;
const budgetMs = 300;
const workMs = 3000;
const [calls, everyMs] = [40, 100];
const sliceMs = 20;

/** What came of all calls in one run. */
interface Run {
  readonly name: string;
  /** Of each tier, milliseconds at work after the caller was answered, by call. */
  readonly inVain: readonly (readonly number[])[];
  /** Requests at work in all tiers, by seconds since the first call. */
  readonly atWork: readonly (readonly [seconds: number, requests: number])[];
}

/** Some 15 s. */
export async function deadlines(resources: AsyncDisposableStack): Promise<readonly Figure[]> {
  const module = await filterModule("deadline");
  const runs = [
    await run("without", [], resources),
    await run("with deadline", [{ name: "deadline", module }], resources),
  ];
  await writeFile(join(import.meta.dirname, "..", "..", "docs", "deadline.svg"), drawing(runs));
  return runs.flatMap(({ name, inVain }) =>
    tiers.map((tier, i) => ({
      what: `at work in vain, ${tier}, ${name}`,
      samples: inVain[i] ?? [],
      unit: "ms",
      how: `by call: from its answer at the edge after ${budgetMs} ms to the end of work on it`,
    })),
  );
}

function drawing(runs: readonly Run[]): string {
  const seconds = (samples: readonly number[]): number => Math.round(percentile(samples, 50)) / 1000;
  return plot(`A budget of ${budgetMs} ms at the edge, ${workMs / 1000} s of work behind it`, [
    {
      title: "seconds at work in vain, median by call",
      groups: tiers,
      bars: runs.map(({ name, inVain }) => ({ name, values: inVain.map(seconds) })),
    },
    {
      title: `requests at work in the three tiers, ${1000 / everyMs} calls a second`,
      x: "seconds since the first call",
      lines: runs.map(({ name, atWork }) => ({ name, points: atWork })),
    },
  ]);
}

async function run(name: string, plugins: Chain["plugins"], resources: AsyncDisposableStack): Promise<Run> {
  const work = new Tally();
  let onward: number | undefined;
  for (const tier of tiers.keys()) {
    const index = tiers.length - 1 - tier; // the last tier first: the others call it
    const out = onward === undefined ? undefined : await freePort();
    const app = await startApp(async (request, response) => {
      const end = work.begin(index, Number(request.headers["x-call"]));
      response.statusCode = out === undefined ? await workUntilBroken(response) : await ask(out, request);
      response.end();
      end();
    }, resources);
    const inbound: Chain = { direction: "INBOUND", port: await freePort(), upstreamPorts: [app], plugins };
    const chains = [inbound];
    if (out !== undefined && onward !== undefined)
      chains.push({ direction: "OUTBOUND", port: out, upstreamPorts: [onward], plugins });
    await start(chains, `sidecar~127.0.0.${index + 2}~${tiers[index]}.shop~shop.svc.cluster.local`, resources);
    onward = inbound.port;
  }
  const edge: Chain = {
    ...{ direction: "OUTBOUND", port: await freePort(), upstreamPorts: [onward ?? 0], plugins },
    route: { timeout: `${budgetMs / 1000}s` },
    metadata: { retryOn: "", attempts: 0, timeoutMs: budgetMs },
  };
  await start([edge], "router~127.0.0.1~gateway.shop~shop.svc.cluster.local", resources);
  return { name, ...(await work.of(edge.port)) };
}

async function start(chains: readonly Chain[], node: string, resources: AsyncDisposableStack): Promise<void> {
  const envoy = await startEnvoy(filterBootstrap(chains, node));
  resources.defer(() => envoy.stop());
  await envoy.live();
}

async function startApp(
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  resources: AsyncDisposableStack,
): Promise<number> {
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  resources.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function workUntilBroken(response: ServerResponse): Promise<number> {
  const end = performance.now() + workMs;
  while (performance.now() < end && !response.destroyed) await pause(sliceMs);
  return 200;
}

/** Hands on what ties the call to its cause, as an application must. @returns its status, which goes back */
async function ask(port: number, { headers }: IncomingMessage): Promise<number> {
  const handedOn = { "x-request-id": String(headers["x-request-id"]), "x-call": String(headers["x-call"]) };
  return (await call({ host: "127.0.0.1", port, headers: handedOn })).status;
}

/** Who is at work on what. */
class Tally {
  readonly #answeredAt = new Map<number, number>();
  readonly #inVain = tiers.map(() => new Map<number, number>());
  #atWork = 0;

  /** A tier begins to work on a call; the function that is returned ends it. */
  begin(tier: number, id: number): () => void {
    this.#atWork += 1;
    return () => {
      this.#atWork -= 1;
      const now = performance.now();
      this.#inVain[tier]?.set(id, now - (this.#answeredAt.get(id) ?? now));
    };
  }

  /** Sends all calls, and waits for the end of all work. @throws where one was not answered by the timeout */
  async of(port: number): Promise<Omit<Run, "name">> {
    const startedAt = performance.now();
    const atWork: [number, number][] = [];
    const replies: Promise<number>[] = [];
    const sample = () => atWork.push([Math.round(performance.now() - startedAt) / 1000, this.#atWork]);
    for (let id = 0; id < calls; id++) {
      replies.push(this.#send(port, id));
      sample();
      await pause(everyMs);
    }
    const statuses = tally(await Promise.all(replies), (status) => status);
    if (statuses["504"] !== calls) throw new Error(`${calls} calls were to end with 504: ${JSON.stringify(statuses)}`);
    await until(async () => {
      sample();
      await pause(everyMs);
      return this.#inVain.every(({ size }) => size === calls);
    }, "all work to end");
    sample();
    return { inVain: this.#inVain.map((byCall) => [...byCall.values()]), atWork };
  }

  async #send(port: number, id: number): Promise<number> {
    const { status } = await call({ host: "127.0.0.1", port, headers: { "x-call": String(id) } });
    this.#answeredAt.set(id, performance.now());
    return status;
  }
}
