"""Cards, wallets, agreements and obligations of one account."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding.models import Account, Agreement, Card, Obligation, Wallet
from binding.repository.pages import page
from binding.repository.rows import among

LIVE_CARD = ("bound", "unbinding", "suspended")
LIVE_WALLET = ("bound", "unbinding")
LIVE_AGREEMENT = ("active", "terminating")

# Queries of every request are built once: building one costs more than running it.
_owner, _id = sa.bindparam("owner", type_=sa.String()), sa.bindparam("id", type_=sa.String())
_ACCOUNT = sa.select(Account).where(Account.id == _owner)
_CARD = sa.select(Card).where(Card.account_id == _owner, Card.id == _id)
_CARDS = sa.select(Card).where(Card.account_id == _owner, among(Card.state, LIVE_CARD)).order_by(Card.id)
_BOUND = sa.select(Card).where(Card.account_id == _owner, Card.state == "bound").order_by(Card.id)
_WALLET = sa.select(Wallet).where(Wallet.account_id == _owner, Wallet.id == _id)
_WALLETS = sa.select(Wallet).where(Wallet.account_id == _owner, among(Wallet.state, LIVE_WALLET)).order_by(Wallet.id)
_AGREEMENT = sa.select(Agreement).where(Agreement.account_id == _owner, Agreement.id == _id)
_AGREEMENTS_ON = sa.select(Agreement).where(
    Agreement.account_id == _owner, Agreement.card_id == _id, among(Agreement.state, LIVE_AGREEMENT)
)
_AGREEMENTS_ON = _AGREEMENTS_ON.order_by(Agreement.id)
_OPEN = sa.select(Obligation).where(Obligation.account_id == _owner, Obligation.state == "open").order_by(Obligation.id)


def account(session: Session, owner: str) -> Account | None:
    """Find the account itself; read once a session, as a session is one transaction."""
    kept: Account | None = session.info.get(("account", owner))
    if kept is None:
        kept = session.info[("account", owner)] = session.scalar(_ACCOUNT, {"owner": owner})
    return kept


def card(session: Session, owner: str, card_id: str) -> Card | None:
    """Find one card of the owner."""
    return session.scalar(_CARD, {"owner": owner, "id": card_id})


def cards(session: Session, owner: str) -> list[Card]:
    """List the owner's cards that are not unbound, oldest first."""
    return list(session.scalars(_CARDS, {"owner": owner}))


def bound_cards(session: Session, owner: str) -> list[Card]:
    """List the owner's cards that are bound and at rest, oldest first."""
    return list(session.scalars(_BOUND, {"owner": owner}))


def cards_page(
    session: Session, owner: str, *, everything: bool, limit: int, cursor: str | None
) -> tuple[list[Card], str | None]:
    """List a page of the owner's cards; `everything` includes the unbound."""
    query = sa.select(Card).where(Card.account_id == owner)
    if not everything:
        query = query.where(Card.state.in_(LIVE_CARD))
    return page(session, query, Card.id, limit=limit, cursor=cursor)


def wallet(session: Session, owner: str, wallet_id: str) -> Wallet | None:
    """Find one wallet of the owner."""
    return session.scalar(_WALLET, {"owner": owner, "id": wallet_id})


def wallets(session: Session, owner: str) -> list[Wallet]:
    """List the owner's linked wallets."""
    return list(session.scalars(_WALLETS, {"owner": owner}))


def wallets_page(
    session: Session, owner: str, *, everything: bool, limit: int, cursor: str | None
) -> tuple[list[Wallet], str | None]:
    """List a page of the owner's wallets."""
    query = sa.select(Wallet).where(Wallet.account_id == owner)
    if not everything:
        query = query.where(Wallet.state.in_(LIVE_WALLET))
    return page(session, query, Wallet.id, limit=limit, cursor=cursor)


def agreement(session: Session, owner: str, agreement_id: str) -> Agreement | None:
    """Find one agreement of the owner."""
    return session.scalar(_AGREEMENT, {"owner": owner, "id": agreement_id})


def agreements_on(session: Session, owner: str, card_id: str) -> list[Agreement]:
    """List the running agreements on one of the owner's cards."""
    return list(session.scalars(_AGREEMENTS_ON, {"owner": owner, "id": card_id}))


def agreements_page(
    session: Session, owner: str, *, card_id: str | None, everything: bool, limit: int, cursor: str | None
) -> tuple[list[Agreement], str | None]:
    """List a page of the owner's agreements, of one card when asked."""
    query = sa.select(Agreement).where(Agreement.account_id == owner)
    if card_id is not None:
        query = query.where(Agreement.card_id == card_id)
    if not everything:
        query = query.where(Agreement.state.in_(LIVE_AGREEMENT))
    return page(session, query, Agreement.id, limit=limit, cursor=cursor)


def open_obligations(session: Session, owner: str) -> list[Obligation]:
    """List what stands open on the account."""
    return list(session.scalars(_OPEN, {"owner": owner}))


def obligations_page(
    session: Session, owner: str, *, limit: int, cursor: str | None
) -> tuple[list[Obligation], str | None]:
    """List a page of what stands open."""
    query = sa.select(Obligation).where(Obligation.account_id == owner, Obligation.state == "open")
    return page(session, query, Obligation.id, limit=limit, cursor=cursor)
