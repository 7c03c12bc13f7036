// Measures on the host that runs it what several attributes cost, read one by one and by one expression; see test/load/attributes.ts.
import { clock, Expression, HeadersAction, HttpContext, log, Plugin, registerPlugin } from "@sluice/sdk/assembly";

const paths: string[] = [
  "request.path",
  "request.method",
  "request.host",
  "request.scheme",
  "request.id",
  "request.protocol",
  "source.address",
  "destination.address",
];
const repetitions = 50;

class Cost extends Plugin {
  createHttpContext(): HttpContext {
    return new CostStream();
  }
}

class CostStream extends HttpContext {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    for (let n = 1; n <= paths.length; n++) this.compare(paths.slice(0, n));
    return HeadersAction.Continue;
  }

  private compare(some: string[]): void {
    const expression = Expression.compile("[" + some.join(", ") + "]")!;
    let single = u64.MAX_VALUE;
    let joint = u64.MAX_VALUE;
    for (let round = 0; round < 30; round++) {
      const start = clock.monotonicNs();
      for (let i = 0; i < repetitions; i++) {
        for (let k = 0; k < some.length; k++) this.properties.string(some[k]);
      }
      const middle = clock.monotonicNs();
      for (let i = 0; i < repetitions; i++) expression.strings();
      single = min(single, middle - start);
      joint = min(joint, clock.monotonicNs() - middle);
    }
    expression.delete();
    const count = some.length.toString() + " attributes ";
    log.info(count + "one by one: " + (single / repetitions).toString() + " ns");
    log.info(count + "by one expression: " + (joint / repetitions).toString() + " ns");
  }
}

registerPlugin(() => new Cost());
