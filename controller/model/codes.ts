/**
 * Codes of problems. Istio's where Istio has one (istio/istio pkg/config/analysis/msg/messages.yaml); ours have four
 * digits: 00 sources and kinds, 01 modules, 02 what becomes of objects on a proxy, 04 the embedded runner, 05 a cluster
 * before an installation.
 */
export const codes = {
  /** A broken reference: host, subset, port or gateway. */
  notFound: "IST0101",
  schema: "IST0106",
  conflictingHosts: "IST0109",
  portRequired: "IST0112",
  portNaming: "IST0118",
  noWorkloads: "IST0127",
  unreachableRule: "IST0130",
  /** A Telemetry beside another one for the same workloads: with a selector, without. */
  conflictingTelemetry: "IST0159",
  secondTelemetry: "IST0160",
  hostNotOnGateway: "IST0132",
  subsetWithoutPods: "IST0173",
  unknownRuleHost: "IST0174",
  /** A file or folder that can't be read, or is no YAML. */
  unreadable: "SLU0001",
  /** An object that stands in more than one place. */
  duplicateObject: "SLU0002",
  /** A kind or field without effect here. */
  noEffect: "SLU0003",
  /** FAIL_CLOSE, which runs as Envoy's FAIL_RELOAD. */
  failClose: "SLU0004",
  /** A host that several objects define. */
  duplicateHost: "SLU0005",
  /** A PeerAuthentication beside an older one for the same workloads. */
  conflictingAuthentication: "SLU0006",
  /** A Gateway's port that no Service of its pods has. */
  gatewayPort: "IST0162",
  /** A plugin's module or configuration that can't be had or would be refused. */
  module: "SLU0101",
  /** A port of a Sidecar or Gateway that can't be served as it is written. */
  unservedPort: "SLU0201",
  /** A plugin that never had a good module. */
  noModule: "SLU0202",
  /** A plugin that acts on none of a gateway's traffic. */
  ineffectivePlugin: "SLU0203",
  /** A retry condition that is left out, since it works against a plugin. */
  strippedCondition: "SLU0204",
  /** A label of metrics that a pod does not know. */
  unknownLabel: "SLU0205",
  /** A Deployment that `sluice up` can't start. */
  notRunnable: "SLU0401",
  /** What an installer may not do in a cluster. */
  permission: "IST0141",
  kubernetesVersion: "IST0142",
  /** Another mesh in the same cluster. */
  otherMesh: "SLU0501",
  /** A port of the nodes that a Service of others has. */
  nodePortTaken: "SLU0502",
  /** A CustomResourceDefinition that others installed. */
  otherDefinition: "SLU0503",
  /** An object under one of an installation's names that is not the installer's. */
  otherObject: "SLU0504",
} as const;
