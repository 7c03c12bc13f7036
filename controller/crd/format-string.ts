import { celComplaint } from "./cel-expression.ts";
import { token } from "./http-headers.ts";

// Envoy's format strings, `%REQ(x-tenant)% over %PROTOCOL%`. Envoy refuses all routes of a proxy for a wrong one, so that only
// commands are taken of which it is known what they take.

/** Commands without arguments, and so without a length. */
export const plainCommands: readonly string[] =
  `BYTES_RECEIVED BYTES_SENT CONNECTION_ID CONNECTION_TERMINATION_DETAILS DOWNSTREAM_DIRECT_REMOTE_ADDRESS
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_PORT
  DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER DOWNSTREAM_PEER_SERIAL
  DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT
  DOWNSTREAM_REMOTE_PORT DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_VERSION DOWNSTREAM_TRANSPORT_FAILURE_REASON DURATION
  FILTER_CHAIN_NAME GRPC_STATUS_NUMBER HOSTNAME PROTOCOL REQUESTED_SERVER_NAME REQUEST_DURATION RESPONSE_CODE
  RESPONSE_CODE_DETAILS RESPONSE_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG ROUTE_NAME START_TIME STREAM_ID UPSTREAM_CLUSTER
  UPSTREAM_CLUSTER_RAW UPSTREAM_HOST UPSTREAM_LOCAL_ADDRESS UPSTREAM_PROTOCOL UPSTREAM_REMOTE_ADDRESS
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_PORT UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_TLS_CIPHER UPSTREAM_TLS_VERSION
  UPSTREAM_TRANSPORT_FAILURE_REASON VIRTUAL_CLUSTER_NAME`.split(/\s+/);

const words = /^[\w.:-]+$/;

/** What is wrong with the argument of a command that has one; `undefined`: nothing. */
const argumentComplaints: Readonly<Record<string, (argument: string) => string | undefined>> = {
  REQ: headers,
  RESP: headers,
  TRAILER: headers,
  CEL: celComplaint,
  ENVIRONMENT: (name) => (words.test(name) ? undefined : "takes the name of a variable"),
  DYNAMIC_METADATA: (path) => (words.test(path) ? undefined : "takes namespace:key"),
  FILTER_STATE: (key) => (/^[\w.-]+:PLAIN$/.test(key) ? undefined : "takes key:PLAIN"),
};

/** One header, or one and another in its place: `x-original-path?:path`. */
function headers(argument: string): string | undefined {
  const names = argument.split("?");
  const isGood = names.length <= 2 && names.every((name) => token.test(name.replace(/^:/, "")));
  return isGood ? undefined : "takes the name of a header, or name?other";
}

/** What is wrong with a format string; `undefined`: nothing. */
export function formatComplaint(text: string): string | undefined {
  const command = /%%|%([A-Z0-9_]+)(?:\(([^%]*?)\)(?::\d+)?)?%/gy;
  for (let at = text.indexOf("%"); at >= 0; at = text.indexOf("%", command.lastIndex)) {
    command.lastIndex = at;
    const [whole, name, argument] = command.exec(text) ?? [];
    if (whole === undefined) return `what begins at column ${at + 1} is no command; a % is written %%`;
    if (name === undefined) continue;
    const complaint = commandComplaint(name, argument);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

function commandComplaint(name: string, argument: string | undefined): string | undefined {
  const complain = Object.hasOwn(argumentComplaints, name) ? argumentComplaints[name] : undefined;
  if (complain) {
    const complaint = complain(argument ?? "");
    return complaint === undefined ? undefined : `%${name}()%: ${complaint}`;
  }
  if (!plainCommands.includes(name)) return `the command %${name}% is not supported; %CEL(…)% has all attributes`;
  return argument === undefined ? undefined : `%${name}% takes no argument here`;
}
