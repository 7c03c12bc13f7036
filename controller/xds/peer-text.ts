/** More than any refusal of a proxy of this mesh needs; a peer may name itself by megabytes. */
const lengthMax = 1000;

/**
 * A text of which a peer has written parts, as it may stand in a log, in memory and in a gRPC status: one line, of 1,000
 * characters at most, and nothing of a longer text is held on to.
 */
export function peerText(text: string): string {
  const start = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return Buffer.from(start.replaceAll(/\p{Cc}/gu, " ")).toString(); // a copy: V8 keeps all of what a slice is of
}
