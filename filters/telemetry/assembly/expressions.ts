import { clock, Expression, HeaderMap, joinTexts, Properties } from "@sluice/sdk/assembly";
import { flagNames } from "./response-flags";

enum Kind {
  Plain,
  Flags,
  /** Plain, too, but a log has a value also where Envoy has none. */
  Took,
  Code,
  /** Plain, too, but a log has what has come, whatever content-length says. */
  Received,
  /** Plain, too, but where it is empty a log has no value. */
  NotEmpty,
  Other,
}

/**
 * CEL expressions that are read for each request: those that are nothing but an attribute in one call of the host, any other one by a
 * call of its own, since one that has no value takes the others of its call with it.
 */
@final
export class Expressions {
  private plain: Expression | null = null;
  private kinds: i32[] = [];
  /** By the expression's place; null for those that are read otherwise, or can't be. */
  private others: (Expression | null)[] = [];

  /** @param texts compile, each on its own */
  constructor(texts: string[]) {
    const list: string[] = [];
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i];
      const existence = existenceOf(text);
      const kind: i32 = existence.length ? kindOf(text) : Kind.Other;
      this.kinds.push(kind);
      this.others.push(kind == Kind.Other ? Expression.compile(marked(text)) : null);
      if (isPlain(kind)) list.push(existence + " ? " + marked(text) + " : ''");
    }
    if (list.length) this.plain = Expression.compile("[" + joinTexts(list, ", ") + "]");
    if (list.length && this.plain == null) this.separate(texts);
  }

  /** Where the host does not compile attributes together, as where that text is too long for it. */
  private separate(texts: string[]): void {
    for (let i = 0; i < texts.length; i++) {
      if (isPlain(this.kinds[i])) this.others[i] = Expression.compile(marked(texts[i]));
    }
  }

  /**
   * Appends the results: `s` and what is a string, `n` and what is anything else, as a text; empty for what has no value now.
   * Attributes that are durations are in milliseconds, response flags have their names.
   *
   * @param isLog of what is over, as Envoy's own log has it: how long a connection was there, code 0 without an answer, and so on
   */
  read(results: string[], isLog: bool): void {
    const together = this.plain;
    const plain = together == null ? new Array<string>() : together.strings();
    let nextPlain = 0;
    for (let i = 0; i < this.kinds.length; i++) {
      const kind = this.kinds[i];
      const other = this.others[i];
      let text: string | null = null;
      if (kind == Kind.Flags) text = "s" + flagNames(new Properties().u64(FLAGS));
      else if (other != null) text = other.string();
      else if (isPlain(kind) && nextPlain < plain.length) text = plain[nextPlain++];
      if (text == null) text = "";
      results.push(isLog ? inLog(kind, text) : text);
    }
  }
}

/** Of what is nothing but an attribute. */
function kindOf(text: string): i32 {
  if (text == FLAGS) return Kind.Flags;
  if (text == TOOK) return Kind.Took;
  if (text == CODE) return Kind.Code;
  if (text == RECEIVED) return Kind.Received;
  return text.startsWith("re") ? Kind.Plain : Kind.NotEmpty; // a header of a request or response may be there and empty
}

function isPlain(kind: i32): bool {
  return kind != Kind.Flags && kind != Kind.Other;
}

/** What a log has for a result. */
function inLog(kind: i32, text: string): string {
  if (kind == Kind.Received) return received();
  if (text.length > (kind == Kind.NotEmpty ? 1 : 0)) return text;
  if (kind == Kind.Code) return "n0";
  return kind == Kind.Took ? sinceStart() : "";
}

/** Bytes of the body, or of a connection: no attribute has them alone. */
function received(): string {
  const total = new Properties().u64("request.total_size");
  return "n" + (total - new HeaderMap(REQUEST_HEADERS).snapshot().sizeBytes).toString();
}

/** How long a connection has been there: Envoy says it of requests only. */
function sinceStart(): string {
  const start = new Properties().u64("request.time");
  const now = max(clock.realtimeNs(), start); // the clock may step back
  return start ? "n" + ((now - start) / 1_000_000).toString() : "";
}

/** As it is read, with its kind before it. A line end keeps a comment at the expression's end from what follows. */
export function marked(text: string): string {
  if (DURATIONS.includes(text))
    return "'n' + string(" + text + ".getSeconds() * 1000 + " + text + ".getMilliseconds())";
  return "(type(" + text + "\n) == string ? 's' : 'n') + string(" + text + "\n)";
}

const FLAGS = "response.flags";
const TOOK = "request.duration";
const CODE = "response.code";
const RECEIVED = "request.size";
const REQUEST_HEADERS: i32 = 0; // sdk/abi/map-type.ts
const DURATIONS: string[] = [TOOK, "response.backend_latency", "upstream.cx_pool_ready_duration"];
const GROUPS: string[] = ["request", "response", "connection", "source", "destination", "upstream", "xds"];
/** Of texts: filter state is bytes, and those that are no UTF-8 are an error where they become a string. */
const MAPS: string[] = ["request.headers", "response.headers", "response.trailers"];
/** Of these there is no text. */
const PARTS: string[] = ["headers", "trailers", "node", "metadata", "locality"];

/** An expression that is true where the attribute has a value; empty if the text is more than an attribute. */
function existenceOf(text: string): string {
  const dot = text.indexOf(".");
  if (dot < 0 || !isName(text, 0, text.length, false)) return inMap(text);
  const last = text.substring(dot + 1);
  if (!GROUPS.includes(text.substring(0, dot)) || last.includes(".")) return "";
  for (let i = 0; i < PARTS.length; i++) if (last.endsWith(PARTS[i])) return "";
  return "has(" + text + ")";
}

/** Of `request.headers['x-user']`: `'x-user' in request.headers`. */
function inMap(text: string): string {
  const open = text.indexOf("['");
  if (open < 0 || !text.endsWith("']")) return "";
  const map = text.substring(0, open);
  if (!MAPS.includes(map) || !isName(text, open + 2, text.length - 2, true)) return "";
  return text.substring(open + 1, text.length - 1) + " in " + map;
}

/** Letters, digits, `_` and `.`; in quotes also `-`, which is a minus outside of them. */
function isName(text: string, from: i32, to: i32, isQuoted: bool): bool {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    const letter = code | 0x20;
    const isOfName =
      (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code == 0x5f || code == 0x2e;
    if (!isOfName && !(isQuoted && code == 0x2d)) return false;
  }
  return from < to;
}
