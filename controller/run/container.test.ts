import { expect, test } from "vitest";
import { commandOf } from "./container.ts";
import { planOf } from "./plan.ts";
import { container, deployment } from "./test-support/objects.ts";

const [plan] = planOf([deployment("web")]).pods;
const env = { PATH: "/bin", SECRET: "x", http_proxy: "http://office:3128" };

test("a container runs as in Kubernetes, told where to listen and which proxy to take", () => {
  if (!plan) throw new Error("no pod");
  const web = container({ args: ["--fast"], workingDir: "../web", env: [{ name: "HOST", value: "::1" }] });
  expect(commandOf({ container: web, appPort: 41234 }, { plan, ip: "127.0.18.2", dir: "/shop/mesh", env })).toEqual({
    argv: ["node", "main.ts", "--fast"],
    cwd: "/shop/web",
    env: {
      PATH: "/bin",
      POD_NAME: plan.name,
      POD_NAMESPACE: "shop",
      INSTANCE_IP: "127.0.18.2",
      http_proxy: "http://127.0.18.2:15007",
      no_proxy: "127.0.0.1,localhost",
      PORT: "41234",
      HOST: "::1",
    },
  });
});
