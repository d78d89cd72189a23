import { manifestInvalid, quoted } from "./xml-fields.ts";

/** One JSON object of a result manifest, with the path to it for messages, such as `result.sizeBytes`. */
export interface JsonObject {
  readonly path: string;
  readonly fields: ReadonlyMap<string, unknown>;
}

/**
 * Readers of single values out of parsed JSON. All throw MANIFEST_INVALID, naming the path, when a value is not there
 * or of another type; `null` is never a value.
 */

export function jsonObject(value: unknown, path: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw mustBe(path, "an object", value);
  return { path, fields: new Map(Object.entries(value)) };
}

export function stringAt(object: JsonObject, name: string): string {
  const value = object.fields.get(name);
  if (typeof value !== "string") throw mustBe(pathOf(object, name), "a string", value);
  return value;
}

/** A non-negative safe integer. */
export function integerAt(object: JsonObject, name: string): number {
  const value = object.fields.get(name);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw mustBe(pathOf(object, name), "a whole number from 0 to 2^53 - 1", value);
  }
  return value;
}

/** Lower-case hexadecimal of exactly `digitCount` digits. */
export function hexAt(object: JsonObject, name: string, digitCount: number): string {
  const value = stringAt(object, name);
  if (value.length !== digitCount || !/^[0-9a-f]*$/.test(value)) {
    throw mustBe(pathOf(object, name), `${digitCount} lower-case hexadecimal digits`, value);
  }
  return value;
}

/** A moment in the one form that `Date.prototype.toISOString` gives. */
export function instantAt(object: JsonObject, name: string): string {
  const value = stringAt(object, name);
  const date = new Date(value);
  if (Number.isNaN(date.valueOf()) || date.toISOString() !== value) {
    throw mustBe(pathOf(object, name), "a moment such as 2026-01-31T12:00:00.000Z", value);
  }
  return value;
}

export function wordAt<T extends string>(object: JsonObject, name: string, words: readonly T[]): T {
  const value = stringAt(object, name);
  const word = words.find((word) => word === value);
  if (word === undefined) throw mustBe(pathOf(object, name), `one of ${words.join(", ")}`, value);
  return word;
}

export function objectAt(object: JsonObject, name: string): JsonObject {
  return jsonObject(object.fields.get(name), pathOf(object, name));
}

/** Every entry of the array read by `read`. */
export function listAt<T>(object: JsonObject, name: string, read: (entry: JsonObject) => T): readonly T[] {
  const value = object.fields.get(name);
  const path = pathOf(object, name);
  if (!Array.isArray(value)) throw mustBe(path, "an array", value);
  return Array.from(value, (entry: unknown, index) => read(jsonObject(entry, `${path}[${index}]`)));
}

export function stringsAt(object: JsonObject, name: string): readonly string[] {
  const value = object.fields.get(name);
  const path = pathOf(object, name);
  if (!Array.isArray(value)) throw mustBe(path, "an array", value);
  return Array.from(value, (entry: unknown, index) => {
    if (typeof entry !== "string") throw mustBe(`${path}[${index}]`, "a string", entry);
    return entry;
  });
}

/** What `read` gives for a field that is there; undefined where it is absent. */
export function optionalAt<T>(
  object: JsonObject,
  name: string,
  read: (object: JsonObject, name: string) => T,
): T | undefined {
  return object.fields.has(name) ? read(object, name) : undefined;
}

function pathOf(object: JsonObject, name: string): string {
  return object.path === "" ? name : `${object.path}.${name}`;
}

function mustBe(path: string, wanted: string, found: unknown): Error {
  return manifestInvalid(
    `${path === "" ? "its JSON" : `"${path}"`} must be ${wanted}: current value is ${describe(found)}`,
  );
}

/** A value in a message. Arrays and objects only by kind, as they may be nested deeper than one can write out. */
export function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "string" ? quoted(value) : JSON.stringify(value);
}
