import {
  HeaderValueOption_HeaderAppendAction,
  type HeaderValueOptionSchema,
} from "../gen/envoy/config/core/v3/base_pb.js";
import type { HeaderChanges, HeaderOperations } from "../model/virtual-service.ts";
import { type Init, sorted } from "./encode.ts";

type HeaderValueOption = Init<typeof HeaderValueOptionSchema>;

/** Fields that routes and weighted clusters have in common. */
export interface EnvoyHeaderOperations {
  requestHeadersToAdd: HeaderValueOption[];
  requestHeadersToRemove: string[];
  responseHeadersToAdd: HeaderValueOption[];
  responseHeadersToRemove: string[];
}

/** Several sets of operations in order; the later ones see what the earlier ones did. */
export function headerOperations(...all: readonly (HeaderOperations | undefined)[]): EnvoyHeaderOperations {
  const given = all.filter((one) => one !== undefined);
  return {
    requestHeadersToAdd: given.flatMap(({ request }) => added(request)),
    requestHeadersToRemove: given.flatMap(({ request }) => removed(request)),
    responseHeadersToAdd: given.flatMap(({ response }) => added(response)),
    responseHeadersToRemove: given.flatMap(({ response }) => removed(response)),
  };
}

/** The authority that operations on `:authority` or `host` ask for, which Envoy sets by other means. */
export function authorityOf(operations: HeaderOperations | undefined): string | undefined {
  const { set = {}, add = {} } = operations?.request ?? {};
  const find = (headers: Readonly<Record<string, string>>): string | undefined =>
    sorted(headers).find(([name]) => isAuthority(name))?.[1];
  return find(set) ?? find(add);
}

function added({ set, add }: HeaderChanges): HeaderValueOption[] {
  const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  const options = (
    headers: Readonly<Record<string, string>>,
    appendAction: HeaderValueOption_HeaderAppendAction,
  ): HeaderValueOption[] =>
    sorted(headers)
      .filter(([name]) => !isInternal(name))
      .map(([key, value]) => ({ header: { key, value }, appendAction }));
  return [...options(set, OVERWRITE_IF_EXISTS_OR_ADD), ...options(add, APPEND_IF_EXISTS_OR_ADD)];
}

function removed({ remove }: HeaderChanges): string[] {
  return remove.filter((name) => !isInternal(name));
}

function isAuthority(name: string): boolean {
  return [":authority", "host"].includes(name.toLowerCase());
}

/** Envoy refuses changes of these, and the whole route configuration with them. */
function isInternal(name: string): boolean {
  return name.startsWith(":") || isAuthority(name);
}
