// Kubernetes replaces $(NAME) in a container's arguments by its environment variable, $$ by $, and leaves other dollars.
// So one text can be the configuration of every pod, which is what an Envoy without an agent needs.

/** What a container's environment says of its pod. */
export type PodVariable = "POD_NAME" | "POD_NAMESPACE" | "INSTANCE_IP" | "SERVICE_ACCOUNT";

// Private use characters: no label, path or header that Kubernetes accepts has them.
const [open, close] = ["\u{e000}", "\u{e001}"];

/** Stands for a variable until {@link expandable} has made an argument of the text around it. */
export function variable(name: PodVariable): string {
  return `${open}${name}${close}`;
}

/** The text as an argument: its variables are replaced when the pod starts, every dollar of it stays a dollar. */
export function expandable(text: string): string {
  return text.replaceAll("$", () => "$$").replaceAll(new RegExp(`${open}(\\w+)${close}`, "g"), "$($1)");
}
