// One line of JSON for each request or connection that is over, left in filter state: a file logger of Envoy's prints it from there.
import { Expression, FilterState, joinTexts } from "@sluice/sdk/assembly";
import { AccessLogConfig } from "./config";
import { Expressions } from "./expressions";
import { quoted, valueOf } from "./json-text";

/** `wasm.sluice.access-log` for Envoy's formatters. */
const STATE = "sluice.access-log";

@final
export class AccessLog {
  private filter: Expression | null = null;
  /** With what stands before and behind them in the line. */
  private names: string[] = [];
  private values: Expressions;

  constructor(config: AccessLogConfig) {
    this.values = new Expressions(config.fields.values());
    const names = config.fields.keys();
    for (let i = 0; i < names.length; i++) this.names.push((i ? "," : "{") + quoted(names[i]) + ":");
    const filter = config.filter;
    if (filter != null) this.filter = Expression.compile(filter);
  }

  /** Leaves the line of the request or connection whose filter state this is. */
  write(state: FilterState): void {
    const filter = this.filter;
    if (filter != null && !filter.bool()) return;
    const values: string[] = [];
    this.values.read(values, true);
    const parts: string[] = [];
    for (let i = 0; i < values.length; i++) {
      parts.push(this.names[i]);
      parts.push(valueOf(values[i]));
    }
    parts.push("}\n");
    state.set(STATE, joinTexts(parts));
  }
}
