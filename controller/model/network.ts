// Addresses and ports as texts, as flags, annotations and fields write them.

/** `10.0.0.0/8`, `10.1.2.3` (a range of one), `fd00::/8`; `undefined` where the text is none of that. */
export function parseRange(text: string): { readonly family: 4 | 6; readonly isLoopback: boolean } | undefined {
  const [address = "", bits, rest] = text.split("/");
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : undefined;
  if (family === undefined || rest !== undefined) return undefined;
  if (bits !== undefined && !(/^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))) return undefined;
  return { family, isLoopback: family === 4 ? address.startsWith("127.") : /^[0:]+:0*1$/.test(address) };
}

/** IPv4 or IPv6, without a port. */
export function isIpAddress(text: string): boolean {
  return isIPv4(text) || isIPv6(text);
}

function isIPv4(text: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(text) && text.split(".").every((part) => Number(part) <= 255);
}

function isIPv6(text: string): boolean {
  return /^[0-9a-fA-F:.]+$/.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`);
}

/** A port that can be listened on, as digits. */
export function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
}

/** The items of a comma separated list, without spaces around them; none of an empty text. */
export function listItems(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
