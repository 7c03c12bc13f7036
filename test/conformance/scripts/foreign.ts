// Functions that Envoy has beyond the ABI, but for expressions.
import { generateKeyPairSync, sign } from "node:crypto";
import type { Script } from "../script.ts";

/** A field of a protobuf message: bytes, or a number. */
function field(number: number, value: string | Uint8Array | number): Buffer {
  if (typeof value === "number") return Buffer.from([number << 3, value]);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  return value < 128 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 127) | 128]), varint(value >> 7)]);
}

/** A call with a message, as a step. */
function call(name: string, ...fields: Buffer[]): string {
  const hex = Buffer.concat(fields).toString("hex");
  return `call_foreign_function('${name}', '${hex.replace(/../g, "\\x$&")}')`;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const der = {
  public: { type: "spki", format: "der" },
  private: { type: "pkcs8", format: "der" },
} as const;
const pem = { public: { type: "spki", format: "pem" }, private: { type: "pkcs8", format: "pem" } } as const;
const text = "what is signed";
const publicKey = rsa.publicKey.export(der.public);
const privateKey = rsa.privateKey.export(der.private);
const signature = sign("sha256", Buffer.from(text), rsa.privateKey);

const objects = [
  ["envoy.network.upstream_server_name", "a.test"],
  ["envoy.network.application_protocols", "h2,http/1.1"],
  ["envoy.network.upstream_subject_alt_names", "a,b"],
  ["envoy.tcp_proxy.cluster", "a"],
  ["envoy.tcp_proxy.disable_tunneling", "true"],
  ["envoy.tcp_proxy.per_connection_idle_timeout_ms", "100"],
  ["envoy.tcp_proxy.per_connection_idle_timeout_ms", "x"],
  ["envoy.upstream.dynamic_host", "10.0.0.1"],
  ["envoy.upstream.dynamic_port", "80"],
  ["envoy.upstream.dynamic_port", "x"],
  ["envoy.ratelimit.hits_addend", "2"],
  ["envoy.ratelimit.hits_addend", "x"],
  ["envoy.string", "a"],
  ["envoy.hashable_string", "a"],
  ["envoy.network.ip", "10.0.0.1"],
  ["envoy.network.network_namespace", "a"],
  ["envoy.nothing", "a"],
  ["", "a"],
] as const;

export const foreign: readonly Script[] = [
  {
    title: "a foreign function that is none",
    on: {
      request_headers:
        "call_foreign_function('none', 'x')\ncall_foreign_function('', '')\ncall_foreign_function(@nowhere, '')",
    },
  },
  {
    title: "clear_route_cache",
    on: {
      configure: "call_foreign_function('clear_route_cache', '')",
      request_headers: "call_foreign_function('clear_route_cache', '')",
      response_headers: "call_foreign_function('clear_route_cache', '')",
    },
  },
  {
    title: "compress and uncompress",
    on: {
      request_headers:
        "call_foreign_function('uncompress', 'x')\nz = call_foreign_function('compress', 'hello hello hello')\nz = call_foreign_function('compress', '')\ncall_foreign_function('uncompress', '\\x78\\x9c\\x03\\x00\\x00\\x00\\x00\\x01')",
    },
  },
  {
    title: "set_envoy_filter_state, declare_property, sign and verify with arguments that are none",
    on: {
      request_headers:
        "call_foreign_function('set_envoy_filter_state', 'x')\ncall_foreign_function('declare_property', 'x')\ncall_foreign_function('verify_signature', 'x')\ncall_foreign_function('sign', 'x')\ncall_foreign_function('set_envoy_filter_state', '')\ncall_foreign_function('declare_property', '')\ncall_foreign_function('verify_signature', '')\ncall_foreign_function('sign', '')",
    },
  },
  ...objects.map(([path, value]) => ({
    title: `set_envoy_filter_state of ${JSON.stringify(path)} to ${JSON.stringify(value)}`,
    on: {
      request_headers: `${call("set_envoy_filter_state", field(1, path), field(2, value))}\nget_property('filter_state.${path.replaceAll(".", "~.")}')\nget_property('${path.replaceAll(".", "~.")}')`,
      log: `get_property('filter_state.${path.replaceAll(".", "~.")}')`,
    },
  })),
  {
    title: "set_envoy_filter_state twice, and with a life span that is none",
    on: {
      request_headers: [
        ...[0, 0, 9].map((span) =>
          call("set_envoy_filter_state", field(1, "envoy.string"), field(2, `v${span}`), field(3, span)),
        ),
        "get_property('filter_state.envoy~.string')",
        "call_foreign_function('expr_create', 'filter_state[\"envoy.string\"]')",
        "call_foreign_function('expr_evaluate', '\\x00\\x00\\x00\\x00')",
      ].join("\n"),
      log: "get_property('filter_state.envoy~.string')",
    },
    upstream: { request_headers: "get_property('filter_state.envoy~.string')" },
  },
  {
    title: "set_envoy_filter_state in the upstream chain",
    on: { log: "get_property('filter_state.envoy~.hashable_string')" },
    upstream: {
      request_headers: `${call("set_envoy_filter_state", field(1, "envoy.hashable_string"), field(2, "up"))}\nget_property('filter_state.envoy~.hashable_string')`,
    },
  },
  {
    title: "set_envoy_filter_state with another life span is a bug of Envoy's",
    on: {
      request_headers: [1, 2]
        .map((span) => call("set_envoy_filter_state", field(1, "envoy.string"), field(2, "a"), field(3, span)))
        .join("\n"),
    },
  },
  {
    title: "set_envoy_filter_state while a plugin is configured",
    on: { configure: call("set_envoy_filter_state", field(1, "envoy.string"), field(2, "a")) },
  },
  {
    title: "set_envoy_filter_state in a root's context",
    on: {
      request_headers: `set_effective_context(1)\n${call("set_envoy_filter_state", field(1, "envoy.string"), field(2, "a"))}`,
    },
  },
  {
    title: "declare_property and its property",
    on: {
      configure: [
        call("declare_property", field(1, "k"), field(2, 0)),
        call("declare_property", field(1, "k"), field(2, 1)),
        call("declare_property", field(1, "readonly"), field(2, 1)),
        call("declare_property", field(1, "text"), field(3, 1)),
        call("declare_property", field(1, "request"), field(5, 1)),
        call("declare_property", field(1, "odd"), field(3, 9), field(5, 9)),
      ].join("\n"),
      request_headers: `
        set_property('k', 'v')
        set_property('k', 'w')
        get_property('k')
        get_property('filter_state.k')
        get_property('filter_state.wasm~.k')
        set_property('readonly', 'v')
        set_property('readonly', 'w')
        get_property('readonly')
        set_property('text', 'v')
        get_property('text')
        set_property('request', 'v')
        get_property('filter_state.wasm~.request')
        set_property('odd', 'v')
        get_property('odd')
        ${call("declare_property", field(1, "late"), field(2, 1))}
        set_property('late', 'v')
        set_property('late', 'w')
        call_foreign_function('expr_create', 'text == "v"')
        call_foreign_function('expr_evaluate', '\\x00\\x00\\x00\\x00')
        call_foreign_function('expr_create', 'k == "w"')
        call_foreign_function('expr_evaluate', '\\x01\\x00\\x00\\x00')`,
      response_headers: "set_property('readonly', 'x')\nset_property('late', 'x')\nget_property('readonly')",
    },
  },
  {
    title: "verify_signature",
    on: {
      request_headers: [
        [field(1, "sha256"), field(2, publicKey), field(3, signature), field(4, text)],
        [field(1, "SHA256"), field(2, publicKey), field(3, signature), field(4, text)],
        [field(1, "sha256"), field(2, publicKey), field(3, signature), field(4, "other")],
        [field(1, "sha512"), field(2, publicKey), field(3, signature), field(4, text)],
        [field(1, "md5"), field(2, publicKey), field(3, signature), field(4, text)],
        [field(1, ""), field(2, publicKey), field(3, signature), field(4, text)],
        [field(1, "sha256"), field(2, "no key"), field(3, signature), field(4, text)],
        [field(1, "sha256"), field(3, signature), field(4, text)],
        [field(1, "sha256"), field(2, publicKey), field(3, "short"), field(4, text)],
      ]
        .map((fields) => call("verify_signature", ...fields))
        .join("\n"),
    },
  },
  {
    title: "verify_signature with PEM, with both keys, and on a curve",
    on: {
      request_headers: [
        [field(1, "sha256"), field(5, rsa.publicKey.export(pem.public)), field(3, signature), field(4, text)],
        [field(1, "sha256"), field(5, "no pem"), field(3, signature), field(4, text)],
        [field(1, "sha256"), field(2, publicKey), field(5, "x"), field(3, signature), field(4, text)],
        [
          field(1, "sha256"),
          field(2, ec.publicKey.export(der.public)),
          field(3, sign("sha256", Buffer.from(text), ec.privateKey)),
          field(4, text),
        ],
      ]
        .map((fields) => call("verify_signature", ...fields))
        .join("\n"),
    },
  },
  {
    title: "sign",
    on: {
      request_headers: [
        [field(1, "sha256"), field(2, privateKey), field(3, text)],
        [field(1, "Sha1"), field(2, privateKey), field(3, text)],
        [field(1, "md5"), field(2, privateKey), field(3, text)],
        [field(1, "sha256"), field(2, "no key"), field(3, text)],
        [field(1, "sha256"), field(3, text)],
        [field(1, "sha256"), field(2, privateKey)],
      ]
        .map((fields) => call("sign", ...fields))
        .join("\n"),
    },
  },
  {
    title: "sign with PEM",
    on: {
      request_headers: [
        [field(1, "sha384"), field(4, rsa.privateKey.export(pem.private)), field(3, text)],
        [field(1, "sha224"), field(4, rsa.privateKey.export(pem.private)), field(3, text)],
        [field(1, "sha256"), field(4, "no pem"), field(3, text)],
      ]
        .map((fields) => call("sign", ...fields))
        .join("\n"),
    },
  },
  {
    title: "resolving a name",
    on: { request_headers: "envoy_resolve_dns('127.0.0.1')", envoy_on_resolve_dns: "get_buffer_bytes(8, 0, 100)" },
  },
];
