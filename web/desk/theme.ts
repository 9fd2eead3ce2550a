import { theme, type ThemeConfig } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import type { Language } from "./types";

export type Look = "auto" | "light" | "dark";
export const LOCALES = { zh: zhCN, en: enUS } as const satisfies Record<Language, unknown>;

/** Returns the components' theme. Blue acts and red warns: the brand's red would make every button look like an alarm. */
export function themeOf(dark: boolean): ThemeConfig {
  const text = dark ? "#8ab8ff" : "#1e5fbf";
  return {
    algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      // White words stand on the first in both looks, hovered or not.
      colorPrimary: dark ? "#2f6fd6" : "#1e5fbf",
      colorPrimaryHover: dark ? "#2763c4" : "#174f9f",
      colorInfo: dark ? "#8ab8ff" : "#1e5fbf",
      colorLink: dark ? "#8ab8ff" : "#1e5fbf",
      colorLinkHover: dark ? "#b5d2ff" : "#174f9f",
      colorSuccess: dark ? "#5fd39a" : "#0b7a43",
      colorWarning: dark ? "#ffc266" : "#8a5300",
      colorError: dark ? "#ff8f86" : "#b3261e",
      colorText: dark ? "#eef0f5" : "#1b1f2a",
      colorTextSecondary: dark ? "#c1c7d4" : "#4a5162",
      colorTextTertiary: dark ? "#9aa2b4" : "#666d7d",
      colorTextDescription: dark ? "#9aa2b4" : "#666d7d",
      colorTextPlaceholder: dark ? "#9aa2b4" : "#6b7282",
      colorBgContainer: dark ? "#1a1d26" : "#ffffff",
      colorBgElevated: dark ? "#222633" : "#ffffff",
      colorBgLayout: dark ? "#101218" : "#f4f5f8",
      colorBorder: dark ? "#454c60" : "#c9cdd6",
      colorBorderSecondary: dark ? "#2c3140" : "#e6e8ee",
      borderRadius: 6,
      fontSize: 14,
      fontFamily: "var(--font)",
      wireframe: false,
      // Not only made short: a leaving dialog whose animation never reports its end would stay in the page, and hold the keys.
      motion: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    },
    components: {
      Tabs: { horizontalItemGutter: 20, itemSelectedColor: text, itemHoverColor: text, itemActiveColor: text },
      Button: { defaultHoverColor: text, defaultActiveColor: text },
    },
  };
}
