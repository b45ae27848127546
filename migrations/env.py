"""Alembic's entry point. The URL comes from ``webscale_rl.store.engine.migrate``, never from a file."""

import os

from alembic import context
from sqlalchemy import create_engine, text

from webscale_rl.store.engine import sqlalchemy_url
from webscale_rl.store.models import Base

LOCK = 7_251_006_499  # so that two processes that migrate at once do it one after the other


def run() -> None:
    url = context.config.attributes.get("url") or sqlalchemy_url(os.environ["WEBSCALE_RL_DATABASE"])
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()
    engine.dispose()


run()
