// What each panel of a dashboard shows of the load of `prometheus.test.ts`: lines as `lines` in `../support/grafana.ts`
// gives them, after the workload that the dashboard is opened at. `> 0`: how much it is, is the machine's affair.
import controller from "../../controller/package.json" with { type: "json" };

const { version } = controller;

/** Panels that the dashboards of a service and of a workload both have, opened at the same names. */
const byClient = {
  "Incoming requests by client and response code": [
    "catalog: istio-ingressgateway.istio-system mutual_tls 200 = 8",
    "catalog: istio-ingressgateway.istio-system mutual_tls 503 = 4",
    "catalog: webapp.shop mutual_tls 200 = 6",
    "catalog: webapp.shop mutual_tls 404 = 2",
    "prices: webapp.shop mutual_tls 200 = 8",
  ],
  "Incoming success rate by client": [
    "catalog: istio-ingressgateway.istio-system mutual_tls = 0.67",
    "catalog: webapp.shop mutual_tls = 1",
    "prices: webapp.shop mutual_tls = 1",
  ],
  "Incoming requests by client and response flag": [],
  "Incoming request duration by client": [
    "catalog: istio-ingressgateway.istio-system mutual_tls = 12",
    "catalog: webapp.shop mutual_tls = 8",
    "prices: webapp.shop mutual_tls = 8",
  ],
  "Incoming request size by client": [
    "catalog: istio-ingressgateway.istio-system mutual_tls = 12",
    "catalog: webapp.shop mutual_tls = 8",
    "prices: webapp.shop mutual_tls = 8",
  ],
  "Incoming response size by client": [
    "catalog: istio-ingressgateway.istio-system mutual_tls = 12",
    "catalog: webapp.shop mutual_tls = 8",
    "prices: webapp.shop mutual_tls = 8",
  ],
  "Incoming TCP bytes by client": [
    "db: unknown.shop mutual_tls received = 16",
    "db: unknown.shop mutual_tls sent = 16",
  ],
  "Incoming gRPC calls by client and status": ["prices: webapp.shop mutual_tls 0 = 8"],
  "Incoming gRPC messages by client": ["prices: webapp.shop requests = 8", "prices: webapp.shop responses = 8"],
};

