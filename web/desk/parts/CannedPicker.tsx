import { useQuery } from "@tanstack/react-query";
import { Empty, Input, Popover, type InputRef } from "antd";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { api, type Base } from "../api";
import type { Canned, Language } from "../types";
import { said, useLanguage, useWords } from "../words";

interface Props {
  base: Base;
  customerLanguage: Language;
  open: boolean;
  setOpen: (open: boolean) => void;
  pick: (text: string) => void;
  children: ReactNode;
}

/** Ready sentences with this customer's details filled in; found by typing, chosen by arrow and Enter. */
export function CannedPicker({ base, customerLanguage, open, setOpen, pick, children }: Props) {
  const words = useWords();
  const language = useLanguage();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const field = useRef<InputRef>(null);
  const canned = useQuery({ queryKey: ["canned", base.kind, base.id], queryFn: () => api.canned(base), enabled: open });
  useEffect(() => {
    if (!open) return;
    setText("");
    setAt(0);
    const timer = setTimeout(() => field.current?.focus(), 60);
    return () => clearTimeout(timer);
  }, [open]);
  const rendered = (one: Canned) => one.rendered?.[customerLanguage] || one.texts[customerLanguage];
  const found = (canned.data?.items ?? []).filter((one) => `${one.name} ${one.title.zh} ${one.title.en} ${one.texts.zh} ${one.texts.en}`.toLowerCase().includes(text.toLowerCase()));
  const take = (one: Canned | undefined) => {
    if (!one) return;
    pick(rendered(one));
    setOpen(false);
  };
  const content = (
    <div className="canned" role="dialog" aria-label={words.compose.canned}>
      <Input
        ref={field}
        size="small"
        aria-label={words.compose.cannedSearch}
        placeholder={words.compose.cannedSearch}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            setAt((now) => Math.max(0, Math.min(found.length - 1, now + (event.key === "ArrowDown" ? 1 : -1))));
          } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
            event.preventDefault();
            take(found[at]);
          } else if (event.key === "Escape") setOpen(false);
        }}
      />
      {canned.data && found.length === 0 && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={words.compose.cannedNone} />}
      <ul>
        {found.map((one, place) => (
          <li key={one.id}>
            <button type="button" data-on={place === at || undefined} onMouseEnter={() => setAt(place)} onClick={() => take(one)}>
              <b>{said(one.title, language, one.name)}</b> <code>/{one.name}</code>
              <span>{rendered(one)}</span>
              {one.missing && one.missing.length > 0 && <em>{words.compose.missing(one.missing.join(", "))}</em>}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
  return (
    <Popover content={content} trigger="click" open={open} onOpenChange={setOpen} placement="topLeft" arrow={false} destroyOnHidden>
      {children}
    </Popover>
  );
}
