// What a script of TCP connections says, and what can be seen of them.

/** No more bytes will come from this end (a TCP FIN). */
export const end = Symbol("end");

/** This end drops the connection (a TCP RST), once these bytes have reached the ends: what a reset overtakes is lost. */
export interface Reset {
  readonly resetsAfter: { readonly client?: string; readonly server?: string };
}

/**
 * One end of a connection does something: sends bytes (a char each), ends, resets. The next move follows when Envoy has
 * read the bytes, or when the other end has seen the end; or, if it is given, when the log has `until` once more, at once
 * if that is empty, or when so much is counted.
 */
export type Move = readonly [by: EndName, does: string | typeof end | Reset, until?: string | Counted];

/** The counters whose names end so, together. */
export interface Counted {
  readonly metric: string;
  readonly sum: number;
}

export type EndName = "client" | "server";

/** A connection that is over. */
export interface Seen {
  readonly client: SeenEnd;
  /** "never": Envoy has made no connection. */
  readonly server: SeenEnd | "never";
  /** Response flags of the access log. */
  readonly flags: string;
}

export interface SeenEnd {
  /** A char for each byte. */
  readonly received: string;
  /** How it learned of the end; "itself": it reset the connection. */
  readonly closed: "end" | "reset" | "itself";
}

/** Both ends have sent their last byte. */
export const bothEnd: readonly Move[] = [
  ["client", end],
  ["server", end],
];

/** A move in words, for errors. */
export function moveText([by, does]: Move): string {
  return `the ${by}'s ${does === end ? "end" : JSON.stringify(does)}`;
}
