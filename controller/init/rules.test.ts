import { describe, expect, test } from "vitest";
import { interfaceNameForm } from "../model/network.ts";
import { defaultFlags, type InterceptionFlags, parseInterception } from "./options.ts";
import { differences, interceptionRules, restoreInput } from "./rules.ts";

function rules(flags: Partial<InterceptionFlags> = {}): readonly string[] {
  const parsed = parseInterception({ ...defaultFlags, ...flags });
  if (!("interception" in parsed)) throw new Error(parsed.problems.join("\n"));
  return interceptionRules(parsed.interception);
}

describe("the input of iptables-restore", () => {
  test.each<[string, Partial<InterceptionFlags>]>([
    ["default", {}],
    ["nothing", { istioInboundPorts: "", istioServiceCidr: "" }],
    ["inbound-ports", { istioInboundPorts: "32000,31000", istioServiceCidr: "" }],
    ["ranges", { istioServiceCidr: "10.0.0.0/8,fd00::/8,172.16.0.0/12", istioServiceExcludeCidr: "10.1.0.0/16" }],
    [
      "outbound-ports",
      { istioOutboundPorts: "32000,31000", istioLocalOutboundPortsExclude: "3306", istioServiceCidr: "" },
    ],
    ["interfaces", { kubeVirtInterfaces: "eth1,eth2", istioExcludeInterfaces: "eth3", istioServiceCidr: "10.0.0.0/8" }],
    ["virtual-machines", { kubeVirtInterfaces: "eth1,eth2" }],
    ["owners", { proxyUid: "3,4", proxyGid: "1,2" }],
    ["loopback", { istioServiceCidr: "127.1.2.3/32" }],
    ["ports-of-envoy", { envoyPort: "1501", inboundCapturePort: "1506", istioLocalExcludePorts: "80" }],
  ])("%s", async (name, flags) => {
    await expect(restoreInput(rules(flags))).toMatchFileSnapshot(`testdata/${name}.rules`);
  });

  test("of a table that has older rules of ours, and others'", () => {
    const saved = [
      "*nat",
      ":PREROUTING ACCEPT [0:0]",
      ":OUTPUT ACCEPT [0:0]",
      ":DOCKER_OUTPUT - [0:0]",
      ":ISTIO_OUTPUT - [0:0]",
      "-A PREROUTING -i eth3 -j RETURN",
      "-A PREROUTING -i eth4 -j RETURN",
      "-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT",
      "-A OUTPUT -p tcp -j ISTIO_OUTPUT",
      "-A ISTIO_OUTPUT -j ISTIO_REDIRECT",
      "COMMIT",
    ].join("\n");
    const lines = restoreInput(rules({ istioExcludeInterfaces: "eth3" }), saved).split("\n");
    expect(lines.slice(0, 8)).toEqual([
      "* nat",
      "-D PREROUTING -i eth3 -j RETURN",
      "-D OUTPUT -p tcp -j ISTIO_OUTPUT",
      "-N ISTIO_INBOUND",
      "-N ISTIO_REDIRECT",
      "-N ISTIO_IN_REDIRECT",
      "-F ISTIO_OUTPUT",
      "-A PREROUTING -i eth3 -j RETURN",
    ]);
  });
});

test("a table that lost a rule, or got one twice, is told from one that has them", () => {
  const saved = rules();
  const { length } = saved;
  expect(differences(saved, saved.join("\n"))).toEqual([]);
  expect(differences(saved, saved.slice(0, length - 1).join("\n"))).toEqual([
    "chain ISTIO_OUTPUT has 8 rules instead of 9",
  ]);
  expect(differences(saved, [...saved, "-A OUTPUT -j ISTIO_OUTPUT"].join("\n"))).toEqual([
    "chain OUTPUT has 2 rules instead of 1",
  ]);
});

describe("flags", () => {
  test("that can't be used are all named", () => {
    expect(
      parseInterception({
        envoyPort: "0",
        inboundCapturePort: "x",
        proxyUid: "",
        proxyGid: "staff",
        istioInboundInterceptionMode: "TPROXY",
        istioInboundPorts: "80,http",
        istioLocalExcludePorts: "65536",
        istioServiceCidr: "10.0.0.0/33",
        istioServiceExcludeCidr: "*",
        istioOutboundPorts: "-1",
        istioLocalOutboundPortsExclude: "1;2",
        kubeVirtInterfaces: "a b",
        istioExcludeInterfaces: '!eth0,eth+,"eth1"',
      }),
    ).toEqual({
      problems: [
        '-p is "0": expected a port number from 1 to 65535',
        '-z is "x": expected a port number from 1 to 65535',
        "-u is empty: without Envoy's user its own connections would go to it",
        '-g has "staff": expected numbers of groups',
        '-m is "TPROXY": only REDIRECT is there',
        '-b has "http": expected * or port numbers from 1 to 65535, with commas between them',
        '-d has "65536": expected port numbers from 1 to 65535, with commas between them',
        '-i has "10.0.0.0/33": expected * or ranges as 10.0.0.0/8',
        '-x has "*": expected ranges as 10.0.0.0/8',
        '-q has "-1": expected port numbers from 1 to 65535, with commas between them',
        '-o has "1;2": expected port numbers from 1 to 65535, with commas between them',
        `-k has "a b": expected ${interfaceNameForm}`,
        `-c has "!eth0": expected ${interfaceNameForm}`,
        `-c has ""eth1"": expected ${interfaceNameForm}`,
      ],
    });
  });

  test("of IPv6 are named", () => {
    expect(parseInterception({ ...defaultFlags, istioServiceCidr: "fd00::/8,10.0.0.0/8" })).toMatchObject({
      interception: { outboundRanges: ["10.0.0.0/8"] },
      warnings: ["fd00::/8 has no effect: IPv6 is not intercepted"],
    });
  });
});
