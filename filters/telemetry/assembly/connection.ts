import { TcpContext } from "@sluice/sdk/assembly";
import { OpenConnection } from "./open-connection";
import { Proxy } from "./proxy";

/** One TCP connection. */
@final
export class Connection extends TcpContext {
  /** Null where nothing is counted. */
  private open: OpenConnection | null = null;

  constructor(private proxy: Proxy) {
    super();
    if (!proxy.connections.isEmpty) {
      const open = new OpenConnection(this, proxy);
      this.open = open;
      proxy.open.add(open);
    }
  }

  onLog(): void {
    const open = this.open;
    if (open != null) {
      this.proxy.open.remove(open);
      open.end();
    }
    this.proxy.log(this.filterState);
  }
}
