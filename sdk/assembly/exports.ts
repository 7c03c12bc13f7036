// The functions that the host calls, and the way from there to the classes of a filter. `npm run asbuild` compiles this file
// with the filter and leaves out every callback whose method no class of the filter overrides: the host does not call
// what is not exported, and what nobody calls is not in the module.
import "./abort";
import * as BufferType from "../abi/buffer-type";
import * as StreamType from "../abi/stream-type";
import { DataAction, HeadersAction, TrailersAction } from "./actions";
import { askAbout, bring, end, resultOf } from "./callback";
import { collectIfDue } from "./collector";
import { parseConfig } from "./config";
import { Context, enter, setNewestPlugin } from "./context";
import { addContext, findContext, forgetContext } from "./context-table";
import { proxy_get_buffer_bytes, proxy_get_property } from "./env";
import { closeGrpc, receiveGrpcMessage, receiveGrpcMetadata } from "./grpc";
import { allocateForHost, FIRST, OUT_PTR, OUT_SIZE, valueBytes, valueIs } from "./host-memory";
import { answerHttpCall } from "./http-call";
import { HttpContext, RESPONDED } from "./http-context";
import * as log from "./log";
import { Plugin } from "./plugin";
import { Queue } from "./queue";
import { configured, connectionOf, createPlugin, pluginOf, streamOf } from "./registry";
import { Status } from "./status";
import { Peer, TcpAction, TcpContext } from "./tcp-context";

/** The host reads from this which ABI the module speaks. */
export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return allocateForHost(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  enter(id);
  if (parent == 0) {
    const plugin = createPlugin();
    if (plugin == null) return;
    if (isDefined(OVERRIDES_createUpstreamContext)) plugin.isUpstream = hasRootId("upstream");
    if (isDefined(OVERRIDES_createTcpContext))
      plugin.isNetwork = !isDefined(OVERRIDES_createHttpContext) || hasRootId("network");
    setNewestPlugin(id);
    add(plugin, id);
    return;
  }
  const plugin = pluginOf(parent);
  if (plugin == null) return;
  if (isDefined(OVERRIDES_createTcpContext)) {
    if (plugin.isNetwork) {
      const connection = plugin.createTcpContext();
      if (connection != null) add(connection, id);
      return;
    }
  }
  const stream = plugin.isUpstream ? plugin.createUpstreamContext() : plugin.createHttpContext();
  if (stream != null) add(stream, id);
}

function add(context: Context, id: u32): void {
  context.id = id;
  addContext(context);
}

export function proxy_on_vm_start(id: u32, size: u32): bool {
  enter(id);
  const plugin = pluginOf(id);
  return plugin == null || plugin.onVmStart();
}

export function proxy_on_configure(id: u32, size: u32): bool {
  enter(id);
  const plugin = pluginOf(id);
  if (plugin == null) return false;
  const status = proxy_get_buffer_bytes(BufferType.PluginConfiguration, 0, size, OUT_PTR, OUT_SIZE);
  if (status != Status.Ok) return false; // rather than without what was configured
  const config = parseConfig(size ? valueBytes() : new Uint8Array(0));
  plugin.onConfigure(config);
  const problems = config.finish();
  const ok = !problems.length;
  configured(ok);
  const name = plugin.properties.string("plugin_name");
  for (let i = 0; i < problems.length; i++) log.error((name == null ? "" : name + ": ") + problems[i]);
  collectIfDue();
  return ok;
}

export function proxy_on_tick(id: u32): void {
  enter(id);
  const plugin = pluginOf(id);
  if (plugin != null) plugin.onTick();
  collectIfDue();
}

export function proxy_on_request_headers(id: u32, count: u32, endOfStream: bool): HeadersAction {
  enter(id);
  askAbout(StreamType.Request);
  const stream = streamOf(id);
  const action = stream == null ? HeadersAction.Continue : stream.onRequestHeaders(endOfStream);
  collectIfDue();
  return resultOf(action);
}

export function proxy_on_request_body(id: u32, size: u32, endOfStream: bool): DataAction {
  enter(id);
  askAbout(StreamType.Request);
  bring(BufferType.RequestBody);
  const stream = streamOf(id);
  let action = DataAction.Continue;
  if (stream != null) {
    action = resultOf(stream.onRequestBody(size, endOfStream));
    stream.noteBody(BufferType.RequestBody, action);
  }
  collectIfDue();
  return action;
}

export function proxy_on_request_trailers(id: u32, count: u32): TrailersAction {
  enter(id);
  askAbout(StreamType.Request);
  const stream = streamOf(id);
  const action = stream == null ? TrailersAction.Continue : stream.onRequestTrailers();
  collectIfDue();
  return resultOf(action);
}

