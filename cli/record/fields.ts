/** Fields of an untrusted JSON object; each reader throws a FieldError that names what is wrong. */
export class FieldError extends Error {
  override readonly name = "FieldError";
}

export type Fields = Readonly<Record<string, unknown>>;

export function asFields(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new FieldError(`${what} is no object`);
  return { ...value };
}

export function text(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== "string") throw new FieldError(`"${key}" is no text`);
  return value;
}

export function textOrNull(fields: Fields, key: string): string | null {
  return fields[key] === null ? null : text(fields, key);
}

export function word<T extends string>(fields: Fields, key: string, known: readonly T[]): T {
  const value = text(fields, key);
  const found = known.find((each) => each === value);
  if (found === undefined) throw new FieldError(`"${key}" is none of ${known.join(", ")}`);
  return found;
}

export function number(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new FieldError(`"${key}" is no number`);
  return value;
}

export function numberOrNull(fields: Fields, key: string): number | null {
  return fields[key] === null ? null : number(fields, key);
}

export function whole(fields: Fields, key: string, most: number): number {
  const value = number(fields, key);
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new FieldError(`"${key}" is no whole number from 0 to ${most}`);
  }
  return value;
}

export function flag(fields: Fields, key: string): boolean {
  const value = fields[key] ?? false;
  if (typeof value !== "boolean") throw new FieldError(`"${key}" is neither true nor false`);
  return value;
}

export function list(fields: Fields, key: string): readonly unknown[] {
  const value = fields[key];
  if (!Array.isArray(value)) throw new FieldError(`"${key}" is no list`);
  return value;
}
