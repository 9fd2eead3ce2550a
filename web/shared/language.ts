import type { Language } from "./types";

/** Returns the language that a tag like `zh-Hans-CN` or `en-GB` stands for, or null. */
export function languageOf(tag: string | null | undefined): Language | null {
  const lower = (tag ?? "").trim().toLowerCase();
  if (lower === "zh" || lower.startsWith("zh-") || lower.startsWith("zh_")) return "zh";
  if (lower === "en" || lower.startsWith("en-") || lower.startsWith("en_")) return "en";
  return null;
}

/** Returns the first tag's language that is ours; other readers get English, as the wider known of the two. */
export function pickLanguage(...tags: (string | null | undefined)[]): Language {
  for (const tag of tags) {
    const found = languageOf(tag);
    if (found) return found;
  }
  return tags.some((tag) => tag) ? "en" : "zh";
}

export const HTML_LANG: Record<Language, string> = { zh: "zh-CN", en: "en" };
