// For editors, which take AssemblyScript for TypeScript: what the build gives a filter without an import, and what the
// compiler's own declarations lack.

/** A class of settings: `config.read<Settings>()` reads it, and the module has its JSON Schema. */
declare function config(target: Function): void;

/** Bounds of a number, a Percent or a Duration, both allowed: `@range(0, 100)`, `@range("1s", "10m")`. */
declare function range(min: number | string, max: number | string): (target: Object, name: string) => void;

/** The words that a string may be; for an enum, those of its members in their order. */
declare function oneOf(...words: string[]): (target: Object, name: string) => void;

/** Also of a class whose constructor is private. */
declare function final(target: Function): void;

/** An alias there, for which TypeScript gives numbers no methods. */
interface Number extends _Float {}
