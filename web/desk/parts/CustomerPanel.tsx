import { BankOutlined, ReloadOutlined, WalletOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Empty, Skeleton, Tag, Timeline } from "antd";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { api, DeskProblem, type Base } from "../api";
import { cardName, day, moment, money, targetName, walletLabel } from "../format";
import type { Customer, Earlier, Operation } from "../types";
import { said, useLanguage, useWords } from "../words";
import { Failed } from "./Failed";
import { ENDED, type Working } from "./working";

function Part({ title, count, children, none }: { title: string; count: number; children: ReactNode; none: string }) {
  return (
    <section className="panel-part" aria-label={title}>
      <h2>
        {title} <span className="quiet">{count || ""}</span>
      </h2>
      {count ? <ul className="things">{children}</ul> : <p className="quiet">{none}</p>}
    </section>
  );
}

function Cards({ found, work }: { found: Customer; work: Working | null }) {
  const words = useWords();
  const language = useLanguage();
  const bound = [...found.cards].sort((a, b) => Number(a.state !== "bound") - Number(b.state !== "bound"));
  return (
    <Part title={words.info.cards} count={bound.length} none={words.info.none}>
      {bound.map((card) => (
        <li key={card.id} data-gone={card.state !== "bound" || undefined}>
          <BankOutlined aria-hidden />
          <span className="thing">
            <b>{cardName(card, language)}</b>
            <span className="quiet">
              {card.type === "credit" ? words.info.credit : words.info.debit} · {card.state === "bound" ? (card.quick_pay ? words.info.quickPay : words.info.quickPayOff) : words.info.unbound}
              {card.repayment ? ` · ${words.info.repayment}` : ""}
            </span>
          </span>
          {work && card.state === "bound" && (
            <span className="thing-acts">
              <Button size="small" loading={work.busy === `card.unbind:${card.id}`} onClick={() => void work.begin("card.unbind", card.id)} aria-label={`${words.info.unbindCard} ${cardName(card, language)}`}>
                {words.info.unbindCard}
              </Button>
              {card.quick_pay && (
                <Button size="small" loading={work.busy === `quick_pay.disable:${card.id}`} onClick={() => void work.begin("quick_pay.disable", card.id)} aria-label={`${words.info.closeQuickPay} ${cardName(card, language)}`}>
                  {words.info.closeQuickPay}
                </Button>
              )}
            </span>
          )}
        </li>
      ))}
    </Part>
  );
}

function Wallets({ found, work }: { found: Customer; work: Working | null }) {
  const words = useWords();
  const language = useLanguage();
  return (
    <Part title={words.info.wallets} count={found.wallets.length} none={words.info.none}>
      {found.wallets.map((wallet) => (
        <li key={wallet.id} data-gone={wallet.state !== "bound" || undefined}>
          <WalletOutlined aria-hidden />
          <span className="thing">
            <b>{walletLabel(wallet, language)}</b>
            <span className="quiet">{[wallet.account_masked, wallet.state === "bound" ? words.info.boundAt(day(wallet.bound_at, language)) : words.info.unbound].filter(Boolean).join(" · ")}</span>
          </span>
          {work && wallet.state === "bound" && (
            <span className="thing-acts">
              <Button size="small" loading={work.busy === `wallet.unbind:${wallet.id}`} onClick={() => void work.begin("wallet.unbind", wallet.id)} aria-label={`${words.info.unbindWallet} ${walletLabel(wallet, language)}`}>
                {words.info.unbindWallet}
              </Button>
            </span>
          )}
        </li>
      ))}
    </Part>
  );
}

function Renewals({ found, work }: { found: Customer; work: Working | null }) {
  const words = useWords();
  const language = useLanguage();
  const cards = new Map(found.cards.map((card) => [card.id, card]));
  const running = found.agreements.filter((one) => one.state === "active");
  return (
    <Part title={words.info.agreements} count={running.length} none={words.info.none}>
      {running.map((one) => {
        const card = cards.get(one.card_id ?? "");
        return (
          <li key={one.id}>
            <span className="thing">
              <b>
                {one.merchant} {one.amount === null ? "" : money(one.amount, one.currency)}
              </b>
              <span className="quiet">{[card && cardName(card, language), one.next_charge_at && words.info.nextCharge(day(one.next_charge_at, language))].filter(Boolean).join(" · ")}</span>
            </span>
            {work && (
              <span className="thing-acts">
                <Button size="small" loading={work.busy === `agreement.terminate:${one.id}`} onClick={() => void work.begin("agreement.terminate", one.id)} aria-label={`${words.info.stopRenewal} ${one.merchant}`}>
                  {words.info.stopRenewal}
                </Button>
              </span>
            )}
          </li>
        );
      })}
    </Part>
  );
}

