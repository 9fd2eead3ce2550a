import { LockOutlined } from "@ant-design/icons";
import { Fragment, type ReactNode } from "react";
import { useWords } from "../words";

const MASK = /\[(code|password|id number|card ending (\d{4})|phone ending (\d{2,4}))\]/g;

/** Draws what the gateway hid as a small sealed chip, so that nobody takes it for the customer's own words. */
export function useMasked(): (text: string) => ReactNode {
  const words = useWords();
  return (text) => {
    const parts: ReactNode[] = [];
    let from = 0;
    for (const found of text.matchAll(MASK)) {
      const [whole, kind = "", card, phone] = found;
      const label = card ? words.mask.card(card) : phone ? words.mask.phone(phone) : kind === "code" ? words.mask.code : kind === "password" ? words.mask.password : words.mask.id;
      parts.push(<Fragment key={`t${from}`}>{text.slice(from, found.index)}</Fragment>);
      parts.push(
        <span className="masked" key={found.index} title={words.mask.hidden}>
          <LockOutlined aria-hidden /> {label}
        </span>,
      );
      from = found.index + whole.length;
    }
    parts.push(<Fragment key="end">{text.slice(from)}</Fragment>);
    return parts;
  };
}
