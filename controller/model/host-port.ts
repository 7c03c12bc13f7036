/** Where a service is: a name, and a port of it. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `zipkin.istio-system:9411`; `undefined` where the text is not of that form. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const [, host = "", digits] = match;
  const port = Number(digits);
  return port >= 1 && port <= 65535 ? { host, port } : undefined;
}

export function hostPortText({ host, port }: HostPort): string {
  return `${host}:${port}`;
}
