// Hostcalls that steer a stream: local replies, continuing, closing. ABI 0.1.0 has names of its own for some.
import * as Status from "../abi/status.ts";
import * as StreamType from "../abi/stream-type.ts";
import { decodePairs } from "./pairs.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

export function streamCalls(vm: VmScope): Hostcalls {
  const goOn = (type: number) => {
    vm.context().stream?.continueStream(type);
    return Status.Ok;
  };
  return {
    /** The reply is sent after the callback, whose own result no longer counts. Without a stream it does nothing. */
    proxy_send_local_response(
      status: number,
      detailsAddress: number,
      detailsSize: number,
      bodyAddress: number,
      bodySize: number,
      headersAddress: number,
      headersSize: number,
      grpcStatus: number,
    ) {
      const details = vm.memory.read(detailsAddress, detailsSize);
      const body = vm.memory.read(bodyAddress, bodySize);
      const headers = vm.memory.read(headersAddress, headersSize);
      if (details === undefined || body === undefined || headers === undefined) return Status.InvalidMemoryAccess;
      const reply = {
        status,
        body,
        headers: decodePairs(headers),
        grpcStatus: grpcStatus >= 0 && grpcStatus <= 16 ? grpcStatus : undefined,
        details: details.replace(/[ \t\n\v\f\r]/g, "_"),
      };
      vm.context().stream?.sendLocalReply(reply);
      vm.stopIteration();
      return Status.Ok;
    },
    proxy_continue_stream(type: number) {
      if (!isStreamType(type)) return Status.BadArgument;
      if (type === StreamType.Upstream) return Status.Unimplemented;
      return goOn(type);
    },
    proxy_continue_request: () => goOn(StreamType.Request),
    proxy_continue_response: () => goOn(StreamType.Response),
    proxy_clear_route_cache() {
      vm.context().stream?.clearRouteCache();
      return Status.Ok;
    },
    proxy_close_stream(type: number) {
      if (!isStreamType(type)) return Status.BadArgument;
      vm.context().stream?.closeStream(type);
      return Status.Ok;
    },
  };
}

function isStreamType(type: number): boolean {
  return type >= StreamType.Request && type <= StreamType.Upstream;
}
