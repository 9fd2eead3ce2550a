"""A new version is installed while operations are on their way: each of them goes on where it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command

from binding import migrate

from .conftest import Cluster

CARDS = [{"bank": "cmb", "tail": f"{n}{n}{n}{n}"} for n in range(1, 5)]


def back_to(cluster: Cluster, revision: str) -> None:
    """Make the database of a stopped cluster what an older version had."""
    engine, config = cluster.engine(), migrate.config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def revision_of(cluster: Cluster) -> str:
    with cluster.engine().connect() as connection:
        return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))


def test_operations_on_their_way_survive_a_new_version(cluster: Cluster) -> None:
    customer, newest = cluster.customer(cards=CARDS), revision_of(cluster)
    other, locked_out = cluster.customer(cards=CARDS), cluster.customer(cards=CARDS)

    cluster.bank("pending")
    with_the_bank = customer.unbind("1111")
    customer.verified(with_the_bank)
    customer.until(with_the_bank, "pending")

    coded = other.unbind("2222")  # its code was sent by the old version and is answered to the new one
    challenge, code = other.challenge(coded), other.code()
    tried = locked_out.unbind("3333")
    first = locked_out.challenge(tried)
    locked_out.answer(tried, first, locked_out.wrong_code(), expect=422)

    cluster.bank("slow")
    cluster.advance(61)
    queued = customer.unbind("4444")
    cut_off = customer.challenge(queued)
    customer.answer(queued, cut_off, customer.code(), expect=202, wait=0, key="accepted by the old version")
    cluster.kill()

    back_to(cluster, "0003")
    assert revision_of(cluster) == "0003" != newest
    cluster.restart()
    assert revision_of(cluster) == newest

    assert locked_out.operation(tried)["attempts_left"] == 2
    cluster.bank("ok")
    assert other.answer(coded, challenge, code, expect=200)["status"] == "succeeded"
    cluster.settle()
    for op in (with_the_bank, queued):
        customer.until(op, "succeeded")
        assert cluster.bank_requests()[op["id"]]["done"] == 1
    again = customer.answer(queued, cut_off, code, key="another key")
    assert again["code"] == "code_used"
    done = cluster.run("-m", "binding.audit", "verify")
    assert done.returncode == 0, done.stdout


def test_the_older_version_works_on_the_tables_of_a_newer_one(cluster: Cluster) -> None:
    customer, ours = cluster.customer(cards=CARDS), revision_of(cluster)
    op = customer.unbind("1111")
    challenge, code = customer.challenge(op), customer.code()
    cluster.kill()
    with cluster.engine().begin() as connection:  # a newer version was here, and was taken back
        connection.exec_driver_sql("ALTER TABLE cards ADD COLUMN something_new VARCHAR")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    try:
        cluster.restart()
        assert customer.answer(op, challenge, code, expect=200)["status"] == "succeeded"
        assert revision_of(cluster) == "9999"
    finally:
        cluster.kill()
        with cluster.engine().begin() as connection:
            connection.exec_driver_sql("ALTER TABLE cards DROP COLUMN something_new")
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{ours}'")
        cluster.restart()
