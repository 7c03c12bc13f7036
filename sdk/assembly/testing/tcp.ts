// A network filter that does what the caller's first bytes say; driven by the tests beside it.
import { log, Peer, Plugin, registerPlugin, TcpAction, TcpContext } from "@sluice/sdk/assembly";

class Tcp extends Plugin {
  held: TcpStream | null = null;

  onTick(): void {
    const held = this.held;
    this.held = null;
    if (held != null) held.continueDownstream();
  }

  createTcpContext(): TcpContext {
    return new TcpStream(this);
  }
}

class TcpStream extends TcpContext {
  constructor(private plugin: Tcp) {
    super();
  }

  onNewConnection(): TcpAction {
    const source = this.properties.string("source.address");
    log.info("new " + (source == null ? "none" : source));
    return TcpAction.Continue;
  }

  onDownstreamData(size: u32, endOfStream: bool): TcpAction {
    const text = this.downstream.text();
    log.info("down " + size.toString() + " " + text + (endOfStream ? " end" : ""));
    if (text == "close") this.close();
    if (text == "tick") {
      this.plugin.held = this;
      this.plugin.setTickPeriod(10);
    }
    if (!text.endsWith("\n") && !endOfStream) return TcpAction.StopIteration;
    this.downstream.prependText("> ");
    return TcpAction.Continue;
  }

  onUpstreamData(size: u32, endOfStream: bool): TcpAction {
    log.info("up " + size.toString() + " " + this.upstream.text() + (endOfStream ? " end" : ""));
    if (this.upstream.text() == "wait") return TcpAction.StopIteration;
    this.upstream.appendText("!");
    return TcpAction.Continue;
  }

  onDownstreamConnectionClose(by: Peer): void {
    log.info("closed by " + by.toString());
  }

  onUpstreamConnectionClose(by: Peer): void {
    log.info("upstream closed by " + by.toString());
  }

  onDone(): void {
    log.info("done");
  }

  onLog(): void {
    log.info("log");
  }

  onDelete(): void {
    log.info("deleted");
  }
}

registerPlugin(() => new Tcp());
