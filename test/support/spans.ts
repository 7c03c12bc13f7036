/** Zipkin's span, as far as tests look at it. */
export interface Span {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly kind?: string;
  readonly name?: string;
  /** The node's cluster: `webapp.istioinaction`. */
  readonly localEndpoint?: { readonly serviceName?: string };
  readonly tags?: Readonly<Record<string, string>>;
}

/** A trace as lines, each span below the one that caused it, with what filters decided: `  webapp.istioinaction SERVER`. */
export function treeOf(trace: readonly Span[]): readonly string[] {
  const known = new Set(trace.map(({ id }) => id));
  const below = (parent: string | undefined, depth: number): string[] =>
    trace
      .filter(({ parentId }) => (parentId !== undefined && known.has(parentId) ? parentId : undefined) === parent)
      .flatMap(({ id, kind, localEndpoint, tags }) => [
        `${"  ".repeat(depth)}${localEndpoint?.serviceName} ${kind}${decisionsIn(tags)}`,
        ...below(id, depth + 1),
      ]);
  return below(undefined, 0);
}

function decisionsIn(tags: Span["tags"] = {}): string {
  const own = Object.entries(tags).filter(([tag]) => tag.startsWith("sluice."));
  return own.map(([tag, decision]) => ` ${tag}: ${decision}`).join("");
}

/** A call of the outfitters shop's API, as {@link treeOf} has it. */
export const wholeTrace: readonly string[] = [
  "istio-ingressgateway.istio-system SERVER",
  "  istio-ingressgateway.istio-system CLIENT",
  "    webapp.istioinaction SERVER",
  "      webapp.istioinaction CLIENT",
  "        catalog.istioinaction SERVER",
];
