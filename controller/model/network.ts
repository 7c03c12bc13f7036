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

/** What {@link isInterfaceName} takes, as an error says it. */
export const interfaceNameForm =
  'network interfaces as eth0, or eth+ for all whose names begin so: at most 15 bytes, no space, /, : or ", no ! in front';

/**
 * The name of a network interface, or with `+` behind it the beginning of names, as in a rule for iptables. Leaves out what
 * the kernel gives no interface, what ends or begins a word of iptables-restore (`"`), what older iptables take for a
 * negation (`!`), and `+` alone, which is every interface and is saved as no condition at all.
 *
 * @see Linux net/core/dev.c, dev_valid_name
 */
export function isInterfaceName(text: string): boolean {
  return /^(?!\.{1,2}$|\+$|!)[^\s/:"]+$/.test(text) && new TextEncoder().encode(text).length <= 15;
}

/** The items of a comma separated list, without spaces around them; none of an empty text. */
export function listItems(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
