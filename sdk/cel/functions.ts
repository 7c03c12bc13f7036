// The functions and macros that Envoy 1.40 gives to expressions, by the numbers of arguments that they take. It looks for one by its
// name, the way it is called and that number; types are looked at when the expression is evaluated.

type Arities = Readonly<Record<string, readonly number[]>>;

function each(names: string, ...arities: readonly number[]): Arities {
  return Object.fromEntries(names.split(" ").map((name) => [name, arities]));
}

const ofTexts = "contains endsWith matches startsWith";
const ofTimes =
  "getDate getDayOfMonth getDayOfWeek getDayOfYear getFullYear getHours getMilliseconds getMinutes getMonth getSeconds";

/** `size(x)` */
const functions: Arities = {
  ...each("bool bytes double duration dyn int size string timestamp type uint", 1),
  ...each(ofTexts, 2),
};

/** `x.size()` */
const methods: Arities = { ...each("size", 0), ...each(ofTexts, 1), ...each(ofTimes, 0, 1) };

/** `has(x.y)` */
export const presence = "has";

/** `x.exists(name, condition)` */
const macros: Arities = { ...each("all exists exists_one filter", 2), ...each("map", 2, 3) };

/** A call as it stands in an expression. */
export interface CallForm {
  readonly name: string;
  readonly isMethod: boolean;
  readonly count: number;
}

export function isMacro({ name, isMethod, count }: CallForm): boolean {
  return isMethod ? takes(macros, name, count) : name === presence && count === 1;
}

/** What is wrong with a call that is no macro; `undefined`: nothing. */
export function callComplaint({ name: written, isMethod, count }: CallForm): string | undefined {
  const name = written.replace(/^\./, ""); // `.size(x)` is the same
  if (takes(isMethod ? methods : functions, name, count)) return undefined;
  const exists = name === presence || [functions, methods, macros].some((known) => Object.hasOwn(known, name));
  return exists ? `${name}() takes other arguments` : `there is no function ${name}()`;
}

function takes(known: Arities, name: string, count: number): boolean {
  return Object.hasOwn(known, name) && (known[name]?.includes(count) ?? false);
}
