import type { ProxySync } from "../status/sync.ts";
import { CliError } from "./cli-error.ts";
import { parseJson } from "./dump.ts";
import type { Controller } from "./home.ts";
import { compareText } from "./order.ts";

/** Every proxy that is connected to any of the controllers, by name. @throws {CliError} where one does not answer */
export async function connectedProxies(controllers: readonly Controller[]): Promise<readonly ProxySync[]> {
  const answers = await Promise.all(
    controllers.map(async (controller) => {
      const answer = await json(controller, "/debug/syncz");
      if (!Array.isArray(answer)) throw new CliError(`${controller.name}: /debug/syncz did not answer with a list`);
      return answer as readonly ProxySync[];
    }),
  );
  return answers.flat().sort((a, b) => compareText(a.name, b.name));
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

async function json(controller: Controller, path: string): Promise<unknown> {
  const text = await controller.page(path).catch((error: Error) => {
    throw new CliError(`${controller.name}: ${error.message}`);
  });
  return parseJson(text);
}