/** Dashboard to title to lines. */
export const expected: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "mesh.json": {
    Requests: ["= 43"],
    "Success rate": ["= 0.65"],
    "4xx": ["= 2"],
    "5xx": ["= 15"],
    "HTTP and gRPC": [
      "catalog.shop.svc.cluster.local catalog shop = 0.8",
      "catalog.shop.svc.cluster.local catalog shop = 20",
      "orders.shop.svc.cluster.local orders shop = 0.31",
      "orders.shop.svc.cluster.local orders shop = 13",
      "orders.shop.svc.cluster.local unknown unknown = 0",
      "orders.shop.svc.cluster.local unknown unknown = 2",
      "prices.shop.svc.cluster.local prices shop = 1",
      "prices.shop.svc.cluster.local prices shop = 8",
    ],
    TCP: ["db.shop.svc.cluster.local db shop = 16"],
    "Proxies by version": [`proxy ${version} = 5`],
    "Connected to the control plane": ["connected = 5", "proxies = 5"],
    "Configuration rejected": ["rejected = 0"],
    "Wasm VMs made anew": ["istio_system_telemetry = 0", "shop_deadline = 0", "shop_retry_budget = 0"],
    "Wasm VMs": ["active > 0"],
    "Memory of a proxy": ["median > 0", "most > 0"],
  },
  "service.json": {
    "Client requests": ["catalog: = 20", "prices: = 8"],
    "Client success rate": ["catalog: = 0.8", "prices: = 1"],
    "Server requests": ["catalog: = 20", "prices: = 8"],
    "Server success rate": ["catalog: = 0.8", "prices: = 1"],
    ...byClient,
    "Incoming requests by workload and response code": [
      "catalog: catalog.shop mutual_tls 200 = 14",
      "catalog: catalog.shop mutual_tls 404 = 2",
      "catalog: catalog.shop mutual_tls 503 = 4",
      "prices: prices.shop mutual_tls 200 = 8",
    ],
    "Incoming success rate by workload": [
      "catalog: catalog.shop mutual_tls = 0.8",
      "prices: prices.shop mutual_tls = 1",
    ],
    "Incoming requests by workload and response flag": [],
    "Incoming request duration by workload": [
      "catalog: catalog.shop mutual_tls = 20",
      "prices: prices.shop mutual_tls = 8",
    ],
    "Incoming request size by workload": [
      "catalog: catalog.shop mutual_tls = 20",
      "prices: prices.shop mutual_tls = 8",
    ],
    "Incoming response size by workload": [
      "catalog: catalog.shop mutual_tls = 20",
      "prices: prices.shop mutual_tls = 8",
    ],
    "Incoming TCP bytes by workload": ["db: db.shop mutual_tls received = 16", "db: db.shop mutual_tls sent = 16"],
    "Incoming gRPC calls by workload and status": ["prices: prices.shop mutual_tls 0 = 8"],
    "Incoming gRPC messages by workload": ["prices: prices.shop requests = 8", "prices: prices.shop responses = 8"],
  },
  "workload.json": {
    "Incoming requests": ["catalog: = 20", "prices: = 8"],
    "Incoming success rate": ["catalog: = 0.8", "prices: = 1"],
    "Outgoing requests": ["catalog: = 15", "webapp: = 16"],
    "Outgoing success rate": ["catalog: = 0.27", "webapp: = 1"],
    ...byClient,
    "Outgoing requests by service and response code": [
      "catalog: orders.shop.svc.cluster.local 200 = 4",
      "catalog: orders.shop.svc.cluster.local 503 = 6",
      "catalog: orders.shop.svc.cluster.local 504 = 5",
      "webapp: catalog.shop.svc.cluster.local 200 = 6",
      "webapp: catalog.shop.svc.cluster.local 404 = 2",
      "webapp: prices.shop.svc.cluster.local 200 = 8",
    ],
    "Outgoing success rate by service": [
      "catalog: orders.shop.svc.cluster.local = 0.27",
      "webapp: catalog.shop.svc.cluster.local = 1",
      "webapp: prices.shop.svc.cluster.local = 1",
    ],
    "Outgoing requests by service and response flag": ["catalog: orders.shop.svc.cluster.local UT = 3"],
    "Outgoing request duration by service": [
      "catalog: orders.shop.svc.cluster.local = 15",
      "webapp: catalog.shop.svc.cluster.local = 8",
      "webapp: prices.shop.svc.cluster.local = 8",
    ],
    "Outgoing request size by service": [
      "catalog: orders.shop.svc.cluster.local = 15",
      "webapp: catalog.shop.svc.cluster.local = 8",
      "webapp: prices.shop.svc.cluster.local = 8",
    ],
    "Outgoing response size by service": [
      "catalog: orders.shop.svc.cluster.local = 15",
      "webapp: catalog.shop.svc.cluster.local = 8",
      "webapp: prices.shop.svc.cluster.local = 8",
    ],
    "Outgoing TCP bytes by service": [
      "catalog: db.shop.svc.cluster.local received = 16",
      "catalog: db.shop.svc.cluster.local sent = 16",
    ],
    "Outgoing gRPC calls by service and status": ["webapp: prices.shop.svc.cluster.local 0 = 8"],
    "Outgoing gRPC messages by service": [
      "webapp: prices.shop.svc.cluster.local requests = 8",
      "webapp: prices.shop.svc.cluster.local responses = 8",
    ],
  },
  "resilience.json": {
    "Budget in use": ["outbound|80||orders.shop.svc.cluster.local = 55"],
    Calls: ["inbound|8080|| = 20", "outbound|80||orders.shop.svc.cluster.local = 13"],
    Retries: [
      "inbound|8080|| denied = 0",
      "inbound|8080|| made = 0",
      "outbound|80||orders.shop.svc.cluster.local denied = 6",
      "outbound|80||orders.shop.svc.cluster.local made = 4",
    ],
    "Attempts per call": ["inbound|8080|| = 1", "outbound|80||orders.shop.svc.cluster.local = 1.31"],
    "Lookups of a shared place": ["= 0"],
    Passed: ["before attempt = 0", "on arrival = 2", "while open = 3"],
    "Malformed values": ["= 4"],
  },
  "Istio's mesh": {
    "Traffic Volume": ["= 43"],
    "Success Rate": ["= 0.65"],
    "4xxs": ["= 2"],
    "5xxs": ["= 15"],
    "HTTP/gRPC Workloads": [
      "catalog.shop = 0.8",
      "catalog.shop = 20",
      "orders.shop = 0.31",
      "orders.shop = 13",
      "prices.shop = 1",
      "prices.shop = 8",
      "unknown.unknown = 2",
    ],
    "TCP Workloads": ["db.shop = 16"],
    "Istio Component Versions": [`proxy (${version}) = 5`],
  },
  "Istio's service": {
    "Client Request Volume": ["catalog: = 20", "prices: = 8"],
    "Client Success Rate (non-5xx responses)": ["catalog: = 0.8", "prices: = 1"],
    "Client Request Duration": ["catalog: = 20", "prices: = 8"],
    "TCP Received Bytes": ["db: = 16"],
    "Server Request Volume": ["catalog: = 20", "prices: = 8"],
    "Server Success Rate (non-5xx responses)": ["catalog: = 0.8", "prices: = 1"],
    "Server Request Duration": ["catalog: = 20", "prices: = 8"],
    "TCP Sent Bytes": ["db: = 16"],
    "Incoming Requests By Source And Response Code": [
      "catalog: istio-ingressgateway.istio-system : 200 (🔐mTLS) = 8",
      "catalog: istio-ingressgateway.istio-system : 503 (🔐mTLS) = 4",
      "catalog: webapp.shop : 200 (🔐mTLS) = 6",
      "catalog: webapp.shop : 404 (🔐mTLS) = 2",
      "prices: webapp.shop : 200 (🔐mTLS) = 8",
    ],
    "Incoming Success Rate (non-5xx responses) By Source": [
      "catalog: istio-ingressgateway.istio-system (🔐mTLS) = 0.67",
      "catalog: webapp.shop (🔐mTLS) = 1",
      "prices: webapp.shop (🔐mTLS) = 1",
    ],
    "Incoming Request Duration By Source": [
      "catalog: istio-ingressgateway.istio-system (🔐mTLS) = 12",
      "catalog: webapp.shop (🔐mTLS) = 8",
      "prices: webapp.shop (🔐mTLS) = 8",
    ],
    "Incoming Request Size By Source": [
      "catalog: istio-ingressgateway.istio-system (🔐mTLS) = 12",
      "catalog: webapp.shop (🔐mTLS) = 8",
      "prices: webapp.shop (🔐mTLS) = 8",
    ],
    "Response Size By Source": [
      "catalog: istio-ingressgateway.istio-system (🔐mTLS) = 12",
      "catalog: webapp.shop (🔐mTLS) = 8",
      "prices: webapp.shop (🔐mTLS) = 8",
    ],
    "Bytes Received from Incoming TCP Connection": ["db: db.shop (🔐mTLS) = 16", "db: unknown.shop (🔐mTLS) = 16"],
    "Bytes Sent to Incoming TCP Connection": ["db: db.shop (🔐mTLS) = 16", "db: unknown.shop (🔐mTLS) = 16"],
    "Incoming Requests By Destination Workload And Response Code": [
      "catalog: catalog.shop : 200 (🔐mTLS) = 14",
      "catalog: catalog.shop : 404 (🔐mTLS) = 2",
      "catalog: catalog.shop : 503 (🔐mTLS) = 4",
      "prices: prices.shop : 200 (🔐mTLS) = 8",
    ],
    "Incoming Success Rate (non-5xx responses) By Destination Workload": [
      "catalog: catalog.shop (🔐mTLS) = 0.8",
      "prices: prices.shop (🔐mTLS) = 1",
    ],
    "Incoming Request Duration By Service Workload": [
      "catalog: catalog.shop (🔐mTLS) = 20",
      "prices: prices.shop (🔐mTLS) = 8",
    ],
    "Incoming Request Size By Service Workload": [
      "catalog: catalog.shop (🔐mTLS) = 20",
      "prices: prices.shop (🔐mTLS) = 8",
    ],
    "Response Size By Service Workload": ["catalog: catalog.shop (🔐mTLS) = 20", "prices: prices.shop (🔐mTLS) = 8"],
  },
  "Istio's workload": {
    "Incoming Request Volume": ["catalog: = 20", "prices: = 8"],
    "Incoming Success Rate (non-5xx responses)": ["catalog: = 0.8", "prices: = 1"],
    "Request Duration": ["catalog: = 20", "prices: = 8"],
    "TCP Server Traffic": ["db: = 32"],
    "TCP Client Traffic": [],
    "Incoming Requests By Source And Response Code": [
      "catalog: istio-ingressgateway.istio-system : 200 (🔐mTLS) = 8",
      "catalog: istio-ingressgateway.istio-system : 503 (🔐mTLS) = 4",
      "catalog: webapp.shop : 200 (🔐mTLS) = 6",
      "catalog: webapp.shop : 404 (🔐mTLS) = 2",
      "prices: webapp.shop : 200 (🔐mTLS) = 8",
    ],
    "Incoming Success Rate (non-5xx responses) By Source": [
      "catalog: istio-ingressgateway.istio-system (🔐mTLS) = 0.67",
      "catalog: webapp.shop (🔐mTLS) = 1",
      "prices: webapp.shop (🔐mTLS) = 1",
    ],
    "Incoming Request Duration By Source": [
      "catalog: istio-ingressgateway.istio-system (🔐mTLS) = 12",
      "catalog: webapp.shop (🔐mTLS) = 8",
      "prices: webapp.shop (🔐mTLS) = 8",
    ],
    "Incoming Request Size By Source": [
      "catalog: istio-ingressgateway.istio-system (🔐mTLS) = 12",
      "catalog: webapp.shop (🔐mTLS) = 8",
      "prices: webapp.shop (🔐mTLS) = 8",
    ],
    "Response Size By Source": [
      "catalog: istio-ingressgateway.istio-system (🔐mTLS) = 12",
      "catalog: webapp.shop (🔐mTLS) = 8",
      "prices: webapp.shop (🔐mTLS) = 8",
    ],
    "Bytes Received from Incoming TCP Connection": ["db: unknown.shop (🔐mTLS) = 16"],
    "Bytes Sent to Incoming TCP Connection": ["db: unknown.shop (🔐mTLS) = 16"],
    "Outgoing Requests By Destination And Response Code": [
      "catalog: orders.shop.svc.cluster.local : 200 (🔐mTLS) = 4",
      "catalog: orders.shop.svc.cluster.local : 503 (🔐mTLS) = 6",
      "catalog: orders.shop.svc.cluster.local : 504 (🔐mTLS) = 3",
      "catalog: orders.shop.svc.cluster.local : 504 = 2",
      "webapp: catalog.shop.svc.cluster.local : 200 (🔐mTLS) = 6",
      "webapp: catalog.shop.svc.cluster.local : 404 (🔐mTLS) = 2",
      "webapp: prices.shop.svc.cluster.local : 200 (🔐mTLS) = 8",
    ],
    "Outgoing Success Rate (non-5xx responses) By Destination": [
      "catalog: orders.shop.svc.cluster.local = 0.27",
      "webapp: catalog.shop.svc.cluster.local = 1",
      "webapp: prices.shop.svc.cluster.local = 1",
    ],
    "Outgoing Request Duration By Destination": [
      "catalog: orders.shop.svc.cluster.local = 15",
      "webapp: catalog.shop.svc.cluster.local = 8",
      "webapp: prices.shop.svc.cluster.local = 8",
    ],
    "Outgoing Request Size By Destination": [
      "catalog: orders.shop.svc.cluster.local = 15",
      "webapp: catalog.shop.svc.cluster.local = 8",
      "webapp: prices.shop.svc.cluster.local = 8",
    ],
    "Response Size By Destination": [
      "catalog: orders.shop.svc.cluster.local = 15",
      "webapp: catalog.shop.svc.cluster.local = 8",
      "webapp: prices.shop.svc.cluster.local = 8",
    ],
    "Bytes Sent on Outgoing TCP Connection": ["catalog: db.shop.svc.cluster.local = 16"],
    "Bytes Received from Outgoing TCP Connection": ["catalog: db.shop.svc.cluster.local = 16"],
  },
};
