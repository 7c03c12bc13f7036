/**
 * A container's argument as Kubernetes hands it to the process.
 *
 * @see k8s.io/kubernetes third_party/forked/golang/expansion
 */
export function expanded(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\((\w+)\)/g, (found: string, name: string | undefined) =>
    name === undefined ? "$" : (env[name] ?? found),
  );
}
