import { expect, test } from "vitest";
import { defaultFlags, parseInterception } from "../init/options.ts";
import { interceptionRules, restoreInput } from "../init/rules.ts";
import { type InitDeps, registerInit } from "./init.ts";
import { execute, newProgram } from "./program.ts";

async function sluice(args: readonly string[], deps: Partial<InitDeps> = {}) {
  const text = { out: "", err: "" };
  let applied: readonly string[] | undefined;
  const err = (part: string): void => {
    text.err += part;
  };
  const program = newProgram("0.1.0", { out: () => {}, err });
  registerInit(program, {
    print: (part) => {
      text.out += part;
    },
    note: (line) => err(`${line}\n`),
    applyRules: async (rules) => {
      applied = rules;
      return "iptables-restore";
    },
    ipv6Addresses: async () => [],
    ...deps,
  });
  const code = await execute(program, ["init", ...args], err);
  return { code, ...text, applied };
}

function rules(flags: Partial<typeof defaultFlags>): readonly string[] {
  const parsed = parseInterception({ ...defaultFlags, ...flags });
  return "interception" in parsed ? interceptionRules(parsed.interception) : [];
}

test("has the defaults of injection, whose arguments it takes", async () => {
  const args = "-p 15001 -z 15006 -u 1337 -m REDIRECT -i * -x _ -b * -d 15090,15021,15020".split(" ");
  const given = await sluice(args.map((arg) => (arg === "_" ? "" : arg)));
  expect(given).toEqual(await sluice([]));
  expect(given).toEqual({
    code: 0,
    out: restoreInput(rules({})),
    err: `✔ iptables-restore: ${rules({}).length} rules are in place\n`,
    applied: rules({}),
  });
});

test("takes each of istio-iptables' flags", async () => {
  const flags = "-p 1 -z 2 -u 3 -g 4 -m REDIRECT -b 5 -d 6 -i 10.7.0.0/16 -x 10.8.0.0/16 -q 9 -o 10 -k eth11 -c eth12";
  const { applied } = await sluice(flags.split(" "));
  expect(applied).toEqual(
    rules({
      ...{ envoyPort: "1", inboundCapturePort: "2", proxyUid: "3", proxyGid: "4" },
      ...{ istioInboundPorts: "5", istioLocalExcludePorts: "6" },
      ...{ istioServiceCidr: "10.7.0.0/16", istioServiceExcludeCidr: "10.8.0.0/16" },
      ...{ istioOutboundPorts: "9", istioLocalOutboundPortsExclude: "10" },
      ...{ kubeVirtInterfaces: "eth11", istioExcludeInterfaces: "eth12" },
    }),
  );
});

test("--dry-run prints the rules and applies none", async () => {
  const expected = { code: 0, out: restoreInput(rules({ istioInboundPorts: "" })), err: "", applied: undefined };
  expect(await sluice(["--dry-run", "-b", ""])).toEqual(expected);
});

test("names all flags that can't be used", async () => {
  expect(await sluice(["-m", "TPROXY", "-p", "x"])).toEqual({
    code: 64,
    out: "",
    err: 'Error: -p is "x": expected a port number from 1 to 65535\n-m is "TPROXY": only REDIRECT is there\n',
    applied: undefined,
  });
});

test("says what is missing, and what passes the rules by", async () => {
  const applyRules = () => Promise.reject(new Error("NET_ADMIN is missing"));
  expect(await sluice([], { applyRules })).toMatchObject({ code: 1, err: "Error: NET_ADMIN is missing\n" });
  const ipv6Addresses = async () => ["fd00::7"];
  expect((await sluice([], { ipv6Addresses })).err).toContain(
    "warning: connections over fd00::7 pass the proxy by: IPv6 is not intercepted\n",
  );
});
