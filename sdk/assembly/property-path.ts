// Paths of properties, written as Envoy's attributes are in CEL: `request.path`, and a part that has a dot itself in
// brackets: `xds.route_metadata.filter_metadata['dev.sluice'].retryOn`. The host wants the parts parted by NUL.

/** Turns the path of `size` bytes at `at` into the host's form, in place. Returns the new size. */
export function encodePath(at: usize, size: usize): usize {
  const end = at + size;
  let to = at;
  for (let from = at; from < end; from++) {
    const byte = load<u8>(from);
    if (byte == 0x2e) {
      store<u8>(to++, 0);
    } else if (byte == 0x5b /* [ */) {
      from += 2; // the bracket and the quote
      if (to > at) store<u8>(to++, 0);
      while (from < end && load<u8>(from) != 0x27 /* ' */) store<u8>(to++, load<u8>(from++));
      from++; // the quote; the loop steps over the bracket
    } else {
      store<u8>(to++, byte);
    }
  }
  return to - at;
}
