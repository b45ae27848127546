"""A schema that does not match its models fails in the middle of a night's run."""

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from webscale_rl.errors import ConfigurationError
from webscale_rl.store.engine import MIGRATIONS, libpq_url, migrate, open_engine, sqlalchemy_url
from webscale_rl.store.models import Base


def config(url: str = "") -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["url"] = sqlalchemy_url(url) if url else ""
    return made


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(config()).get_heads()) == 1


def test_migrations_lead_to_the_models_and_back(empty_database: str) -> None:
    migrate(empty_database)
    migrate(empty_database)  # safe to repeat
    command.check(config(empty_database))
    engine = open_engine(empty_database)
    assert set(Base.metadata.tables) <= set(inspect(engine).get_table_names())
    command.downgrade(config(empty_database), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_a_url_that_cannot_be_used_says_so_without_its_password() -> None:
    with pytest.raises(ConfigurationError, match="must be PostgreSQL"):
        sqlalchemy_url("mysql://user:secret@host/db")
    with pytest.raises(ConfigurationError) as caught:
        sqlalchemy_url("not a url: secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_any_spelling_of_the_driver_is_understood(scheme: str) -> None:
    url = f"{scheme}://user:p%40ss@host:5432/db"
    assert sqlalchemy_url(url) == "postgresql+psycopg://user:p%40ss@host:5432/db"
    assert libpq_url(url) == "postgresql://user:p%40ss@host:5432/db"
