import { type Problem, problemText } from "../model/problem.ts";
import type { ProxySync } from "../status/sync.ts";
import { CliError } from "./cli-error.ts";
import { parseJson } from "./dump.ts";
import type { Controller, Home } from "./home.ts";
import { compareText } from "./order.ts";

/** @throws {CliError} where there is none */
export async function runningControllers(home: Home, istioNamespace: string): Promise<readonly Controller[]> {
  const controllers = await home.controllers();
  if (controllers.length === 0)
    throw new CliError(`no controller runs in namespace ${istioNamespace}; -i names another one`);
  return controllers;
}

/** Every proxy that is connected to any of the controllers, by name. @throws {CliError} where one does not answer */
export async function connectedProxies(controllers: readonly Controller[]): Promise<readonly ProxySync[]> {
  const proxies = await listed<ProxySync>(controllers, "/debug/syncz");
  return proxies.toSorted((a, b) => compareText(a.name, b.name));
}

/** What is wrong with the objects that the controllers know, each problem once. @throws {CliError} where one does not answer */
export async function meshProblems(controllers: readonly Controller[]): Promise<readonly Problem[]> {
  const problems = await listed<Problem>(controllers, "/debug/problemz");
  return [...new Map(problems.map((problem) => [problemText(problem), problem])).values()];
}

/** A controller that tells of itself. */
export interface ControllerVersion {
  readonly name: string;
  readonly version: string;
}

/** @throws {CliError} where one does not answer */
export function controllerVersions(controllers: readonly Controller[]): Promise<readonly ControllerVersion[]> {
  return Promise.all(
    controllers.map(async (controller) => {
      const answer = (await json(controller, "/version")) as { readonly version?: unknown } | undefined;
      const version = answer?.version;
      return { name: controller.name, version: typeof version === "string" ? version : "unknown" };
    }),
  );
}

/** What a page of all controllers lists. */
async function listed<T>(controllers: readonly Controller[], path: string): Promise<readonly T[]> {
  const answers = controllers.map(async (controller) => {
    const answer = await json(controller, path);
    if (!Array.isArray(answer)) throw new CliError(`${controller.name}: ${path} did not answer with a list`);
    return answer as readonly T[];
  });
  return (await Promise.all(answers)).flat();
}

async function json(controller: Controller, path: string): Promise<unknown> {
  const text = await controller.page(path).catch((error: Error) => {
    throw new CliError(`${controller.name}: ${error.message}`);
  });
  return parseJson(text);
}
