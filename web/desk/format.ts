import { useEffect, useState } from "react";
import { bankName, walletName } from "../demo/names";
import type { CardObject, Language, Operation, WalletObject } from "./types";
import type { Words } from "./words";

export { bankName, money, walletName } from "../demo/names";

const locale = (language: Language) => (language === "zh" ? "zh-CN" : "en-GB");

/** A span in the largest unit that tells something: `3 分钟`, `2h`. */
export function span(seconds: number, words: Words): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return words.time.seconds(whole);
  if (whole < 3600) return words.time.minutes(Math.floor(whole / 60));
  if (whole < 86_400) return words.time.hours(Math.floor(whole / 3600));
  return words.time.days(Math.floor(whole / 86_400));
}

/** A length of work, to the second under an hour: `3 分 20 秒`. */
export function length(seconds: number, words: Words): string {
  const whole = Math.round(seconds);
  if (whole < 60) return words.time.seconds(whole);
  if (whole < 3600) return words.time.minuteSecond(Math.floor(whole / 60), whole % 60);
  return words.time.hours(Math.round(whole / 360) / 10);
}

/** A running clock: `04:12`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  return (hours ? `${hours}:` : "") + `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** A moment by the agent's clock; of today only the hour. */
export function moment(text: string | null | undefined, language: Language, now = new Date()): string {
  const at = new Date(text ?? "");
  if (Number.isNaN(at.getTime())) return "";
  const day = at.toDateString() === now.toDateString() ? {} : ({ month: language === "zh" ? "numeric" : "short", day: "numeric" } as const);
  return new Intl.DateTimeFormat(locale(language), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...day }).format(at);
}

export function day(text: string | null | undefined, language: Language): string {
  const at = new Date(text ?? "");
  if (Number.isNaN(at.getTime())) return "";
  const year = at.getFullYear() === new Date().getFullYear() ? {} : ({ year: "numeric" } as const);
  return new Intl.DateTimeFormat(locale(language), { month: language === "zh" ? "numeric" : "short", day: "numeric", ...year }).format(at);
}

export const percent = (value: number | null | undefined): string => (value === null || value === undefined ? "–" : `${Math.round(value * 100)}%`);

export const secondsSince = (text: string | null | undefined, now: number): number => (text ? (now - Date.parse(text)) / 1000 : 0);

/** The time, again every `everyMs`; all who ask for the same beat share one timer's rhythm closely enough. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

export const cardName = (card: Pick<CardObject, "bank" | "tail">, language: Language): string => `${bankName(card.bank, language)} ••${card.tail}`;
export const walletLabel = (wallet: Pick<WalletObject, "kind">, language: Language): string => walletName(wallet.kind, language);

/** What an operation is about: a card, a wallet, a merchant. */
export function targetName(operation: Pick<Operation, "target_summary">, language: Language): string {
  const target = operation.target_summary;
  if (!target) return "";
  if (target.bank && target.tail) return `${target.merchant ? `${target.merchant} · ` : ""}${bankName(target.bank, language)} ••${target.tail}`;
  if (target.bank) return bankName(target.bank, language);
  if (target.type.endsWith("wallet") && target.kind) return walletName(target.kind, language);
  if (target.merchant) return target.merchant;
  return target.count ? `× ${target.count}` : "";
}

/** `fine` until an hour glass runs low, `soon` in its last fifth, `late` after. */
export function urgency(since: string, due: string, now: number): "fine" | "soon" | "late" {
  const begun = Date.parse(since);
  const end = Date.parse(due);
  if (now >= end) return "late";
  return now > end - Math.max((end - begun) / 5, 10_000) ? "soon" : "fine";
}
