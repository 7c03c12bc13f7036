// What hostcalls answer in each phase, as scripts of the puppet and what it must say: the same rows hold on Envoy 1.40.
import type { RequestInit, UpstreamResponse } from "../request.ts";

/** One request through the puppet in both chains. */
export interface Row {
  /** The sentence that the row proves. */
  readonly title: string;
  /** Lines of the puppet's configuration. */
  readonly script: readonly string[];
  /** What it says of each step, in order: status and, where there is one, the value. */
  readonly says: readonly string[];
  readonly request?: RequestInit;
  readonly response?: UpstreamResponse;
}

const twice: RequestInit = { path: "/a?b=1&c", headers: { "X-Two": ["1", "2"], "x-empty": "" } };

const headerRows: readonly Row[] = [
  {
    title: "names are found in any case, host is :authority, an absent header is NotFound",
    script: ["R: get 0 x-two; get 0 X-TWO; get 0 host; get 0 x-none"],
    request: twice,
    says: ["0 1", "0 1", "0 service.test", "1"],
  },
  {
    title: "an empty value is Ok with address 0",
    script: ["R: get 0 x-empty"],
    request: twice,
    says: ["0 null"],
  },
  {
    title: "replace leaves one value, at the end; remove of an absent name is Ok",
    script: ["R: replace 0 x-two 3; remove 0 x-none; remove 0 x-request-id; remove 0 x-empty; pairs 0"],
    request: twice,
    says: [
      "0",
      "0",
      "0",
      "0",
      "0 :authority=service.test :path=/a?b=1&c :method=GET :scheme=http x-forwarded-proto=http x-two=3",
    ],
  },
  {
    title: "add appends a header, but joins the value of an inline one",
    script: [
      "R: add 0 X-Two 3; replace 0 grpc-timeout 1S; add 0 grpc-timeout 2S; get 0 grpc-timeout; remove 0 x-request-id; remove 0 grpc-timeout; pairs 0",
    ],
    request: { headers: { "x-two": "1" } },
    says: [
      "0",
      "0",
      "0",
      "0 1S,2S",
      "0",
      "0",
      "0 :authority=service.test :path=/ :method=GET :scheme=http x-two=1 x-forwarded-proto=http x-two=3",
    ],
  },
  {
    title: "a malformed block of pairs empties the map silently",
    script: ["A: garbage 2 xyz; pairs 2; replace 2 :status 200"],
    says: ["0", "0 null", "0"],
  },
  {
    title: "response headers do not exist while the request is on its way",
    script: ["R: get 2 x; add 2 x y; pairs 2; size 2; get 1 x; get 3 x; get 6 x; get 8 x"],
    says: ["2", "2", "0 null", "2", "2", "2", "2", "2"],
  },
  {
    title: "request headers are gone after Continue, in both halves",
    script: ["uA: get 0 :path; replace 0 x y; pairs 0; size 0", "A: get 0 :path; replace 0 x y; pairs 0; size 0"],
    says: ["2", "2", "0 null", "2", "2", "2", "0 null", "2"],
  },
  {
    title: "in on_log both are back to be read only, and what is not there is NotFound",
    script: ["L: get 0 :path; get 2 :status; get 1 x; get 3 x; replace 0 x y; replace 2 x y; size 0; get 7 x"],
    says: ["0 /", "0 200", "1", "1", "2", "2", "2", "1"],
  },
  {
    title: "in on_done there are none",
    script: ["D: get 0 :path; get 2 :status; pairs 0"],
    says: ["2", "2", "0 null"],
  },
  {
    title: "after a local reply the request headers stay until the end",
    script: ["R: local 429 x y", "A: get 0 :path; get 2 :status; pairs 2", "D: get 0 :path"],
    says: ["0", "0 /", "0 429", "0 :status=429 content-length=1 content-type=text/plain", "0 /"],
  },
  {
    title: "the request's map is one for all attempts and the log",
    script: ["R: replace 0 x-a 1", "uR: get 0 x-a; replace 0 x-a 2; add 0 x-b 3", "L: get 0 x-a; get 0 x-b"],
    says: ["0", "0 1", "0", "0", "0 2", "0 3"],
  },
  {
    title: "an address outside the memory is InvalidMemoryAccess",
    script: ["R: nowhere"],
    says: ["6"],
  },
];

