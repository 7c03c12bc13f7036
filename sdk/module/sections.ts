// The sections of a WebAssembly module that say what it wants and offers; code and data are stepped over.
// @see WebAssembly core specification 2.0, chapter 5 "Binary Format"
import type { Signature, ValueType } from "../abi/signatures.ts";
import { ByteReader } from "./byte-reader.ts";

/** What an import or export is. */
export type ExternKind = "function" | "table" | "memory" | "global" | "tag";

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** Of a function whose type could be read. */
  readonly signature?: Signature;
}

export interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  /** Of a function whose type could be read. */
  readonly signature?: Signature;
}

export interface CustomSection {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A section's place in the file's size. */
export interface SectionSize {
  /** As the specification names it, such as `code`; a custom section's own name; `section 42` for one it does not have. */
  readonly name: string;
  readonly custom: boolean;
  /** Of its content, without its head of a few bytes. */
  readonly sizeBytes: number;
}

/** What can be read of a module without running it. */
export interface Sections {
  /** All that the bytes hold whole, in their order. */
  readonly sections: readonly SectionSize[];
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  readonly customSections: readonly CustomSection[];
  /** Whether there is code that runs at instantiation, before the host is ready for it. */
  readonly hasStart: boolean;
  /** Whether the bytes end where the last section does, each section holds what it should, and each function has code. */
  readonly complete: boolean;
}

/** Whether the bytes begin as a WebAssembly module of version 1 does. */
export function hasHeader(bytes: Uint8Array): boolean {
  return header.every((byte, i) => bytes[i] === byte);
}

/** Reads as far as the bytes make sense; `complete` says whether that was to the end. */
export function readSections(bytes: Uint8Array): Sections {
  const reader = new SectionsReader();
  reader.read(new ByteReader(bytes, header.length));
  return reader;
}

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** By id; 0 is a custom section. */
const sectionNames =
  "custom type import function table memory global export start element code data data-count tag".split(" ");

class SectionsReader implements Sections {
  readonly sections: SectionSize[] = [];
  imports: readonly Import[] = [];
  exports: readonly Export[] = [];
  readonly customSections: CustomSection[] = [];
  hasStart = false;
  complete = true;
  private types: (Signature | undefined)[] = [];
  private functions: (Signature | undefined)[] = [];
  private withoutCode = 0;

  read(module: ByteReader): void {
    while (!module.done) {
      const id = module.byte();
      const content = module.take(module.u32());
      if (module.failed) break;
      const section = new ByteReader(content);
      this.section(id, section);
      const custom = id === 0;
      const name = custom ? this.customSections.at(-1)?.name : sectionNames[id];
      this.sections.push({ name: name ?? `section ${id}`, custom, sizeBytes: content.length });
      if (section.failed) this.complete = false;
    }
    if (module.failed || this.withoutCode) this.complete = false;
  }

  private section(id: number, reader: ByteReader): void {
    if (id === 0) this.customSections.push({ name: reader.name(), bytes: reader.rest() });
    else if (id === 1) this.types = readTypes(reader);
    else if (id === 2) this.readImports(reader);
    else if (id === 3) this.readFunctions(reader);
    else if (id === 7) this.exports = reader.vector(() => this.readExport(reader));
    else if (id === 8) this.hasStart = true;
    else if (id === 10) this.withoutCode -= reader.u32();
  }

  private readFunctions(reader: ByteReader): void {
    const types = reader.vector(() => this.types[reader.u32()]);
    this.withoutCode += types.length;
    this.functions = this.functions.concat(types);
  }

  private readImports(reader: ByteReader): void {
    this.imports = reader.vector(() => {
      const named = { module: reader.name(), name: reader.name() };
      const kind = externKind(reader);
      if (kind !== "function") {
        skipType(reader, kind);
        return { ...named, kind };
      }
      const signature = this.types[reader.u32()];
      this.functions.push(signature);
      return signature ? { ...named, kind, signature } : { ...named, kind };
    });
  }

  private readExport(reader: ByteReader): Export {
    const name = reader.name();
    const kind = externKind(reader);
    const signature = this.functions[reader.u32()];
    return kind === "function" && signature ? { name, kind, signature } : { name, kind };
  }
}

/** Function types by index; the reading stops at what is none (GC types), whose indices stay unknown. */
function readTypes(reader: ByteReader): (Signature | undefined)[] {
  let known = true;
  return reader.vector(() => {
    known &&= reader.byte() === 0x60;
    if (!known) return undefined;
    const params = reader.vector(() => valueType(reader));
    const results = reader.vector(() => valueType(reader));
    return params.every((type) => type !== undefined) && results.every((type) => type !== undefined)
      ? { params, results }
      : undefined;
  });
}

const valueTypes: ReadonlyMap<number, ValueType> = new Map([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
]);

/** One of the four that the ABI has; undefined for another. */
function valueType(reader: ByteReader): ValueType | undefined {
  const byte = reader.byte();
  if (byte === 0x63 || byte === 0x64) reader.skipLeb(); // (ref null? heaptype)
  return valueTypes.get(byte);
}

const externKinds: readonly ExternKind[] = ["function", "table", "memory", "global", "tag"];

function externKind(reader: ByteReader): ExternKind {
  const kind = externKinds[reader.byte()];
  if (kind) return kind;
  reader.failed = true;
  return "tag";
}

function skipType(reader: ByteReader, kind: ExternKind): void {
  if (kind === "tag") {
    reader.byte();
    reader.u32();
    return;
  }
  if (kind !== "memory") valueType(reader);
  if (kind === "global") {
    reader.byte();
    return;
  }
  const flags = reader.byte();
  reader.skipLeb();
  if (flags & 1) reader.skipLeb();
}
