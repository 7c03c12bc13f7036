// HTTP and gRPC calls, queues: what a filter asks of others. The upstream answers callouts, too.
import type { Answer, Script } from "../script.ts";

const headers = "{':method': 'GET', ':path': '/check', ':authority': 'auth.test'}";
const anyOrder =
  "{'X-A': '1', ':authority': 'auth.test', 'x-a': '2', ':path': '/check', ':method': 'POST', 'content-length': '0'}";
const response = `
  get_header_map_pairs(6)
  get_header_map_value(6, ':status')
  get_header_map_pairs(7)
  get_buffer_bytes(4, 0, 100)
  get_buffer_status(4)
  get_status()
  get_header_map_value(0, ':path')`;
const goOn =
  "set_effective_context($stream)\nget_header_map_value(0, ':path')\nget_header_map_value(6, ':status')\ncontinue_stream(0)\nget_header_map_value(0, ':path')";

/** A call in the request callback, whose response lets the request go on. */
function call(title: string, step: string, more: Partial<Script> = {}): Script {
  return {
    title: `http_call: ${title}`,
    on: {
      request_headers: `${step}\nreturn 1`,
      http_call_response: `${response}\n${goOn}`,
      response_headers: "log(2, 'A')",
    },
    ...more,
  };
}

const http: readonly Script[] = [
  call("a response without a body", `http_call('open', ${headers}, '', '', 5000)`, {
    answers: [{ status: 204, headers: [["x-a", "1"]] }, { status: 200 }],
  }),
  call("headers, body and trailers both ways", `http_call('open', ${headers}, 'question', {'x-t': '1'}, 5000)`, {
    answers: [{ status: 200, body: ["ans", "wer"], trailers: [["x-u", "2"]] }, { status: 200 }],
  }),
  call("a timeout is a response of 504", `http_call('open', ${headers}, '', '', 50)`, {
    answers: ["nothing", { status: 200 }],
  }),
  call("nobody listens: a response of 503", `http_call('closed', ${headers}, '', '', 5000)`),
  {
    title: "http_call: no endpoint is an InternalFailure, and no response comes",
    on: { request_headers: `http_call('none', ${headers}, '', '', 5000)`, http_call_response: "log(2, 'response')" },
    never: ["http_call_response"],
  },
  call("a reset", `http_call('open', ${headers}, '', '', 5000)`, {
    answers: [{ reset: "remote-reset" }, { status: 200 }],
  }),
  ...(["connection-termination", "refused-stream"] as const).map((reset) =>
    call(`a ${reset}`, `http_call('open', ${headers}, '', '', 5000)`, { answers: [{ reset }, { status: 200 }] }),
  ),
  call("a response that breaks off", `http_call('open', ${headers}, '', '', 0)`, {
    answers: [{ status: 200, headers: [["x-a", "1"]], body: ["begun"], breaksOff: true }, { status: 200 }],
  }),
  call("pseudo headers in any order and headers of several values", `http_call('open', ${anyOrder}, '', '', 5000)`, {
    answers: [
      {
        status: 200,
        headers: [
          ["x-b", "1"],
          ["x-b", "2"],
        ],
      },
      { status: 200 },
    ],
  }),
  {
    title: "http_call: what is refused at once",
    on: {
      request_headers: `
        http_call('unknown', ${headers}, '', '', 5000)
        http_call('open', {':path': '/', ':authority': 'a'}, '', '', 5000)
        http_call('open', {':method': 'GET', ':authority': 'a'}, '', '', 5000)
        http_call('open', {':method': 'GET', ':path': '/'}, '', '', 5000)
        http_call('open', '', '', '', 5000)
        http_call('', ${headers}, '', '', 5000)
        http_call('open', {':method': 'GET', ':path': '/check', ':authority': 'a', 'x-a': 'b'} * 257, '', '', 5000)
        http_call(@nowhere, ${headers}, '', '', 5000)`,
    },
  },
  {
    title: "http_call: tokens count up, responses come to the root",
    answers: [{ status: 200 }],
    on: {
      request_headers: `http_call('open', ${headers}, '', '', 5000)\nset_effective_context(1)\nhttp_call('open', ${headers}, '', '', 5000)\nreturn 1`,
      http_call_response:
        "get_header_map_value(6, ':status')\nif get_shared_data('one'): set_effective_context($stream)\nif get_shared_data('one'): continue_stream(0)\nset_shared_data('one', 'x', 0)",
    },
  },
  {
    title: "http_call from a tick",
    answers: [{ status: 200 }],
    on: {
      request_headers: "set_tick_period_milliseconds(10)",
      tick: `set_tick_period_milliseconds(0)\nhttp_call('open', ${headers}, '', '', 5000)`,
      http_call_response: response,
    },
    until: "http_call_response> get_status()",
  },
  {
    title: "http_call: a local reply in its response",
    answers: [{ status: 403 }],
    on: {
      request_headers: `http_call('open', ${headers}, '', '', 5000)\nreturn 1`,
      http_call_response: "set_effective_context($stream)\nsend_local_response(403, 'denied', 'no', '', -1)",
      response_headers: "get_header_map_value(2, ':status')",
    },
  },
  {
    title: "http_call: its maps and its body outside of the callback",
    on: {
      request_headers:
        "get_header_map_pairs(6)\nget_header_map_value(6, 'x')\nget_buffer_bytes(4, 0, 9)\nadd_header_map_value(6, 'x', 'y')",
    },
  },
];

