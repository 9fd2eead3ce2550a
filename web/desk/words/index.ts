import { createContext, useContext } from "react";
import type { Language, Pair } from "../types";
import { en } from "./en";
import { zh, type Words } from "./zh";

export type { Words };
export const WORDS: Record<Language, Words> = { zh, en };

export const LanguageContext = createContext<Language>("zh");
export const useLanguage = (): Language => useContext(LanguageContext);
export const useWords = (): Words => WORDS[useLanguage()];

/** Returns a pair's text in the agent's language, or the other one rather than nothing. */
export function said(pair: Pair | null | undefined, language: Language, fallback = ""): string {
  return pair?.[language] || pair?.[language === "zh" ? "en" : "zh"] || fallback;
}
