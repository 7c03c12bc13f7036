/** A condition as the API server holds it. */
export interface WrittenCondition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** RFC 3339, to the second. */
  readonly lastTransitionTime?: string | undefined;
  readonly observedGeneration?: number | undefined;
}

/** `status` of a WasmPlugin as the API server holds it; of other kinds without `proxies` and `digest`. */
export interface WrittenStatus {
  /** One of a type. */
  readonly conditions?: readonly WrittenCondition[] | undefined;
  /** The `metadata.generation` that all of it is about. */
  readonly observedGeneration?: number | undefined;
  /** `matched`: connected proxies that should run it; of those, how many run and how many refused what is wanted. */
  readonly proxies?: { readonly matched: number; readonly acknowledged: number; readonly refused: number } | undefined;
  /** Of the module that runs on most proxies: its first 8 digits, which `kubectl get` shows. */
  readonly digest?: string | undefined;
}