export function proxy_on_response_headers(id: u32, count: u32, endOfStream: bool): HeadersAction {
  enter(id);
  askAbout(StreamType.Response);
  const stream = streamOf(id);
  const action = stream == null ? HeadersAction.Continue : stream.onResponseHeaders(endOfStream);
  collectIfDue();
  return resultOf(action);
}

export function proxy_on_response_body(id: u32, size: u32, endOfStream: bool): DataAction {
  enter(id);
  askAbout(StreamType.Response);
  bring(BufferType.ResponseBody);
  const stream = streamOf(id);
  let action = DataAction.Continue;
  if (stream != null) {
    stream.parts |= RESPONDED;
    action = resultOf(stream.onResponseBody(size, endOfStream));
    stream.noteBody(BufferType.ResponseBody, action);
  }
  collectIfDue();
  return action;
}

export function proxy_on_response_trailers(id: u32, count: u32): TrailersAction {
  enter(id);
  askAbout(StreamType.Response);
  const stream = streamOf(id);
  let action = TrailersAction.Continue;
  if (stream != null) {
    stream.parts |= RESPONDED;
    action = stream.onResponseTrailers();
  }
  collectIfDue();
  return resultOf(action);
}

export function proxy_on_http_call_response(id: u32, token: u32, headers: u32, bodySize: u32, trailers: u32): void {
  enter(id);
  answerHttpCall(token, headers);
  collectIfDue();
}

export function proxy_on_grpc_receive_initial_metadata(id: u32, token: u32, count: u32): void {
  enter(id);
  receiveGrpcMetadata(token, false);
  collectIfDue();
}

export function proxy_on_grpc_receive(id: u32, token: u32, size: u32): void {
  enter(id);
  receiveGrpcMessage(token);
  collectIfDue();
}

export function proxy_on_grpc_receive_trailing_metadata(id: u32, token: u32, count: u32): void {
  enter(id);
  receiveGrpcMetadata(token, true);
  collectIfDue();
}

export function proxy_on_grpc_close(id: u32, token: u32, status: u32): void {
  enter(id);
  const plugin = pluginOf(id);
  if (plugin != null) closeGrpc(plugin, token, status);
  collectIfDue();
}

export function proxy_on_queue_ready(id: u32, queue: u32): void {
  enter(id);
  const plugin = pluginOf(id);
  if (plugin != null) plugin.onQueueReady(new Queue(queue));
  collectIfDue();
}

export function proxy_on_new_connection(id: u32): TcpAction {
  enter(id);
  const connection = connectionOf(id);
  const action = connection == null ? TcpAction.Continue : connection.onNewConnection();
  collectIfDue();
  return action;
}

export function proxy_on_downstream_data(id: u32, size: u32, endOfStream: bool): TcpAction {
  enter(id);
  const connection = connectionOf(id);
  const action = connection == null ? TcpAction.Continue : connection.onDownstreamData(size, endOfStream);
  collectIfDue();
  return action;
}

export function proxy_on_upstream_data(id: u32, size: u32, endOfStream: bool): TcpAction {
  enter(id);
  const connection = connectionOf(id);
  const action = connection == null ? TcpAction.Continue : connection.onUpstreamData(size, endOfStream);
  collectIfDue();
  return action;
}

export function proxy_on_downstream_connection_close(id: u32, by: Peer): void {
  enter(id);
  const connection = connectionOf(id);
  if (connection != null) connection.onDownstreamConnectionClose(by);
}

export function proxy_on_upstream_connection_close(id: u32, by: Peer): void {
  enter(id);
  const connection = connectionOf(id);
  if (connection != null) connection.onUpstreamConnectionClose(by);
}

export function proxy_on_log(id: u32): void {
  enter(id);
  const context = findContext<Context>(id);
  if (context == null) return;
  end();
  context.onLog();
  collectIfDue(); // nothing else is called of an access logger
}

export function proxy_on_done(id: u32): bool {
  enter(id);
  end();
  const context = findContext<Context>(id);
  if (context instanceof HttpContext) {
    (<HttpContext>context).onDone();
    return true;
  }
  if (isDefined(OVERRIDES_createTcpContext)) {
    if (context instanceof TcpContext) {
      (<TcpContext>context).onDone();
      return true;
    }
  }
  return context == null || changetype<Plugin>(context).onDone();
}

export function proxy_on_delete(id: u32): void {
  enter(id);
  if (isDefined(OVERRIDES_onDelete)) end();
  const context = forgetContext(id);
  if (context != null) context.onDelete();
  collectIfDue();
}

/** Whether the control plane gave this plugin a role by its root_id. */
function hasRootId(role: string): bool {
  const path = FIRST.text("plugin_root_id");
  return proxy_get_property(path.ptr, path.size, OUT_PTR, OUT_SIZE) == Status.Ok && valueIs(role);
}
