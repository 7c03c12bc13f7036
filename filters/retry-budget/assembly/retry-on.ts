// Whether Envoy's router would retry a response, by the conditions of its route's retry policy. It knows the response only
// by its headers, as the router does: a grpc-status in trailers is never retried.

/** What is retried on a route whose conditions are not known: failures that another attempt may not meet. */
const UNKNOWN = "5xx,cancelled,deadline-exceeded,resource-exhausted,internal,unavailable";

/**
 * @param retryOn    Envoy's conditions and status codes, joined by commas; null: not known
 * @param status     of the response
 * @param grpcStatus of its headers; -1 if they have none
 * @see https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/http/http_filters/router_filter#x-envoy-retry-on
 */
export function isRetriable(retryOn: string | null, status: i64, grpcStatus: i64): bool {
  const conditions = retryOn == null ? UNKNOWN : retryOn;
  let from = 0;
  while (from < conditions.length) {
    let to = conditions.indexOf(",", from);
    if (to < 0) to = conditions.length;
    if (meets(conditions.substring(from, to), status, grpcStatus)) return true;
    from = to + 1;
  }
  return false;
}

function meets(condition: string, status: i64, grpcStatus: i64): bool {
  if (condition == "5xx") return status >= 500 && status < 600;
  if (condition == "gateway-error") return status >= 502 && status <= 504;
  if (condition == "retriable-4xx") return status == 409;
  if (condition == "cancelled") return grpcStatus == 1;
  if (condition == "deadline-exceeded") return grpcStatus == 4;
  if (condition == "resource-exhausted") return grpcStatus == 8;
  if (condition == "internal") return grpcStatus == 13;
  if (condition == "unavailable") return grpcStatus == 14;
  return condition.length == 3 && toNumber(condition) == status;
}

/** A number of decimal digits, up to 18 of them; -1 for any other text. */
export function toNumber(text: string | null): i64 {
  if (text == null || !text.length || text.length > 18) return -1;
  let number: i64 = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}
