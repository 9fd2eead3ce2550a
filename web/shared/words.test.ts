// @vitest-environment node
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { WORDS as demo } from "../demo/words";
import { WORDS as desk } from "../desk/words";
import { WORDS as widget } from "../widget/words";

type Catalogue = { [name: string]: unknown };
const WEB = resolve(import.meta.dirname, "..");
const APPS: Record<string, { zh: Catalogue; en: Catalogue }> = { widget, desk, demo };
const QUIET = /\/words(\.ts$|\/)|\.test\.tsx?$/;

const isGroup = (value: unknown): value is Catalogue => typeof value === "object" && value !== null && !Array.isArray(value);

/** All names of a catalogue, as they are reached: `card.at`. */
function paths(group: Catalogue, above = ""): string[] {
  return Object.entries(group).flatMap(([name, value]) => (isGroup(value) ? paths(value, `${above}${name}.`) : [`${above}${name}`]));
}

function sources(folder: string): string {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => !QUIET.test(path))
    .map((path) => (statSync(path).isDirectory() ? sources(path) : /\.tsx?$/.test(path) ? readFileSync(path, "utf8") : ""))
    .join("\n");
}

/** What the code calls a whole catalogue. */
const whole = (code: string): string => {
  const others = [...code.matchAll(/\bconst (\w+) = (?:WORDS\[[^\]]+\]|useWords\(\));/g)].map((match) => match[1]);
  return `(?:${["words", "WORDS\\[[^\\]]+\\]", "useWords\\(\\)", ...others].join("|")})`;
};

/** A name is used where its group and it are written, or where a group above it is taken as a whole: `words.kinds[kind]`. */
function uses(code: string, path: string): boolean {
  const steps = path.split(".");
  return steps.some((step, at) => {
    const written = `(?<![\\w])${at ? steps[at - 1] : whole(code)}\\??\\.${step}`;
    return new RegExp(written + (at < steps.length - 1 ? "(?!\\w|\\??\\.\\w)" : "(?!\\w)")).test(code);
  });
}

describe.each(Object.entries(APPS))("the words of the %s", (app, { zh, en }) => {
  it("are the same in both languages", () => {
    expect(paths(en).sort()).toEqual(paths(zh).sort());
  });
  it("are all used", () => {
    const code = sources(join(WEB, app));
    expect(paths(zh).filter((path) => !uses(code, path))).toEqual([]);
  });
});
