"""Engines and migrations of the service's database."""

from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url, text

from webscale_rl.errors import ConfigurationError

REPOSITORY = Path(__file__).resolve().parents[3]
MIGRATIONS = REPOSITORY / "migrations"


def sqlalchemy_url(url: str) -> str:
    """Return ``url`` with the psycopg 3 driver, whatever driver it names.

    Raises:
        ConfigurationError: it is no URL of a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
    except Exception:  # its message would repeat the password
        raise ConfigurationError("the URL of the service's database cannot be parsed") from None
    if not parsed.drivername.startswith("postgres"):
        raise ConfigurationError(f"the service's database must be PostgreSQL, not {parsed.drivername!r}")
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def libpq_url(url: str) -> str:
    """Return ``url`` as libpq reads it, for psycopg without SQLAlchemy."""
    return make_url(sqlalchemy_url(url)).set(drivername="postgresql").render_as_string(hide_password=False)


def open_engine(url: str) -> Engine:
    """Return an engine with a small pool that notices dropped connections."""
    return create_engine(
        sqlalchemy_url(url),
        pool_size=2,
        pool_pre_ping=True,
        connect_args={"application_name": "webscale_rl", "connect_timeout": 10},
    )


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to ``revision``; safe to repeat and to run from several processes at once."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = sqlalchemy_url(url)
    command.upgrade(config, revision)


def expire_leases(url: str) -> None:
    """End all leases: for a stack that has just started its own database, so that no worker can be alive."""
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text("UPDATE conversions SET lease_until = now() WHERE lease_until > now()"))
    finally:
        engine.dispose()