function Request({ operation }: { operation: Operation }) {
  const words = useWords();
  const language = useLanguage();
  const times = operation.timeline ?? [];
  return (
    <li className="request">
      <details open={!ENDED.has(operation.status)}>
        <summary>
          <b>{words.kinds[operation.kind] ?? operation.kind}</b> {targetName(operation, language)}
          <span className="state" data-status={operation.status}>
            {words.statuses[operation.status] ?? operation.status}
          </span>
        </summary>
        <p className="quiet">
          {operation.reference ? `${words.info.reference} ` : ""}
          <span className="mono">{operation.reference}</span>
        </p>
        <Timeline
          items={times.map((one) => ({
            key: one.name + one.at,
            color: one.name === "finished" ? (one.status === "succeeded" ? "green" : "gray") : "blue",
            content: (
              <>
                {one.name === "finished" ? (words.statuses[one.status ?? ""] ?? words.info.timeline.finished) : (words.info.timeline[one.name] ?? one.name)} <time dateTime={one.at} className="quiet">{moment(one.at, language)}</time>
              </>
            ),
          }))}
        />
      </details>
    </li>
  );
}

function Before({ items }: { items: Earlier[] }) {
  const words = useWords();
  const language = useLanguage();
  return (
    <Part title={words.info.earlier} count={items.length} none={words.info.none}>
      {items.map((one) => (
        <li key={one.id}>
          <span className="thing">
            <Link href={`/${one.kind === "call" ? "calls" : "chats"}/${one.id}`}>
              {said(one.intent_title, language) || (one.reason && words.reasons[one.reason]) || (one.kind === "call" ? words.info.call : words.info.chat)}
            </Link>
            <span className="quiet">
              {[moment(one.at, language), one.kind === "call" ? words.info.call : (words.channels[one.channel ?? ""] ?? words.info.chat), one.wrap_up && (words.wrapUps[one.wrap_up] ?? one.wrap_up)].filter(Boolean).join(" · ")}
            </span>
            {one.summary && <span className="thing-note">{one.summary}</span>}
          </span>
        </li>
      ))}
    </Part>
  );
}

/** What the customer has with us: bindings, renewals, what is open, what was asked for, earlier contacts. */
export function CustomerPanel({ base, may, locked, work }: { base: Base; may: boolean; locked: string; work: Working | null }) {
  const words = useWords();
  const language = useLanguage();
  const found = useQuery({ queryKey: ["customer", base.kind, base.id], queryFn: () => api.customer(base), enabled: may, retry: false });
  if (!may) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={locked} className="page-pad" />;
  if (found.isPending) return <Skeleton active title={false} className="page-pad" />;
  if (found.isError || !found.data) {
    const code = found.error instanceof DeskProblem ? found.error.code : "";
    if (code === "not_signed_in") return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={words.info.notSignedIn} className="page-pad" />;
    return <Failed again={() => void found.refetch()} text={words.problems[code]} />;
  }
  const data = found.data;
  const open = data.obligations.filter((one) => one.state === "open");
  const running = data.operations.some((one) => !ENDED.has(one.status));
  const acting = running ? null : work;
  return (
    <div className="customer">
      <Button size="small" type="text" icon={<ReloadOutlined aria-hidden />} className="customer-refresh" onClick={() => void found.refetch()} loading={found.isFetching}>
        {words.info.refresh}
      </Button>
      {data.operations.length > 0 && running && (
        <Part title={words.info.operations} count={data.operations.length} none={words.info.none}>
          {data.operations.slice(0, 8).map((one) => (
            <Request key={one.id} operation={one} />
          ))}
        </Part>
      )}
      <Cards found={data} work={acting} />
      <Wallets found={data} work={acting} />
      <Renewals found={data} work={acting} />
      <Part title={words.info.obligations} count={open.length} none={words.info.none}>
        {open.map((one) => (
          <li key={one.id}>
            <span className="thing">
              <b>{money(one.amount, one.currency)}</b> <Tag>{words.info.obligation[one.kind]}</Tag>
            </span>
          </li>
        ))}
      </Part>
      {!running && (
        <Part title={words.info.operations} count={data.operations.length} none={words.info.none}>
          {data.operations.slice(0, 8).map((one) => (
            <Request key={one.id} operation={one} />
          ))}
        </Part>
      )}
      {data.earlier && <Before items={data.earlier} />}
      <p className="quiet stamp" aria-live="off">
        {moment(new Date(found.dataUpdatedAt).toISOString(), language)}
      </p>
    </div>
  );
}