const propertyRows: readonly Row[] = [
  {
    title: "the request's properties in the request phases of both halves",
    script: [
      "R: property request|path; property request|url_path; property request|query; property request|method; property request|scheme; property request|host; property request|protocol; property request|headers|x-empty; property request|headers|x-two; property request|headers|x-none",
      "uR: property request|path; property request|headers|x-two",
    ],
    request: twice,
    says: [
      "0 /a?b=1&c",
      "0 /a",
      "0 b=1&c",
      "0 GET",
      "0 http",
      "0 service.test",
      "0 HTTP/1.1",
      "0 null",
      "0 1,2",
      "1",
      "0 /a?b=1&c",
      "0 1,2",
    ],
  },
  {
    title:
      "request.path and request.headers are gone in the response phases and back in on_log; time and protocol stay",
    script: [
      "uA: property request|path; property request|protocol",
      "A: property request|path; property request|headers|x-two; property request|protocol",
      "L: property request|path; property request|headers|x-two",
      "D: property request|path",
    ],
    request: twice,
    says: ["1", "0 HTTP/1.1", "1", "1", "0 HTTP/1.1", "0 /a?b=1&c", "0 1,2", "1"],
  },
  {
    title: "response.code comes when the response has passed the upstream half",
    script: [
      "R: property response|code",
      "uA: property response|code; property response|code_details; property response|headers|x-b",
      "A: property response|code; property response|headers|x-b; property response|grpc_status",
      "L: property response|code; property response|flags",
    ],
    response: { status: 404, headers: { "x-b": "c" } },
    says: [
      "1",
      "1",
      "0 via_upstream",
      "0 c",
      "0 \\94\\01\\00\\00\\00\\00\\00\\00",
      "0 c",
      "0 \\0c\\00\\00\\00\\00\\00\\00\\00",
      "0 \\94\\01\\00\\00\\00\\00\\00\\00",
      "0 \\00\\00\\00\\00\\00\\00\\00\\00",
    ],
  },
  {
    title: "gRPC: a status in the headers wins; a local reply's code is its own before the log and 200 in it",
    script: [
      "R: local 504 too+late gone+now 4",
      "A: property response|code; property response|grpc_status; property response|code_details; pairs 2",
      "L: property response|code; property response|grpc_status",
    ],
    request: { headers: { "content-type": "application/grpc" } },
    says: [
      "0",
      "0 \\f8\\01\\00\\00\\00\\00\\00\\00",
      "0 \\04\\00\\00\\00\\00\\00\\00\\00",
      "0 too_late",
      "0 :status=200 content-type=application/grpc grpc-status=4 grpc-message=gone now",
      "0 \\c8\\00\\00\\00\\00\\00\\00\\00",
      "0 \\04\\00\\00\\00\\00\\00\\00\\00",
    ],
  },
  {
    title: "attempts are counted from 0 downstream; the endpoint is known from the upstream half on",
    script: [
      "R: property upstream|request_attempt_count; property upstream|address",
      "uR: property upstream|request_attempt_count",
      "L: property upstream|request_attempt_count",
    ],
    says: [
      "0 \\00\\00\\00\\00\\00\\00\\00\\00",
      "1",
      "0 \\01\\00\\00\\00\\00\\00\\00\\00",
      "0 \\01\\00\\00\\00\\00\\00\\00\\00",
    ],
  },
  {
    title: "duration is known in on_log only",
    script: ["R: property request|duration", "A: property request|duration"],
    says: ["1", "1"],
  },
  {
    title: "the old names of node, route and cluster are NotFound; metadata is the dynamic one, which is empty",
    script: [
      "R: property node|id; property route_name; property cluster_name; property listener_direction; property metadata; property route_metadata",
    ],
    says: ["1", "1", "1", "1", "0 null", "1"],
  },
  {
    title: "the plugin's own properties; missing metadata is NotFound",
    script: [
      "R: property plugin_root_id; property plugin_vm_id; property connection|mtls; property xds|route_metadata|filter_metadata|none|k",
      "uR: property plugin_root_id",
    ],
    says: ["0 null", "0 v", "0 \\00", "1", "0 upstream"],
  },
  {
    title: "filter state is one store for halves, attempts and log",
    script: [
      "R: set sluice.a 1; property sluice.a; property filter_state|wasm.sluice.a; property wasm.sluice.a; property filter_state",
      "uR: property sluice.a; set sluice.a 2; set sluice.empty _",
      "uD: property sluice.a",
      "A: property sluice.a; property sluice.empty",
      "L: property sluice.a; set sluice.b 3; property sluice.b",
      "D: property sluice.b",
    ],
    says: ["0", "0 1", "0 1", "1", "3", "0 1", "0", "0", "0 2", "0 2", "0 null", "0 2", "0", "0 3", "0 3"],
  },
];

const otherRows: readonly Row[] = [
  {
    title:
      "metrics: ids by kind, a counter only grows and adds on record, a gauge wraps below 0, a histogram is record-only",
    script: [
      "R: define 0 c; define 0 c; define 1 g; define 2 h; define 3 x; increment 4 2; increment 4 0; increment 4 -1; record 8 5; metric 4; increment 5 -1; metric 5; record 5 7; metric 5; record 6 9; increment 6 1; metric 6; metric 12; increment 13 1; record 14 1; metric 14; metric 7; record 7 1",
    ],
    says: [
      "0 4",
      "0 8",
      "0 5",
      "0 6",
      "2",
      "0",
      "2",
      "2",
      "0",
      "0 7",
      "0",
      "0 18446744073709551615",
      "0",
      "0 7",
      "0",
      "2",
      "2",
      "1",
      "1",
      "1",
      "2",
      "2",
      "1",
    ],
  },
  {
    title:
      "shared data: a new key takes any cas, 0 overwrites, a wrong one is CasMismatch, an empty value is no null result",
    script: ["R: read k; write k a 77; read k; write k b 0; write k c 1; read k; write k d 2; write e _ 0; read e"],
    says: ["1", "0", "0 a cas 1", "0", "8", "0 b cas 2", "0", "0", "0 null cas 4"],
  },
  {
    title: "buffers: the plugin's configuration only while it is configured, the VM's always",
    script: ["R: buffer 7 0 100; buffer 6 0 100; buffer 9 0 1"],
    says: ["1", "0 null", "2"],
  },
  {
    title: "continue_stream: upstream is Unimplemented, an unknown stream BadArgument; an unknown context, too",
    script: ["R: continue 3; continue 9; effective 4711"],
    says: ["12", "2", "2"],
  },
  {
    title: "a stop is lifted by continue_stream in the same callback, and the request headers are gone at once",
    script: ["R: continue 0; get 0 :path; return 1", "uR: get 0 :path"],
    says: ["0", "2", "", "0 /"],
  },
];

export const rows: readonly Row[] = [...headerRows, ...propertyRows, ...otherRows];
