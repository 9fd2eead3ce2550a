import { AuditOutlined, BarChartOutlined, CheckSquareOutlined, CommentOutlined, MessageOutlined, PhoneOutlined, TeamOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { App, Badge, Skeleton } from "antd";
import { Suspense, lazy, useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { api } from "./api";
import { CallsPage } from "./calls/CallsPage";
import { ChatsPage } from "./chats/ChatsPage";
import { useTakeNext } from "./chats/taking";
import type { Choices } from "./Desk";
import { KeysHelp } from "./help/KeysHelp";
import { useAlerts } from "./live/alerts";
import { useKeys } from "./live/keys";
import { useCallOutcomes } from "./live/outcomes";
import { useStream } from "./live/stream";
import { Logo } from "./parts/Logo";
import { MyMenu } from "./parts/MyMenu";
import { useMe } from "./session";
import type { Me } from "./types";
import { useWords } from "./words";

// What only supervisors open, and what few agents do, is loaded when it is opened.
const ReviewPage = lazy(() => import("./pages/ReviewPage"));
const ReportsPage = lazy(() => import("./pages/ReportsPage"));
const RepliesPage = lazy(() => import("./pages/RepliesPage"));
const TeamPage = lazy(() => import("./pages/TeamPage"));
const AuditPage = lazy(() => import("./pages/AuditPage"));

interface Props {
  choices: Choices;
  signOut: () => Promise<void>;
  ended: () => void;
  setMe: (change: (me: Me["agent"] | null) => Me["agent"] | null) => void;
}

/** The frame round every page: where one is, what waits, who one is, and whether the line is up. */
export function Shell({ choices, signOut, ended, setMe }: Props) {
  const me = useMe();
  const words = useWords();
  const [path, go] = useLocation();
  const [help, setHelp] = useState(false);
  const { message } = App.useApp();
  const up = useStream(me.username, ended, useCallOutcomes(), useAlerts());
  const wasDown = useRef(false);
  useEffect(() => {
    if (!up) wasDown.current = true;
    else if (wasDown.current) {
      wasDown.current = false;
      void message.success(words.live.back);
    }
  }, [up, message, words]);
  const queue = useQuery({ queryKey: ["rows", "queue"], queryFn: () => api.rows("queue") });
  const mine = useQuery({ queryKey: ["rows", "mine"], queryFn: () => api.rows("mine") });
  const calls = useQuery({ queryKey: ["calls", "mine"], queryFn: () => api.calls("mine") });
  const takeNext = useTakeNext();
  const unanswered = mine.data?.items.reduce((sum, row) => sum + (row.unanswered ? 1 : 0), 0) ?? 0;
  const waiting = queue.data?.items.length ?? 0;
  const running = calls.data?.items.filter((call) => call.state !== "ended").length ?? 0;
  useKeys({ "?": () => setHelp(true), "1": () => go("/chats"), "2": () => go("/calls"), n: () => void takeNext() }, true);
  const section = path.split("/")[1] || "chats";
  const names = words.nav as Record<string, string>;
  useEffect(() => {
    document.title = (waiting ? `(${waiting}) ` : "") + words.page(names[section] ?? words.desk);
  }, [words, section, names, waiting]);
  const status = useCallback((found: Me["agent"]["status"]) => setMe((now) => now && { ...now, status: found }), [setMe]);
  const items: [string, ReactNode, number][] = [
    ["chats", <MessageOutlined key="i" />, waiting + unanswered],
    ["calls", <PhoneOutlined key="i" />, running],
    ["replies", <CommentOutlined key="i" />, 0],
    ["team", <TeamOutlined key="i" />, 0],
  ];
  if (me.supervisor) items.push(["review", <CheckSquareOutlined key="i" />, 0], ["reports", <BarChartOutlined key="i" />, 0], ["audit", <AuditOutlined key="i" />, 0]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {words.skip}
      </a>
      <header className="rail">
        <Link href="/chats" className="rail-logo" aria-label={`${words.brand} ${words.desk}`}>
          <Logo small />
        </Link>
        <nav aria-label={words.nav.label}>
          {items.map(([name, icon, count]) => (
            <Link key={name} href={`/${name}`} className="rail-item" aria-current={section === name ? "page" : undefined}>
              <Badge count={count} size="small" offset={[4, 0]} color="var(--alarm)">
                <span className="rail-icon" aria-hidden="true">
                  {icon}
                </span>
              </Badge>
              <span>{names[name]}</span>
            </Link>
          ))}
        </nav>
        <MyMenu choices={choices} signOut={signOut} showHelp={() => setHelp(true)} setStatus={status} />
      </header>
      <main id="main" tabIndex={-1}>
        {!up && (
          <div className="cut" role="status">
            {words.live.cut}
          </div>
        )}
        <Suspense fallback={<Skeleton active title={false} className="page-pad" />}>
          <Switch>
            <Route path="/chats/:id?">{({ id }) => <ChatsPage id={id ?? null} />}</Route>
            <Route path="/calls/:id?">{({ id }) => <CallsPage id={id ?? null} />}</Route>
            <Route path="/replies" component={RepliesPage} />
            <Route path="/team" component={TeamPage} />
            {me.supervisor && <Route path="/review" component={ReviewPage} />}
            {me.supervisor && <Route path="/reports" component={ReportsPage} />}
            {me.supervisor && <Route path="/audit" component={AuditPage} />}
            <Route>
              <Redirect to="/chats" replace />
            </Route>
          </Switch>
        </Suspense>
      </main>
      <KeysHelp open={help} close={() => setHelp(false)} />
    </div>
  );
}
