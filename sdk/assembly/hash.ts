/**
 * FNV-1a over a text's UTF-16 units: the same in all workers, for places and shares. It keeps nothing secret and resists nobody who
 * looks for collisions.
 */
export function hashText(text: string): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = (hash ^ text.charCodeAt(i)) * 0x01000193;
  return hash;
}
