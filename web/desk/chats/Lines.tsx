import { ArrowDownOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useNow } from "../format";
import type { Typing } from "../live/stream";
import { useMe } from "../session";
import type { Chat } from "../types";
import { useWords } from "../words";
import { usePending } from "./drafts";
import { LineView } from "./LineView";
import type { Saying } from "./saying";

interface Props {
  chat: Chat;
  saying: Saying;
  selected: string | null;
  choose: (id: string) => void;
  earlier: () => Promise<void>;
}

function TypingNow({ chat }: { chat: Chat }) {
  const words = useWords();
  const now = useNow(1000);
  const ofCustomer = useQuery<Typing | null>({ queryKey: ["typing", chat.id, "customer"], queryFn: () => null, enabled: false }).data;
  const ofAgent = useQuery<Typing | null>({ queryKey: ["typing", chat.id, "agent"], queryFn: () => null, enabled: false }).data;
  const me = useMe();
  const fresh = ofCustomer ? ofCustomer.until > now : chat.customer_typing && ofCustomer === undefined;
  // A colleague who writes: of use to who looks over their shoulder.
  const colleague = ofAgent && ofAgent.agent !== me.name && ofAgent.until > now ? (ofAgent.agent ?? "") : "";
  return (
    <p className="typing" role="status">
      {fresh ? words.talk.typing : colleague ? words.talk.typingBy(colleague) : ""}
    </p>
  );
}

/** The lines, oldest first; stays at the end while one reads at the end, and lets one read back in peace. */
export function Lines({ chat, saying, selected, choose, earlier }: Props) {
  const words = useWords();
  const pending = usePending(saying.key);
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [news, setNews] = useState(false);
  const [loading, setLoading] = useState(false);
  const newest = chat.messages.at(-1)?.id;
  const count = chat.messages.length + pending.length;
  const toEnd = () => {
    box.current?.scrollTo({ top: box.current.scrollHeight });
    setNews(false);
  };
  useLayoutEffect(() => {
    atEnd.current = true;
    toEnd();
  }, [chat.id]);
  useLayoutEffect(() => {
    if (atEnd.current) toEnd();
    else setNews(true);
  }, [newest, pending.length]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new ResizeObserver(() => atEnd.current && toEnd());
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < 60;
    if (atEnd.current) setNews(false);
  };
  const more = async () => {
    const element = box.current;
    const height = element?.scrollHeight ?? 0;
    setLoading(true);
    await earlier().catch(() => null);
    setLoading(false);
    requestAnimationFrame(() => element?.scrollTo({ top: element.scrollHeight - height }));
  };
  const lastOfAgent = [...chat.messages].reverse().find((one) => one.author === "agent")?.id;
  return (
    <div className="lines-frame">
      {/* A log announces what is added; it can be reached with Tab to scroll it by keyboard. */}
      <div className="lines" role="log" aria-label={words.talk.log} tabIndex={0} ref={box} onScroll={scrolled} data-count={count}>
        {chat.has_more && (
          <Button size="small" className="lines-more" onClick={() => void more()} loading={loading}>
            {words.talk.earlier}
          </Button>
        )}
        {chat.messages.map((line) => (
          <LineView key={line.id} line={line} selected={line.id === selected} last={line.id === lastOfAgent} choose={choose} />
        ))}
        {pending.map((line) => (
          <div className="line line--agent" key={line.client_id} data-state={line.state}>
            <div className="bubble">
              <p>{line.text}</p>
            </div>
            <div className="line-foot">
              {line.state === "sending" ? (
                <span className="delivery">{words.talk.sending}</span>
              ) : (
                <span className="delivery" data-failed>
                  {words.talk.sendFailed}
                  <Button size="small" type="link" onClick={() => saying.again(line)}>
                    {words.talk.retry}
                  </Button>
                  <Button size="small" type="link" onClick={() => saying.drop(line)}>
                    {words.talk.drop}
                  </Button>
                </span>
              )}
            </div>
          </div>
        ))}
        <TypingNow chat={chat} />
      </div>
      {news && (
        <Button className="lines-news" size="small" shape="round" icon={<ArrowDownOutlined aria-hidden />} onClick={toEnd}>
          {words.talk.newLines}
        </Button>
      )}
    </div>
  );
}
