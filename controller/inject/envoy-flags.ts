export interface EnvoyFlags {
  /** Worker threads; two by default, so that what filters share between workers is seen at work. */
  readonly concurrency?: number;
  /** `warning` by default, as Istio's. */
  readonly logLevel?: string;
  /** `misc:error`; by default no component has a level of its own. */
  readonly componentLogLevel?: string;
}

/** How every proxy is started, beside its bootstrap: a field misspelt by the control plane is refused, not ignored. */
export function envoyFlags({
  concurrency = 2,
  logLevel = "warning",
  componentLogLevel,
}: EnvoyFlags): readonly string[] {
  return [
    ...["--concurrency", String(concurrency)],
    ...["--drain-time-s", "45", "--drain-strategy", "immediate"],
    ...["--disable-hot-restart", "--reject-unknown-dynamic-fields"],
    ...["--file-flush-interval-msec", "1000"], // 10 s by default, which access logs then lag behind
    ...["--log-level", logLevel],
    ...(componentLogLevel === undefined ? [] : ["--component-log-level", componentLogLevel]),
  ];
}
