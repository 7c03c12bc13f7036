// Byte buffers. Read by asc and by tsc.

export const RequestBody = 0;
export const ResponseBody = 1;
export const DownstreamData = 2;
export const UpstreamData = 3;
export const HttpCallResponseBody = 4;
export const GrpcMessage = 5;
export const VmConfiguration = 6;
export const PluginConfiguration = 7;
/** Arguments of proxy_on_foreign_function, envoy_on_resolve_dns and envoy_on_stats_update. */
export const CallData = 8;
