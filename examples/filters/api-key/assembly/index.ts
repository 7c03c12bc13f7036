// Lets requests pass whose API key a service knows. See ../README.md.
import { Config, HttpContext, Plugin, registerPlugin } from "@sluice/sdk/assembly";
import { Settings } from "./config";
import { Request, Shared } from "./request";

class ApiKey extends Plugin {
  private shared: Shared | null = null;

  onConfigure(config: Config): void {
    this.shared = new Shared(config.read<Settings>());
  }

  createHttpContext(): HttpContext {
    return new Request(this.shared!);
  }
}

registerPlugin(() => new ApiKey());
