import { Avatar, Badge, Dropdown, type MenuProps } from "antd";
import { useState } from "react";
import { api } from "../api";
import type { Choices } from "../Desk";
import { alertsOn, setAlerts } from "../live/alerts";
import { useComplain } from "../problems";
import { useMe } from "../session";
import type { Look } from "../theme";
import type { Presence } from "../types";
import { useLanguage, useWords } from "../words";

interface Props {
  choices: Choices;
  signOut: () => Promise<void>;
  showHelp: () => void;
  setStatus: (status: Presence) => void;
}

const COLOURS: Record<string, string> = { available: "var(--good)", away: "var(--amber)", offline: "var(--text-3)" };

/** Who I am: whether I take talks, my language and look, the shortcuts, the way out. */
export function MyMenu({ choices, signOut, showHelp, setStatus }: Props) {
  const me = useMe();
  const words = useWords();
  const language = useLanguage();
  const complain = useComplain();
  const [hearing, setHearing] = useState(alertsOn);
  const status = me.status ?? "available";
  const be = async (wanted: Presence) => {
    try {
      setStatus((await api.presence(wanted)).status);
    } catch (error) {
      complain(error);
    }
  };
  const items: MenuProps["items"] = [
    { key: "who", type: "group", label: `${me.name} · ${words.roles[me.role]}`, children: (["available", "away"] as const).map((one) => ({ key: `be:${one}`, label: words.presence[one], icon: <Badge color={COLOURS[one]} /> })) },
    { type: "divider" },
    { key: "language", label: words.language, children: [{ key: "say:zh", label: "中文" }, { key: "say:en", label: "English" }] },
    { key: "look", label: words.theme, children: (["auto", "light", "dark"] as Look[]).map((one) => ({ key: `look:${one}`, label: words.themes[one] })) },
    { key: "alerts", label: words.alerts.title, children: [{ key: "hear:on", label: words.alerts.on }, { key: "hear:off", label: words.alerts.off }] },
    { key: "help", label: words.shortcuts, extra: "?" },
    { type: "divider" },
    { key: "out", label: words.signOut },
  ];
  const chosen = ({ key }: { key: string }) => {
    const [what, value] = key.split(":");
    if (what === "be") void be(value as Presence);
    if (what === "say") choices.setLanguage(value as "zh" | "en");
    if (what === "hear") {
      setAlerts(value === "on");
      setHearing(value === "on");
    }
    if (what === "look") choices.setLook(value as Look);
    if (what === "help") showHelp();
    if (what === "out") void signOut();
  };
  return (
    <Dropdown trigger={["click"]} placement="topRight" menu={{ items, onClick: chosen, selectable: true, selectedKeys: [`be:${status}`, `say:${language}`, `look:${choices.look}`, `hear:${hearing ? "on" : "off"}`] }}>
      <button type="button" className="me">
        <span className="visually-hidden">
          {words.me}: {me.name}
        </span>
        <Badge dot color={COLOURS[status]} offset={[-4, 30]}>
          <Avatar size={34} className="me-face" aria-hidden>
            {me.name.slice(0, 1).toUpperCase()}
          </Avatar>
        </Badge>
        <span className="me-status">{words.presence[status]}</span>
      </button>
    </Dropdown>
  );
}
