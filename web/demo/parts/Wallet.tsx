import type { Language } from "../../shared/types";
import { useLeaving } from "../live";
import { bankName, money, targetName, walletName } from "../names";
import type { Account } from "../sandbox";
import type { Words } from "../words";

/** The account as the shop shows it: cards, wallets, renewals, requests. */
export function Wallet({ account, language, words }: { account: Account; language: Language; words: Words }) {
  const cards = useLeaving(account.cards, (card) => card.id, account.account);
  const wallets = useLeaving(account.wallets, (kind) => kind, account.account);
  const active = account.agreements.filter((one) => one.state === "active");
  const renewals = useLeaving(active, (one) => one.id, account.account);
  const requests = [...account.operations].reverse().slice(0, 5);
  return (
    <>
      <section className="block" aria-labelledby="cards">
        <h2 id="cards">
          {words.cards} <small>{account.cards.length}</small>
        </h2>
        {cards.length === 0 && <p className="none">{words.none.cards}</p>}
        <ul className="cards">
          {cards.map(({ item: card, leaving }) => {
            const debt = account.obligations.find((one) => one.kind === "debt" && one.card === card.tail);
            return (
              <li key={card.id} className="card" data-bank={card.bank} data-leaving={leaving || undefined} data-state={card.state}>
                <p className="card-top">
                  <b>{bankName(card.bank, language)}</b>
                  <span>{card.type === "credit" ? words.credit : words.debit}</span>
                </p>
                <span className="card-chip" aria-hidden="true" />
                <p className="card-number">
                  <span aria-hidden="true">•••• •••• ••••</span> <b>{card.tail}</b>
                </p>
                <p className="card-tags">
                  <span>{card.quick_pay ? words.quickPay : words.quickPayOff}</span>
                  {card.repayment && <span>{words.repayment}</span>}
                  {debt && <span className="card-debt">{words.owes(money(debt.amount, debt.currency))}</span>}
                </p>
                {card.state !== "bound" && !leaving && <p className="card-working">{words.working}</p>}
              </li>
            );
          })}
        </ul>
      </section>
      <div className="pair">
        <section className="block panel" aria-labelledby="wallets">
          <h2 id="wallets">
            {words.wallets} <small>{account.wallets.length}</small>
          </h2>
          {wallets.length === 0 && <p className="none">{words.none.wallets}</p>}
          <ul className="rows">
            {wallets.map(({ item: kind, leaving }) => (
              <li key={kind} data-leaving={leaving || undefined}>
                <span className="glyph" data-kind={kind} aria-hidden="true">
                  {walletName(kind, "zh").slice(0, 1)}
                </span>
                <span className="rows-name">{walletName(kind, language)}</span>
                <span className="pill pill--good">{words.linked}</span>
              </li>
            ))}
          </ul>
        </section>
        <section className="block panel" aria-labelledby="renewals">
          <h2 id="renewals">
            {words.renewals} <small>{active.length}</small>
          </h2>
          {renewals.length === 0 && <p className="none">{words.none.renewals}</p>}
          <ul className="rows">
            {renewals.map(({ item, leaving }) => (
              <li key={item.id} data-leaving={leaving || undefined}>
                <span className="glyph" data-kind="renewal" aria-hidden="true">
                  {item.merchant.slice(0, 1)}
                </span>
                <span className="rows-name">
                  {item.merchant}
                  {item.card && <small>{words.from(item.card)}</small>}
                </span>
                <span className="rows-sum">{words.perMonth(money(item.amount, item.currency))}</span>
              </li>
            ))}
          </ul>
        </section>
      </div>
      <section className="block panel" aria-labelledby="requests">
        <h2 id="requests">{words.requests}</h2>
        {requests.length === 0 && <p className="none">{words.none.requests}</p>}
        <ul className="rows">
          {requests.map((one) => (
            <li key={one.id}>
              <span className="rows-name">
                {words.kinds[one.kind] ?? one.kind}
                <small>
                  {targetName(one.kind, one.target, language, words)} · <span className="mono">{one.reference}</span>
                </small>
              </span>
              <span className="pill" data-status={one.status}>
                {words.statuses[one.status] ?? one.status}
              </span>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

/** What the account will look like, until it is here: nothing jumps when it comes. */
export function Skeleton({ words }: { words: Words }) {
  return (
    <>
      <section className="block" aria-busy="true">
        <h2>{words.cards}</h2>
        <ul className="cards" aria-hidden="true">
          {[1, 2, 3].map((at) => (
            <li key={at} className="ghost" />
          ))}
        </ul>
      </section>
      <div className="pair" aria-hidden="true">
        <div className="panel panel--none" />
        <div className="panel panel--none" />
      </div>
    </>
  );
}
