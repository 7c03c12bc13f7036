/** More than any refusal of a proxy of this mesh needs; a peer may name itself by megabytes. */
const defaultMax = 1000;

/**
 * A text of which a peer has written parts, as it may stand in a log, in memory and in a gRPC status: one line, of no more
 * than `lengthMax` characters, 1,000 by default, and nothing of a longer text is held on to.
 */
export function peerText(text: string, lengthMax = defaultMax): string {
  const start = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return Buffer.from(start.replaceAll(/\p{Cc}/gu, " ")).toString(); // a copy: V8 keeps all of what a slice is of
}
