import { components } from "./components.ts";
import { type Manifest, namespace } from "./manifest.ts";
import { defaultInstallSettings, type InstallSettings } from "./settings.ts";
import { yamlOf } from "./yaml.ts";

/** A number stands for itself: YAML would quote a placeholder, and the API server takes no text for it. */
const nodePort = 30_000;

/** Placeholders where an installation has its settings. */
const placeholders: InstallSettings = {
  profile: "{{ .Values.profile }}",
  hub: "{{ .Values.hub }}",
  tag: "{{ .Values.tag }}",
  proxyImage: "{{ .Values.proxyImage }}",
  clusterDomain: "{{ .Values.clusterDomain }}",
  trustDomain: "{{ .Values.trustDomain }}",
  certificateTtl: "{{ .Values.certificateTtl }}",
  zipkin: "{{ .Values.zipkin }}",
  gatewayNodePort: nodePort,
};

/** Also where a setting stands in another form: as a number, or in a regular expression inside JSON. */
function template(objects: readonly Manifest[]): string {
  return yamlOf(objects)
    .replaceAll(`nodePort: ${nodePort}`, "nodePort: {{ .Values.gatewayNodePort }}")
    .replaceAll(
      String.raw`{{ \\.Values\\.clusterDomain }}`,
      String.raw`{{ .Values.clusterDomain | replace "." "\\\\." }}`,
    );
}

/**
 * The Helm chart: the objects of `sluice install`, with placeholders for its settings. Helm makes the namespace, and never
 * changes or removes a definition that is there.
 *
 * @returns texts by path below the chart's folder: `templates/gateway.yaml`
 */
export function chart(version: string): ReadonlyMap<string, string> {
  const [core = [], controlPlane = [], gateway = []] = components(placeholders).map(({ objects }) => objects);
  const definitions = core.filter(isDefinition);
  const access = core.filter((object) => !isDefinition(object) && object.kind !== "Namespace");
  return new Map([
    ["Chart.yaml", yamlOf([about(version)])],
    ["values.yaml", valuesHead + yamlOf([defaultInstallSettings(version)])],
    ...definitions.map((object) => [`crds/${object.metadata.name}.yaml`, yamlOf([object], { once: true })] as const),
    ["templates/control-plane.yaml", inNamespace + template([...access, ...controlPlane])],
    ["templates/gateway.yaml", `{{- if ne .Values.profile "minimal" }}\n${template(gateway)}{{- end }}\n`],
  ]);
}

function isDefinition({ kind }: Manifest): boolean {
  return kind === "CustomResourceDefinition";
}

const inNamespace = `{{- if ne .Release.Namespace "${namespace}" }}{{ fail "write --namespace ${namespace}: proxies look for their control plane there" }}{{ end }}
`;

const valuesHead = `# The settings of \`sluice install --set\`: profile is default, or minimal (without the ingress gateway); the control plane and
# the init step run <hub>/sluice:<tag>, proxies run proxyImage; clusterDomain is the last part of Services' names, trustDomain
# the first part of identities; zipkin is the service that collects traces;
# gatewayNodePort is where the gateway is reached on every node.
`;

function about(version: string): object {
  return {
    apiVersion: "v2",
    name: "sluice",
    type: "application",
    description: "Control plane and ingress gateway of the Sluice service mesh",
    version,
    appVersion: version,
    kubeVersion: ">=1.30.0-0",
  };
}
