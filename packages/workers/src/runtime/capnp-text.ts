// Values as Cap'n Proto text, the language of workerd's configuration.

/** A text literal. Whatever could end or escape it is written as hexadecimal. */
export function toText(value: string): string {
  const escaped = value.replace(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f"\\\u007f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped}"`;
}

/** A value already written as Cap'n Proto text. */
export interface Literal {
  literal: string;
}

export type Value = string | boolean | Literal | Value[] | { [field: string]: Value | undefined };

const isLiteral = (value: object): value is Literal => 'literal' in value;

/** Structs, lists, text and booleans; undefined fields are left out. */
export function toCapnp(value: Value): string {
  if (typeof value === 'string') return toText(value);
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => toCapnp(item)).join(',\n')}]`;
  if (isLiteral(value)) return (value as Literal).literal;
  const fields = Object.entries(value).filter((field): field is [string, Value] => field[1] !== undefined);
  return `(${fields.map(([name, item]) => `${name} = ${toCapnp(item)}`).join(', ')})`;
}
