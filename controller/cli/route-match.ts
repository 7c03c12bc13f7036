import type { RouteMatch } from "./envoy-json.ts";

/** How istioctl writes what a route matches by path: `/*`, `/items`, `PathPrefix:/api`, `regex /items/[0-9]+`. */
export function matchText(match: RouteMatch = {}): string {
  const { prefix, path, path_separated_prefix, safe_regex } = match;
  return [
    prefix && `${prefix}*`,
    path_separated_prefix && `PathPrefix:${path_separated_prefix}`,
    path,
    safe_regex && `regex ${safe_regex.regex ?? ""}`,
  ]
    .filter((part) => part)
    .join(" ");
}
