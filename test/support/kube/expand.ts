/**
 * Replaces `$(NAME)` in a container's command, arguments and environment as Kubernetes does: a name that is not there stays
 * as it is written, and `$$` stands for `$`, so that `$$(NAME)` is the text `$(NAME)`.
 *
 * @see k8s.io/kubernetes/third_party/forked/golang/expansion
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (reference, name: string | undefined) =>
    name === undefined ? "$" : (variables.get(name) ?? reference),
  );
}