const grpcAnswer = {
  status: 200,
  headers: [
    ["content-type", "application/grpc"],
    ["x-i", "1"],
  ],
  body: ["\0\0\0\0\x02ok"],
  trailers: [
    ["grpc-status", "0"],
    ["x-t", "2"],
  ],
} as const;

const shownStream = {
  grpc_receive_initial_metadata: "get_header_map_pairs(4)",
  grpc_receive: "get_buffer_bytes(5, 0, 100)\nget_status()",
  grpc_receive_trailing_metadata: "get_header_map_pairs(5)",
  grpc_close: "get_status()",
};

const goOnAfter = "\nset_effective_context($stream)\ncontinue_stream(0)";
const trailersOnly = [
  ["content-type", "application/grpc"],
  ["grpc-status", "5"],
  ["x-i", "1"],
] as const;

/** A call and a stream that hold a request until they have an answer. */
function both(what: string, answer: Answer): Script[] {
  const answers = [answer, { status: 200 }];
  const hasMessage = typeof answer === "object" && "body" in answer && answer.body?.length !== 0;
  return [
    {
      title: `grpc_call: ${what}`,
      answers,
      never: [hasMessage ? "grpc_close" : "grpc_receive"],
      on: {
        request_headers: "grpc_call('open', 'a.B', 'C', {'x-m': '1'}, 'm', 5000)\nreturn 1",
        grpc_receive: `${shownStream.grpc_receive}${goOnAfter}`,
        grpc_close: `get_status()${goOnAfter}`,
      },
    },
    {
      title: `grpc_stream: ${what}`,
      answers,
      ...(hasMessage ? {} : { never: ["grpc_receive"] }),
      on: {
        request_headers:
          "stream1 = grpc_stream('open', 'a.B', 'C', {'x-m': '1'})\ngrpc_send($stream1, 'm', 1)\nreturn 1",
        ...shownStream,
        grpc_close: `get_status()${goOnAfter}`,
      },
    },
  ];
}

