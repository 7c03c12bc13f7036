// The runtime that compiled code calls (asc --runtime): objects are marked from the globals on, and what is not marked is
// swept. It never collects by itself: see collector.ts. It replaces asc's `minimal`, which does the same in three times the code.
//
// Marking needs no stack: objects that are still to be visited are a list through their `link`, whose last two bits are
// the mark. It is another one in each collection, so no mark must ever be taken away. Objects in static memory have an
// older header, but the same words before them, so they are marked alike: they may hold others.
import { allocate, HEADER, keep, release, shrink, sweep } from "./heap";

/** Offsets from an object. */
const LINK: usize = -12;
const CLASS_ID: usize = -8;
const OBJECT_SIZE: usize = -4;

/** Mark of the last collection: 1 or 2. */
let mark: usize = 1;

/** The object to visit next. */
let grey: usize = 0;

// @ts-ignore: decorator
@global
export function __new(size: usize, id: u32): usize {
  const object = allocate(size) + HEADER;
  store<u32>(object + CLASS_ID, id);
  store<u32>(object + OBJECT_SIZE, <u32>size);
  return object;
}

// @ts-ignore: decorator
@global
export function __renew(object: usize, size: usize): usize {
  if (object >= __heap_base && shrink(object - HEADER, size)) {
    store<u32>(object + OBJECT_SIZE, <u32>size);
    return object;
  }
  const renewed = __new(size, load<u32>(object + CLASS_ID));
  memory.copy(renewed, object, min<usize>(size, load<u32>(object + OBJECT_SIZE)));
  return renewed;
}

// @ts-ignore: decorator
@global
export function __link(parent: usize, child: usize, expectMultiple: bool): void {}

// @ts-ignore: decorator
@global
export function __visit(object: usize, cookie: u32): void {
  if (!object || (load<usize>(object + LINK) & 3) == mark) return;
  store<usize>(object + LINK, grey | mark);
  grey = object;
}

// @ts-ignore: decorator
@global
export function __collect(): void {
  mark ^= 3;
  __visit_globals(0);
  for (let pin = pins; pin; pin = load<usize>(pin, 4)) __visit(load<usize>(pin), 0);
  while (grey) {
    const object = grey;
    grey = load<usize>(object + LINK) & ~3;
    __visit_members(object, 0);
  }
  sweep(mark);
}

/** The first of the pins, each a block by hand: the object's address, and that of the next pin. */
let pins: usize = 0;

// @ts-ignore: decorator
@global
export function __pin(object: usize): usize {
  if (object) {
    const pin = __alloc(8);
    store<usize>(pin, object);
    store<usize>(pin, pins, 4);
    pins = pin;
  }
  return object;
}

// @ts-ignore: decorator
@global
export function __unpin(object: usize): void {
  let before: usize = 0;
  let pin = pins;
  while (pin && load<usize>(pin) != object) {
    before = pin;
    pin = load<usize>(pin, 4);
  }
  if (!pin) return;
  const next = load<usize>(pin, 4);
  if (before) store<usize>(before, next, 4);
  else pins = next;
  __free(pin);
}

// @ts-ignore: decorator
@global
export function __alloc(size: usize): usize {
  const object = __new(size, 0);
  keep(object - HEADER);
  return object;
}

// @ts-ignore: decorator
@global
export function __realloc(object: usize, size: usize): usize {
  const renewed = __renew(object, size);
  if (renewed != object) {
    keep(renewed - HEADER);
    __free(object);
  }
  return renewed;
}

// @ts-ignore: decorator
@global
export function __free(object: usize): void {
  if (object >= __heap_base) release(object - HEADER);
}
