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

test("where traffic is intercepted it runs in its pod's namespaces, and is told nothing of ports", () => {
  if (!plan) throw new Error("no pod");
  const namespaces = { net: "/proc/1/fd/5", mount: "/proc/1/fd/6", close() {} };
  const place = { plan, ip: "198.18.254.2", namespaces, dir: "/shop/mesh", env };
  const { argv, env: own } = commandOf({ container: container({ workingDir: "../web" }), appPort: 8080 }, place);
  const enter = ["nsenter", "--net=/proc/1/fd/5", "--mount=/proc/1/fd/6", "--"];
  expect(argv).toEqual([...enter, "env", "-C", "/shop/web", "--", "node", "main.ts"]);
  expect(own).toMatchObject({ POD_NAME: plan.name, POD_NAMESPACE: "shop", INSTANCE_IP: "198.18.254.2" });
  expect(["http_proxy", "no_proxy", "HOST", "PORT"].filter((name) => name in own)).toEqual([]);
});