const grpc: readonly Script[] = [
  {
    title: "grpc_call: an unknown cluster",
    on: { request_headers: "grpc_call('unknown', 'a.B', 'C', '', 'm', 1000)\ngrpc_stream('unknown', 'a.B', 'C', '')" },
  },
  {
    title: "grpc_call: nobody listens",
    never: ["grpc_receive"],
    on: {
      request_headers: "grpc_call('closed', 'a.B', 'C', '', 'm', 1000)",
      grpc_close: "get_status()",
      grpc_receive: "log(2, 'receive')",
    },
    until: "grpc_close> get_status()",
  },
  {
    title: "grpc_call: a response",
    answers: [{ status: 200 }, grpcAnswer],
    on: {
      log: "grpc_call('open', 'a.B', 'C', {'x-m': '1'}, 'message', 5000)",
      grpc_receive_initial_metadata: "log(2, 'initial')",
      grpc_receive: "get_buffer_bytes(5, 0, 100)\nget_status()",
      grpc_receive_trailing_metadata: "log(2, 'trailing')",
      grpc_close: "log(2, 'close')",
    },
    never: ["grpc_receive_initial_metadata", "grpc_receive_trailing_metadata", "grpc_close"],
    until: "grpc_receive> get_status()",
  },
  {
    title: "grpc_stream: messages, metadata and the end",
    answers: [{ status: 200 }, grpcAnswer],
    on: {
      log: "stream1 = grpc_stream('open', 'a.B', 'C', {'x-m': '1'})\ngrpc_send($stream1, 'message', 1)",
      grpc_receive_initial_metadata: "get_header_map_pairs(4)",
      grpc_receive: "get_buffer_bytes(5, 0, 100)\nget_status()",
      grpc_receive_trailing_metadata: "get_header_map_pairs(5)",
      grpc_close: "get_status()",
    },
    until: "grpc_close> get_status()",
  },
  {
    title: "grpc_call: a timeout",
    answers: ["nothing", { status: 200 }],
    on: {
      request_headers: "grpc_call('open', 'a.B', 'C', '', 'm', 50)\nreturn 1",
      grpc_close: "get_status()\nset_effective_context($stream)\ncontinue_stream(0)",
    },
  },
  {
    title: "grpc_call: no endpoint",
    on: { request_headers: "grpc_call('none', 'a.B', 'C', '', 'm', 1000)\nlog(2, 'on')", grpc_close: "get_status()" },
  },
  ...both("a failure", {
    ...grpcAnswer,
    body: [],
    trailers: [
      ["grpc-status", "7"],
      ["grpc-message", "not%20you"],
    ],
  }),
  ...both("a failure in the headers", { status: 200, headers: trailersOnly }),
  ...both("an HTTP status", { status: 429 }),
  ...both("a reset", { reset: "remote-reset" }),
  ...both("OK without a message", { ...grpcAnswer, body: [] }),
  ...both("a message of no bytes", { ...grpcAnswer, body: ["\0\0\0\0\0"] }),
  {
    title: "grpc_stream: nobody listens",
    on: { request_headers: "grpc_stream('closed', 'a.B', 'C', '')", ...shownStream },
    never: ["grpc_receive"],
    until: "grpc_close> get_status()",
  },
  {
    title: "grpc_stream: no endpoint",
    on: { request_headers: "grpc_stream('none', 'a.B', 'C', '')\nlog(2, 'on')", ...shownStream },
    never: ["grpc_receive"],
  },
  {
    title: "grpc_stream: several messages both ways, closed by the filter",
    answers: [{ ...grpcAnswer, body: ["\0\0\0\0\x02ok\0\0\0\0\x03on", "e\0\0\0\0\0"] }, { status: 200 }],
    on: {
      request_headers: `
        stream1 = grpc_stream('open', 'a.B', 'C', '')
        grpc_send($stream1, 'one', 0)
        grpc_send($stream1, '', 0)
        grpc_close($stream1)
        grpc_close($stream1)
        grpc_send($stream1, 'late', 0)
        return 1`,
      ...shownStream,
      grpc_close: "get_status()\nset_effective_context($stream)\ncontinue_stream(0)\ngrpc_send($stream1, 'late', 0)",
    },
  },
  {
    title: "grpc_stream and grpc_call: cancelled",
    answers: ["nothing", "nothing", { status: 200 }],
    never: ["grpc_receive_initial_metadata", "grpc_receive", "grpc_receive_trailing_metadata", "grpc_close"],
    on: {
      request_headers:
        "call1 = grpc_call('open', 'a.B', 'C', '', 'm', 1000)\nstream1 = grpc_stream('open', 'a.B', 'C', '')\ngrpc_send($stream1, 'm', 1)",
      response_headers: `
        grpc_cancel($stream1)
        grpc_cancel($stream1)
        grpc_send($stream1, 'late', 0)
        grpc_cancel($call1)
        grpc_close($call1)`,
      ...shownStream,
    },
  },
  {
    title: "grpc_call: without a timeout",
    answers: [grpcAnswer, { status: 200 }],
    on: {
      request_headers: "grpc_call('open', 'a.B', 'C', '', '', 0)\nreturn 1",
      grpc_receive: `${shownStream.grpc_receive}${goOnAfter}`,
    },
  },
  {
    title: "grpc tokens that are none's",
    on: {
      request_headers:
        "grpc_send(5, 'x', 0)\ngrpc_cancel(5)\ngrpc_close(5)\ngrpc_cancel(4)\ngrpc_close(4)\ngrpc_send(6, 'x', 1)\ngrpc_send(7, 'x', 1)",
    },
  },
];

const queues: readonly Script[] = [
  {
    title: "a queue: registered, filled, emptied, empty",
    on: {
      request_headers: `
        queue = register_shared_queue('q')
        enqueue_shared_queue($queue, 'one')
        enqueue_shared_queue($queue, '')
        dequeue_shared_queue($queue)
        dequeue_shared_queue($queue)
        dequeue_shared_queue($queue)
        found = resolve_shared_queue('', 'q')
        enqueue_shared_queue($found, 'two')
        dequeue_shared_queue($queue)`,
    },
  },
  {
    title: "queues that are none",
    on: {
      request_headers:
        "resolve_shared_queue('', 'none')\nresolve_shared_queue('other', 'q')\nenqueue_shared_queue(4711, 'x')\ndequeue_shared_queue(4711)\nregister_shared_queue(@nowhere)",
    },
  },
  {
    title: "the same queue twice",
    on: {
      request_headers:
        "first = register_shared_queue('q')\nsecond = register_shared_queue('q')\nenqueue_shared_queue($first, 'x')\ndequeue_shared_queue($second)",
    },
  },
  {
    title: "on_queue_ready",
    on: {
      request_headers: "queue = register_shared_queue('q')\nenqueue_shared_queue($queue, 'x')",
      queue_ready: "dequeue_shared_queue($queue)",
    },
    until: "queue_ready> dequeue_shared_queue",
  },
];

export { grpc, http, queues };
